"""The moves of a task: the one table that says what is legal, and what follows.

Commands, the scheduler and recovery ask `may` before they append; the fold takes the resulting status from the
same table. The fold itself is lenient, since the log accepts any order: it refuses only what would undo an
attempt's first terminal event.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from core.errors import IllegalMove
from core.events import (
    Event,
    TaskBlocked,
    TaskCancelled,
    TaskCancelRequested,
    TaskClaimed,
    TaskCompleted,
    TaskDeadLettered,
    TaskFailed,
    TaskLost,
    TaskPaused,
    TaskPriorityChanged,
    TaskQueued,
    TaskRequeued,
    TaskResumed,
    TaskRetryScheduled,
    TaskScheduled,
    TaskStarted,
)
from core.projections.records import Task, TaskStatus

WAITING: frozenset[str] = frozenset({"blocked", "scheduled", "queued", "paused"})
"""Nothing of the task runs, and it is not over."""
IN_FLIGHT: frozenset[str] = frozenset({"claimed", "running"})
"""An agent has it."""
FINAL: frozenset[str] = frozenset({"completed", "cancelled", "dead-lettered"})
"""It is over, unless the user wants it again."""
RESTING: frozenset[str] = frozenset({"completed", "cancelled"})
"""It is over and nobody needs to look at it: what the state may forget first."""
DEAD: frozenset[str] = frozenset({"cancelled", "dead-lettered", "lost", "failed"})
"""As a dependency it will not complete by itself."""


class Move(Struct, frozen=True):
    """A legal move."""

    word: str
    """As in `cannot be …`."""
    start: frozenset[str]
    end: TaskStatus | None
    """None: the status stays, or is what it was before a pause."""


MOVES: Mapping[type[Event], Move] = {
    TaskQueued: Move("queued", frozenset({"blocked", "scheduled", "paused"}), "queued"),
    TaskScheduled: Move("scheduled", frozenset({"blocked", "queued", "paused"}), "scheduled"),
    TaskBlocked: Move("blocked", frozenset({"blocked", "queued", "scheduled", "paused"}), "blocked"),
    TaskClaimed: Move("claimed", frozenset({"queued"}), "claimed"),
    TaskStarted: Move("started", frozenset({"claimed"}), "running"),
    TaskCompleted: Move("completed", IN_FLIGHT, "completed"),
    TaskFailed: Move("failed", IN_FLIGHT, "failed"),
    TaskLost: Move("lost", IN_FLIGHT, "lost"),
    TaskRetryScheduled: Move("tried again", frozenset({"failed"}), "scheduled"),
    TaskDeadLettered: Move("given up", frozenset({"failed", "lost"}), "dead-lettered"),
    TaskRequeued: Move("requeued", IN_FLIGHT | frozenset({"failed", "lost", "dead-lettered", "cancelled"}), "queued"),
    TaskCancelRequested: Move("cancelled", WAITING | IN_FLIGHT | frozenset({"failed", "lost"}), None),
    TaskCancelled: Move("cancelled", WAITING | IN_FLIGHT | frozenset({"failed", "lost"}), "cancelled"),
    TaskPaused: Move("paused", frozenset({"blocked", "scheduled", "queued"}), "paused"),
    TaskResumed: Move("resumed", frozenset({"paused"}), None),
    TaskPriorityChanged: Move("given another priority", WAITING | IN_FLIGHT | frozenset({"failed", "lost"}), None),
}
"""Every event that moves a task, where it may start and where it ends."""


def may(task: Task, move: type[Event]) -> bool:
    """Whether the move is legal for the task now."""
    return task.status in MOVES[move].start


def require(task: Task, move: type[Event]) -> None:
    """Refuse an illegal move.

    Raises:
        IllegalMove: with the task's name and status.
    """
    if not may(task, move):
        raise IllegalMove(f"task {task.id}", task.status, MOVES[move].word)
