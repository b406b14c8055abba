"""Scheduling: what runs next, where, and when again.

Invariant: the queue has no table of its own. Decisions are made from the fold in memory, and every move is an
event with an expected version; what is legal stands in `core.projections.moves`. Nothing polls.
"""
