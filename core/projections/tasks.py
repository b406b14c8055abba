"""How tasks change. See `moves` for which events move them."""

from __future__ import annotations

from msgspec.structs import replace

from core.events import (
    AnyEvent,
    Event,
    TaskBlocked,
    TaskCancelled,
    TaskCancelRequested,
    TaskClaimed,
    TaskCompleted,
    TaskCreated,
    TaskDeadLettered,
    TaskFailed,
    TaskLeaseExpired,
    TaskLost,
    TaskPaused,
    TaskPriorityChanged,
    TaskQueued,
    TaskRequeued,
    TaskResumed,
    TaskRetryScheduled,
    TaskScheduled,
    TaskStaleResult,
    TaskStarted,
)
from core.events.envelope import to_us
from core.projections.draft import Draft
from core.projections.moves import FINAL, MOVES, RESTING
from core.projections.records import Task, TaskStatus, line

RESTING_KEPT = 10_000
"""Completed and cancelled tasks whose records stay; of older ones only the outcome does."""

_REVIVES = frozenset({TaskRequeued, TaskCreated})


def fold_task(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `task/…` stream."""
    task_id = event.stream[5:]
    task = draft.tasks.get(task_id)
    if task is None:
        if draft.outcomes.get(task_id) is not None:
            return  # dropped: what comes late changes nothing
        task = _born(draft, event, task_id)
    _put(
        draft, event, task, replace(_changed(task, event, payload), version=event.version, last_position=event.position)
    )


def pass_task_over(draft: Draft, event: AnyEvent) -> None:
    """Fold an event of a `task/…` stream that this release does not know: who moves the task next expects it."""
    task = draft.tasks.get(event.stream[5:])
    if task is not None:
        draft.tasks.put(task.id, replace(task, version=event.version))


def _born(draft: Draft, event: AnyEvent, task_id: str) -> Task:
    task = Task(
        id=task_id, title=task_id, position=event.position, queued_position=event.position,
        created_us=event.recorded_us, since_us=event.recorded_us,
    )  # fmt: skip
    draft.totals = replace(draft.totals, tasks=draft.totals.tasks + 1)
    _count(draft, task.status, 1)
    draft.tasks.put(task_id, task)
    return task


def _changed(task: Task, event: AnyEvent, payload: Event) -> Task:
    move = MOVES.get(type(payload))
    if move is not None and task.status in FINAL and type(payload) not in _REVIVES:
        return task  # the first terminal event of an attempt wins
    match payload:
        case TaskQueued():
            return replace(
                task, status="queued", waiting_on=(), run_at_us=None, reason=payload.reason,
                queued_position=event.position,
            )  # fmt: skip
        case TaskClaimed():
            return replace(
                task, status="claimed", agent_id=payload.agent_id, attempt=payload.attempt, fence=payload.fence,
                reason="", error="",
            )  # fmt: skip
        case TaskStarted():
            return _started(task, event, payload)
        case TaskCompleted():
            return _over(task, event, "completed", duration_ms=payload.duration_ms)
        case TaskCreated():
            return _created(task, payload)
        case _:
            return _rarely_changed(task, event, payload)


def _rarely_changed(task: Task, event: AnyEvent, payload: Event) -> Task:
    match payload:
        case TaskScheduled():
            return replace(task, status="scheduled", run_at_us=to_us(payload.run_at), waiting_on=(), reason="")
        case TaskBlocked():
            return replace(task, status="blocked", waiting_on=payload.waiting_on, reason=payload.reason)
        case TaskFailed():
            error = line(payload.error)
            return replace(
                _over(task, event, "failed"), error=error, failures=task.failures + 1, retryable=payload.retryable
            )
        case TaskRetryScheduled():
            return _retry_scheduled(task, event, payload)
        case TaskDeadLettered():
            error = line(payload.last_error) or task.error
            return replace(_over(task, event, "dead-lettered"), error=error)
        case TaskLost():
            return replace(_over(task, event, "lost"), losses=task.losses + 1, reason=line(payload.reason))
        case TaskRequeued():
            return _requeued(task, event, payload)
        case TaskCancelled():
            return replace(_over(task, event, "cancelled"), reason=line(payload.reason))
        case _:
            return _touched(task, payload)


def _touched(task: Task, payload: Event) -> Task:
    """Changes that are not a move through the queue."""
    match payload:
        case TaskCancelRequested():
            return replace(
                task, cancel_requested=True, force_requested=task.force_requested or payload.force,
                reason=line(payload.reason),
            )  # fmt: skip
        case TaskPaused():
            if task.status == "paused":
                return task
            return replace(task, status="paused", before_pause=task.status, reason=line(payload.reason))
        case TaskResumed():
            return replace(task, status=task.before_pause, reason="") if task.status == "paused" else task
        case TaskPriorityChanged():
            return replace(task, priority=payload.current)
        case TaskStaleResult():
            return replace(task, stale_results=task.stale_results + 1)
        case TaskLeaseExpired():
            return replace(task, reason="its lease expired")
        case _:
            return task


def _created(task: Task, payload: TaskCreated) -> Task:
    run_at_us = None if payload.run_at is None else to_us(payload.run_at)
    status: TaskStatus = "blocked" if payload.depends_on else "queued" if run_at_us is None else "scheduled"
    return replace(
        task, title=line(payload.title), kind=payload.kind, status=status, priority=payload.priority,
        profile=payload.profile, depends_on=payload.depends_on, waiting_on=payload.depends_on,
        max_attempts=payload.max_attempts, timeout_ms=payload.timeout_ms, run_at_us=run_at_us,
        workspace=payload.workspace, labels=payload.labels, idempotent=payload.idempotent, depth=payload.depth,
    )  # fmt: skip


def _started(task: Task, event: AnyEvent, payload: TaskStarted) -> Task:
    executions = task.executions
    if payload.execution_id and payload.execution_id not in executions:
        executions = (*executions, payload.execution_id)
    return replace(
        task, status="running", agent_id=payload.agent_id or task.agent_id, started_us=event.recorded_us,
        execution_id=payload.execution_id or task.execution_id, executions=executions, finished_us=None,
        duration_ms=None,
    )  # fmt: skip


def _over(task: Task, event: AnyEvent, status: TaskStatus, *, duration_ms: int | None = None) -> Task:
    """The attempt, or the whole task, ended."""
    if duration_ms is None:
        ran = task.started_us is not None and task.status == "running"
        duration_ms = (event.recorded_us - (task.started_us or 0)) // 1000 if ran else task.duration_ms
    return replace(
        task, status=status, finished_us=event.recorded_us, finished_position=event.position,
        duration_ms=duration_ms, cancel_requested=False, force_requested=False, waiting_on=(), reason="",
    )  # fmt: skip


def _retry_scheduled(task: Task, event: AnyEvent, payload: TaskRetryScheduled) -> Task:
    run_at_us = event.recorded_us + payload.delay_ms * 1000 if payload.run_at is None else to_us(payload.run_at)
    return replace(
        task, status="scheduled", run_at_us=run_at_us, agent_id=None, execution_id=None,
        reason=f"attempt {payload.attempt} failed",
    )  # fmt: skip


def _requeued(task: Task, event: AnyEvent, payload: TaskRequeued) -> Task:
    # Whoever gives a task another life after its end gives it all its attempts again.
    again = task.status in FINAL or task.status in {"failed", "lost"}
    return replace(
        task, status="queued", agent_id=None, execution_id=None, started_us=None, finished_us=None,
        duration_ms=None, run_at_us=None, cancel_requested=False, force_requested=False, waiting_on=(),
        failures=0 if again and payload.reason != "lost" else task.failures, queued_position=event.position,
        reason=line(payload.reason),
    )  # fmt: skip


def _put(draft: Draft, event: AnyEvent, before: Task, after: Task) -> None:
    if after.status != before.status:
        after = replace(after, since_us=event.recorded_us)
        _count(draft, before.status, -1)
        _count(draft, after.status, 1)
        _tally(draft, before, after)
    draft.tasks.put(after.id, after)
    if draft.resting_count > RESTING_KEPT:
        _forget_oldest(draft)


def _tally(draft: Draft, before: Task, after: Task) -> None:
    if after.status == "claimed":
        draft.totals = replace(draft.totals, claims=draft.totals.claims + 1)
    elif after.status == "completed":
        duration = draft.totals.completed_duration_ms + (after.duration_ms or 0)
        draft.totals = replace(draft.totals, completed_duration_ms=duration)
    if before.status in RESTING:
        draft.resting_count -= 1
    if after.status in RESTING:
        draft.resting_count += 1
        draft.resting.put(draft.totals.rested, (after.finished_position, after.id))
        draft.totals = replace(draft.totals, rested=draft.totals.rested + 1)


def _count(draft: Draft, status: str, change: int) -> None:
    draft.task_counts.put(status, (draft.task_counts.get(status) or 0) + change)


def _forget_oldest(draft: Draft) -> None:
    """Drop the record that rests longest, keeping its outcome. Entries of tasks queued again are skipped."""
    number = draft.totals.dropped
    while draft.resting_count > RESTING_KEPT:
        entry = draft.resting.get(number)
        draft.resting.drop(number)
        number += 1
        if entry is None:
            continue
        position, task_id = entry
        task = draft.tasks.get(task_id)
        if task is None or task.status not in RESTING or task.finished_position != position:
            continue
        draft.tasks.drop(task_id)
        for execution_id in task.executions:
            draft.executions.drop(execution_id)
        draft.outcomes.put(task_id, task.status)
        draft.resting_count -= 1
    draft.totals = replace(draft.totals, dropped=number)
