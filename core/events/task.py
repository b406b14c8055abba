"""Tasks: units of work, and every move they make through the queue."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from core.events.agent import Command
from core.events.envelope import Event


class TaskCreated(Event):
    """A task exists. What it shall do never changes afterwards."""

    type: ClassVar[str] = "task:created"
    title: str
    prompt: str = ""
    command: Command = ()
    kind: str = ""
    priority: int = 0
    """Higher runs first; equal ones in the order of their positions."""
    profile: str = "shell"
    depends_on: tuple[str, ...] = ()
    max_attempts: int = 1
    timeout_ms: int | None = None
    run_at: datetime | None = None
    workspace: str = ""
    labels: tuple[str, ...] = ()
    idempotent: bool = False
    """Whether a lost attempt may be repeated without asking."""
    depth: int = 0
    """How many agents stand between the user and this task: 0 when the user enqueued it."""


class TaskQueued(Event):
    """The task waits for an agent."""

    type: ClassVar[str] = "task:queued"
    reason: str = ""


class TaskScheduled(Event):
    """The task waits for a time."""

    type: ClassVar[str] = "task:scheduled"
    run_at: datetime


class TaskBlocked(Event):
    """The task waits for other tasks; the reason says so when one of them can no longer complete."""

    type: ClassVar[str] = "task:blocked"
    waiting_on: tuple[str, ...] = ()
    reason: str = ""


class TaskClaimed(Event):
    """An agent has the task; nothing of it runs yet."""

    type: ClassVar[str] = "task:claimed"
    agent_id: str
    attempt: int = 1
    fence: int = 1
    """Rises at every claim; a result that carries an older one is stale."""
    lease_until: datetime | None = None
    """Only for pullers elsewhere; local agents live by process identity."""


class TaskStarted(Event):
    """The task's attempt is running."""

    type: ClassVar[str] = "task:started"
    agent_id: str = ""
    execution_id: str = ""


class TaskCancelRequested(Event):
    """The user wants the task to end."""

    type: ClassVar[str] = "task:cancel-requested"
    force: bool = False
    reason: str = ""


class TaskCancelled(Event):
    """The task ended because the user wanted it to. Nothing of it runs any more."""

    type: ClassVar[str] = "task:cancelled"
    reason: str = ""


class TaskCompleted(Event):
    """The task is done."""

    type: ClassVar[str] = "task:completed"
    result: str = ""
    artifact: str | None = None
    duration_ms: int = 0


class TaskFailed(Event):
    """An attempt went wrong; `task:retry-scheduled` or `task:dead-lettered` follows."""

    type: ClassVar[str] = "task:failed"
    error: str
    attempt: int = 1
    retryable: bool = True


class TaskRetryScheduled(Event):
    """The task will be tried again after a backoff."""

    type: ClassVar[str] = "task:retry-scheduled"
    attempt: int = 1
    """The attempt that failed."""
    run_at: datetime | None = None
    delay_ms: int = 0


class TaskDeadLettered(Event):
    """No attempts are left; the task waits for the user."""

    type: ClassVar[str] = "task:dead-lettered"
    attempts: int = 1
    last_error: str = ""


class TaskLost(Event):
    """The engine's verdict: the attempt was in flight and nobody knows how it ended."""

    type: ClassVar[str] = "task:lost"
    reason: str = ""
    attempt: int = 1


class TaskRequeued(Event):
    """The task goes back to the queue; the attempt that ended does not count."""

    type: ClassVar[str] = "task:requeued"
    reason: str = ""


class TaskLeaseRenewed(Event):
    """The puller of the task is alive."""

    type: ClassVar[str] = "task:lease-renewed"
    lease_until: datetime | None = None


class TaskLeaseExpired(Event):
    """The puller of the task was not heard of in time."""

    type: ClassVar[str] = "task:lease-expired"
    agent_id: str = ""


class TaskStaleResult(Event):
    """A result arrived for an attempt that was over: kept, not applied."""

    type: ClassVar[str] = "task:stale-result"
    fence: int = 0
    outcome: str = ""


class TaskPriorityChanged(Event):
    """The task moves in the queue."""

    type: ClassVar[str] = "task:priority-changed"
    previous: int = 0
    current: int


class TaskPaused(Event):
    """The task is held back."""

    type: ClassVar[str] = "task:paused"
    reason: str = ""


class TaskResumed(Event):
    """The opposite of `task:paused`."""

    type: ClassVar[str] = "task:resumed"
    reason: str = ""
