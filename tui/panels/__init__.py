"""The panels of the dashboard. Each takes an immutable view and draws it; an equal view costs nothing.

Invariant: a panel is a pure function of what it is shown, live or past alike. Forbidden here: asking the core.
"""
