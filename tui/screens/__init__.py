"""The screens: the dashboard, and the small ones that open over it.

Invariant: a screen dispatches keys through the one registry and calls commands; what it shows comes from panels.
"""
