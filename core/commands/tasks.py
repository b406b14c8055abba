"""Commands about tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from core.commands.base import CommandsBase, task_of
from core.config import Config
from core.durations import LONGEST_MS
from core.errors import IllegalMove, PlanError
from core.events import (
    Append,
    Command,
    Payload,
    TaskBlocked,
    TaskCancelled,
    TaskCancelRequested,
    TaskCreated,
    TaskPriorityChanged,
    TaskRequeued,
)
from core.journal import Journal
from core.plan import Plan, PlannedTask
from core.projections import State
from core.projections.moves import IN_FLIGHT, require
from core.projections.records import line
from core.scheduling.policy import entry


class TaskCommands(CommandsBase):
    """Enqueue, cancel, retry, move in the queue."""

    def __init__(self, journal: Journal, config: Callable[[], Config]) -> None:
        super().__init__(journal, config)
        self._named = 0
        """The highest number given to a task, which may not be in the state yet."""

    async def enqueue(
        self,
        title: str = "",
        *,
        prompt: str = "",
        command: Command | Sequence[str] = (),
        kind: str = "",
        priority: int = 0,
        profile: str = "shell",
        depends_on: Sequence[str] = (),
        max_attempts: int = 1,
        timeout_ms: int | None = None,
        run_at: datetime | None = None,
        delay_ms: int = 0,
        workspace: str = "",
        labels: Sequence[str] = (),
        idempotent: bool = False,
        depth: int = 0,
        actor: str = "user",
        cause: int | None = None,
    ) -> str:
        """Add a task to the queue; its id. `delay_ms` counts from now and is an alternative to `run_at`.

        Raises:
            PlanError: it has nothing to do, its profile does not exist, or it depends on a task that does not.
        """
        command = command if isinstance(command, str) else tuple(command)
        if not 0 <= delay_ms <= LONGEST_MS:
            raise PlanError(f"task {title!r}: its delay must be between nothing and 100 years")
        created = TaskCreated(
            title=title or line(prompt or (command if isinstance(command, str) else " ".join(command))),
            prompt=prompt, command=command, kind=kind, priority=priority, profile=profile,
            depends_on=tuple(depends_on), max_attempts=max_attempts, timeout_ms=timeout_ms,
            run_at=self._in(delay_ms) if delay_ms else run_at, workspace=workspace, labels=tuple(labels),
            idempotent=idempotent, depth=depth,
        )  # fmt: skip
        self._check(created)
        stored = await self._journal.decide(lambda state: self._enqueued(state, created), actor=actor, cause=cause)
        return stored[0].aggregate_id

    async def enqueue_plan(
        self, plan: Plan | Sequence[Mapping[str, object]], *, actor: str = "user", cause: int | None = None
    ) -> dict[str, str]:
        """Add all tasks of a plan, or none; plan id → task id.

        Raises:
            PlanError: the plan is wrong; the message says what.
        """
        plan = plan if isinstance(plan, Plan) else Plan.of(plan)
        for planned in plan.tasks:
            self._check(self._created(planned, {}))
        names: dict[str, str] = {}

        def decide(state: State) -> list[Append]:
            names.clear()
            names.update((planned.id, self._free_id(state)) for planned in plan.tasks)
            together = frozenset(names.values())
            return [self._planned(state, planned, names, together) for planned in plan.tasks]

        await self._journal.decide(decide, actor=actor, cause=cause)
        return names

    async def cancel_task(self, task_id: str, *, force: bool = False, reason: str = "", actor: str = "user") -> str:
        """End the task: at once when it waits, else its attempt is stopped first (killed with `force`).

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            task = task_of(state, task_id)
            require(task, TaskCancelRequested)
            if task.cancel_requested and not (force and not task.force_requested):
                return []
            events: list[Payload] = [TaskCancelRequested(force=force, reason=reason)]
            if task.status not in IN_FLIGHT:
                events.append(TaskCancelled(reason=reason or "cancelled by the user"))
            return [Append(f"task/{task_id}", events, task.version)]

        await self._journal.decide(decide, actor=actor)
        return task_id

    async def retry_task(self, task_id: str, *, actor: str = "user") -> str:
        """Queue a task again that failed, was lost or was cancelled; it gets all its attempts anew.

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            task = task_of(state, task_id)
            if task.status in IN_FLIGHT:
                raise IllegalMove(f"task {task_id}", task.status, "tried again before it ends")
            require(task, TaskRequeued)
            events: list[Payload] = [TaskRequeued(reason="retry")]
            placed = entry(task.depends_on, None, self._journal.clock.now(), state)
            if isinstance(placed, TaskBlocked):
                events.append(placed)
            return [Append(f"task/{task_id}", events, task.version)]

        await self._journal.decide(decide, actor=actor)
        return task_id

    async def set_priority(self, task_id: str, priority: int, *, actor: str = "user") -> str:
        """Move the task in the queue; higher runs first.

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            task = task_of(state, task_id)
            require(task, TaskPriorityChanged)
            if task.priority == priority:
                return []
            changed = TaskPriorityChanged(previous=task.priority, current=priority)
            return [Append(f"task/{task_id}", [changed], task.version)]

        await self._journal.decide(decide, actor=actor)
        return task_id

    def _in(self, delay_ms: int) -> datetime:
        return self._journal.clock.now() + timedelta(milliseconds=delay_ms)

    def _check(self, created: TaskCreated) -> None:
        if not created.command and not created.prompt:
            raise PlanError(f"task {created.title!r} has nothing to do; give it a command or a prompt")
        self._config().check_work(created.title, created.profile, has_command=bool(created.command))
        if created.max_attempts < 1:
            raise PlanError(f"task {created.title!r}: it needs at least one attempt")
        if not 0 <= (created.timeout_ms or 0) <= LONGEST_MS:
            raise PlanError(f"task {created.title!r}: its time limit must be between nothing and 100 years")
        if created.run_at is not None and created.run_at.tzinfo is None:
            raise PlanError(f"task {created.title!r}: the time it may run at needs a time zone")

    def _enqueued(self, state: State, created: TaskCreated) -> list[Append]:
        for needed in created.depends_on:
            if state.task_outcome(needed) is None:
                raise PlanError(f"task {created.title!r} depends on {needed!r}, and there is no such task")
        placed = entry(created.depends_on, created.run_at, self._journal.clock.now(), state)
        return [Append(f"task/{self._free_id(state)}", [created, placed], 0)]

    def _planned(
        self, state: State, planned: PlannedTask, names: Mapping[str, str], together: Collection[str]
    ) -> Append:
        created = self._created(planned, names)
        placed = entry(created.depends_on, created.run_at, self._journal.clock.now(), state, together)
        return Append(f"task/{names[planned.id]}", [created, placed], 0)

    def _created(self, planned: PlannedTask, names: Mapping[str, str]) -> TaskCreated:
        return TaskCreated(
            title=planned.title or planned.id, prompt=planned.prompt, command=planned.run or planned.command,
            kind=planned.kind, priority=planned.priority, profile=planned.profile,
            depends_on=tuple(names.get(needed, needed) for needed in planned.depends_on),
            max_attempts=planned.max_attempts, timeout_ms=planned.timeout,
            run_at=self._in(planned.delay) if planned.delay else None, workspace=planned.workspace,
            labels=planned.labels, idempotent=planned.idempotent,
        )  # fmt: skip

    def _free_id(self, state: State) -> str:
        """An id no task ever had and that is given to no other one that is on its way: `T-1`, `T-2`, and so on."""
        number = max(self._named, state.totals.tasks) + 1
        while state.task_outcome(f"T-{number}") is not None:
            number += 1
        self._named = number
        return f"T-{number}"
