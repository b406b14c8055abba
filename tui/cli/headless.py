"""Running without a screen: readable lines as things happen, a summary, and signals that mean something.

The first interrupt stops what runs and queues it again, the second kills it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from core.concurrency import task_group
from core.engine import Engine
from core.events import (
    AgentFailed,
    AgentOutput,
    AgentRestarting,
    AgentTerminated,
    ConfigLoaded,
    ConfigRejected,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    SessionRecovered,
    StoredEvent,
    TaskBlocked,
    TaskCancelled,
    TaskCompleted,
    TaskDeadLettered,
    TaskFailed,
    TaskLost,
    TaskRequeued,
    TaskRetryScheduled,
    TaskStarted,
)
from core.projections import State, Task
from core.projections.moves import FINAL
from core.scheduling.policy import after_loss
from tui.cli.printing import complain, local_time, say
from tui.text import duration, sanitize

INTERRUPTED = 130
_GONE = frozenset({"terminated", "failed", "stopped"})


class Voice(Protocol):
    """Who says what happens."""

    def tell(self, event: StoredEvent, state: State) -> None:
        """Print what the event means, if it means something to the reader."""
        ...

    def sum_up(self, tasks: Sequence[Task]) -> None:
        """Print how it ended."""
        ...


class Narrator:
    """One line for each thing worth knowing, output with the name of its task before it."""

    def tell(self, event: StoredEvent, state: State) -> None:
        payload = event.payload
        if isinstance(payload, AgentOutput):
            if payload.is_raw:
                return
            for line in payload.lines:
                self._line(event, payload.task_id or event.aggregate_id, f"| {line}")
            if payload.dropped_lines:
                self._line(event, payload.task_id, f"| … {payload.dropped_lines:,} lines left out")
            return
        said = _meaning(event, state)
        if said:
            self._line(event, event.aggregate_id, said)

    def sum_up(self, tasks: Sequence[Task]) -> None:
        counts: dict[str, int] = {}
        for task in tasks:
            counts[task.status] = counts.get(task.status, 0) + 1
        say()
        say(f"{len(tasks)} tasks: " + ", ".join(f"{number} {status}" for status, number in sorted(counts.items())))
        for task in tasks:
            if task.status != "completed":
                say(f"  {task.id} {task.status}: {task.title}: {task.error or task.reason}")

    def _line(self, event: StoredEvent, who: str, what: str) -> None:
        say(f"{local_time(event.recorded_us)}  {who:<10} {what}")
        sys.stdout.flush()  # whoever reads it through a pipe wants it now, too


class Plain:
    """Nothing but the program's own output, each channel where it belongs."""

    def tell(self, event: StoredEvent, state: State) -> None:  # noqa: ARG002  output speaks for itself
        if isinstance(event.payload, AgentOutput) and not event.payload.is_raw:
            channel = sys.stderr if event.payload.channel == "stderr" else sys.stdout
            channel.write("".join(f"{sanitize(line)}\n" for line in event.payload.lines))
            channel.flush()
        elif isinstance(event.payload, ConfigRejected):
            complain(f"{event.payload.message}; what was in force stays so")

    def sum_up(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            took = f" in {duration(task.duration_ms)}" if task.duration_ms is not None else ""
            why = f": {task.error or task.reason}" if task.status != "completed" else ""
            complain(f"{task.id} {task.status}{took}{why}")


def _meaning(event: StoredEvent, state: State) -> str:
    match event.payload:
        case TaskStarted(agent_id=agent):
            task = state.tasks.get(event.aggregate_id)
            attempt = f" (attempt {task.attempt})" if task is not None and task.attempt > 1 else ""
            return f"started on {agent}{attempt}: {task.title if task is not None else ''}"
        case TaskCompleted(duration_ms=took):
            return f"completed in {duration(took)}"
        case TaskFailed(error=error):
            return f"failed: {error}"
        case TaskRetryScheduled(delay_ms=delay):
            return f"tried again in {duration(delay)}"
        case PermissionRequested(tool_name=tool, request_id=request):
            return f"asks whether it may: {tool} (cw approve {request}, or cw deny {request})"
        case PermissionGranted(by=by):
            return f"may do it, says {by}"
        case PermissionDenied(by=by):
            return f"must not do it, says {by}"
        case PermissionExpired():
            return "must not do it: nobody answered in time"
        case _:
            return _rarer_meaning(event)


def _rarer_meaning(event: StoredEvent) -> str:
    match event.payload:
        case TaskDeadLettered(attempts=attempts):
            return f"given up after {attempts} attempts; `cw retry {event.aggregate_id}` tries again"
        case TaskBlocked(reason=reason) if reason:
            return f"blocked: {reason}"
        case TaskCancelled(reason=reason):
            return f"cancelled: {reason}"
        case TaskLost(reason=reason):
            return f"lost: {reason}"
        case TaskRequeued(reason=reason):
            return f"queued again: {reason}"
        case AgentFailed(error=error):
            return f"failed: {error}"
        case AgentRestarting(delay_ms=delay):
            return f"restarts in {duration(delay)}"
        case AgentTerminated(reason=reason):
            return f"left: {reason}"
        case _:
            return _of_the_house(event)


def _of_the_house(event: StoredEvent) -> str:
    match event.payload:
        case ConfigRejected(message=message):
            return f"{message}; what was in force stays so"
        case ConfigLoaded():
            return "was read, and is in force from here on"
        case SessionRecovered(orphans=orphans, lost=lost, requeued=requeued):
            return f"recovered after a crash: {orphans} processes ended, {lost} attempts lost, {requeued} requeued"
        case _:
            return ""


class Headless:
    """Tells what happens in an engine, until what it waits for is over or somebody interrupts."""

    def __init__(self, engine: Engine, voice: Voice) -> None:
        self._engine, self._voice = engine, voice
        self._from = engine.journal.state.position
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _interrupt(self) -> None:
        if self._stopped.is_set():
            self._engine.supervisor.kill_all()
            return
        complain("stopping, what runs is queued again; interrupt once more to kill it")
        self._engine.signalled()
        self._stopped.set()

    async def until_over(self, task_ids: Sequence[str]) -> int:
        """Run until none of the tasks can go on by itself; the exit code says whether all completed."""
        interrupted = await self._until(lambda state: all(_is_over(state, task_id) for task_id in task_ids))
        await self._engine.close("requeue")
        state = self._engine.queries.state
        tasks = [state.tasks[task_id] for task_id in task_ids if task_id in state.tasks]
        self._voice.sum_up(tasks)
        if interrupted:
            return INTERRUPTED
        return 0 if all(state.task_outcome(task_id) == "completed" for task_id in task_ids) else 1

    async def until_gone(self, agent_id: str) -> int:
        """Run until the agent is gone; the exit code says whether it ended well."""
        interrupted = await self._until(
            lambda state: state.agents[agent_id].status in _GONE and not self._engine.supervisor.running
        )
        state = self._engine.queries.state
        failed = state.agents[agent_id].status == "failed"
        await self._engine.close("requeue")
        return INTERRUPTED if interrupted else int(failed)

    async def _until(self, over: Callable[[State], bool]) -> bool:
        """Tell what happens until `over`; whether we were interrupted."""
        async with task_group() as tasks:
            telling = tasks.create_task(self._tell(over), name="tell what happens")
            stopped = tasks.create_task(self._stopped.wait(), name="wait for an interrupt")
            await asyncio.wait([telling, stopped], return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
            stopped.cancel()
        return self._stopped.is_set()

    async def _tell(self, over: Callable[[State], bool]) -> None:
        if over(self._engine.queries.state):
            return
        async for events in self._engine.journal.follow(self._from):
            state = self._engine.queries.state
            for event in events:
                self._voice.tell(event, state)
                self._from = event.position
            if over(state):
                return


def _is_over(state: State, task_id: str) -> bool:
    """Whether the task ended, or cannot go on without somebody's decision."""
    task = state.tasks.get(task_id)
    if task is None or task.status in FINAL or task.status == "paused":
        return True
    if task.status == "lost":
        return after_loss(task) is None
    return task.status == "blocked" and bool(task.reason)
