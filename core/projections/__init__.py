"""Projections: pure folds of the log to one immutable state, the same for live and past.

Invariant: the same events give the same state, byte for byte. Forbidden here: I/O, clocks, randomness, and
anything that remembers what the log does not say.
"""

from core.projections.draft import Draft
from core.projections.fold import fold, fold_into, fold_many
from core.projections.queries import AgentQueries, MemoryQueries, TaskQueries, UsageQueries, in_order
from core.projections.records import (
    Agent,
    Bookmark,
    Budget,
    Checkpoint,
    Execution,
    Lock,
    Memory,
    Permission,
    Profile,
    Session,
    Signal,
    Swarm,
    Task,
    TaskStatus,
    Totals,
    Usage,
    Workspace,
    day_scope,
    profile_scope,
    session_scope,
)
from core.projections.state import State

__all__ = [
    "Agent", "AgentQueries", "Bookmark", "Budget", "Checkpoint", "Draft", "Execution", "Lock",
    "Memory", "MemoryQueries", "Permission", "Profile", "Session", "Signal", "State", "Swarm", "Task", "TaskQueries",
    "TaskStatus", "Totals", "Usage", "UsageQueries", "Workspace", "day_scope", "fold", "fold_into", "fold_many",
    "in_order", "profile_scope", "session_scope",
]  # fmt: skip
