"""Agents: how each kind is run, and the supervisor under all of them.

Invariants: a process is started only after its intent is in the log, and its end becomes an event only when its
whole tree is gone. What an agent prints is redacted before it is appended. Adapters turn what a process says into
a verdict; they never decide what happens to the task next.
"""
