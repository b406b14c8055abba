"""The supervisor: follows the log and makes true what it says about processes.

A claim starts an attempt, a spawned service starts its process, a requested stop reaches them. Since it acts only on
events, whoever wants something done to a process appends; the intent is durable before the act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.agents.attempt import Attempt, Ending
from core.agents.context import Context, to_agent
from core.agents.service import Service
from core.agents.undelivered import undelivered
from core.concurrency import task_group
from core.errors import LogClosed, LogVanished
from core.events import (
    AgentPaused,
    AgentResumed,
    AgentSpawned,
    AgentStopRequested,
    AgentTerminated,
    Append,
    MessageSent,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    StoredEvent,
    TaskCancelRequested,
    TaskClaimed,
)
from core.projections import State

ACTOR = "supervisor"

Worker = Attempt | Service


class Supervisor:
    """Owns everything that runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._workers: dict[str, Worker] = {}
        self._leaving: dict[str, int] = {}
        """Agents that were told to stop and are still here → the position of the order."""
        self._seen = context.journal.state.position
        """The last position reacted to."""
        self._moved = asyncio.Event()
        self._closing = self._over = False

    @property
    def running(self) -> int:
        """How many agents have something to do."""
        return len(self._workers)

    async def run(self) -> None:
        """Supervise until cancelled."""
        try:
            async with task_group() as tasks:
                async for events in self._context.journal.follow(self._seen):
                    for event in events:
                        await self._react(event, tasks)
                        self._seen = event.position
                    self._moved.set()
        finally:
            self._over = True
            self._moved.set()

    async def idle(self) -> None:
        """Return when no task is in the hands of an agent; services go on."""
        await self._until(lambda: not any(isinstance(worker, Attempt) for worker in self._workers.values()))

    async def end_all(self) -> None:
        """End whatever runs, and return when the verdicts are recorded; tasks are requeued.

        Nothing that is claimed from now on is started.
        """
        self._closing = True
        for worker in list(self._workers.values()):
            _end(worker, "quit")
        await self._until(lambda: not self._workers)

    async def _until(self, done: Callable[[], bool]) -> None:
        """Return once everything in the log was reacted to and this is true, or will never be."""
        while not self._over and (self._seen < self._context.journal.state.position or not done()):
            self._moved.clear()
            await self._moved.wait()

    def kill_all(self) -> None:
        """KILL whatever is still being ended."""
        for worker in list(self._workers.values()):
            _end(worker, "quit", force=True)

    async def _react(self, event: StoredEvent, tasks: asyncio.TaskGroup) -> None:
        if event.stream.startswith("execution/"):
            await self._pass_on(event)
            return
        match event.payload:
            case TaskClaimed(agent_id=agent_id, attempt=attempt, fence=fence):
                self._start(tasks, Attempt(self._context, agent_id, event.aggregate_id, attempt, fence, event.position))
            case AgentSpawned(command=command, profile=profile) if command:
                self._start(tasks, Service(self._context, event.aggregate_id, profile, event.position))
            case TaskCancelRequested(force=force):
                self._cancel(event.aggregate_id, event.position, force=force)
            case AgentStopRequested(force=force):
                self._leaving[event.aggregate_id] = event.position
                await self._stop(event.aggregate_id, force=force)
            case AgentPaused():
                worker = self._workers.get(event.aggregate_id)
                if worker is not None:
                    await worker.suspend()
            case AgentResumed():
                worker = self._workers.get(event.aggregate_id)
                if worker is not None:
                    await worker.resume()
            case _:
                pass

    async def _pass_on(self, event: StoredEvent) -> None:
        """Tell whoever it is about; a message that reaches nobody is not forgotten."""
        if not isinstance(event.payload, MessageSent | PermissionGranted | PermissionDenied | PermissionExpired):
            return
        about = [worker for worker in self._workers.values() if worker.execution_id == event.aggregate_id]
        if not any(worker.react(event) for worker in about) and isinstance(event.payload, MessageSent):
            lost = Append(event.stream, [undelivered(event)])
            await self._context.journal.record_fact(lambda _: [lost], actor=ACTOR, cause=event.position)

    def _start(self, tasks: asyncio.TaskGroup, worker: Worker) -> None:
        if self._closing:
            _end(worker, "quit")
        elif worker.agent_id in self._leaving:
            _end(worker, "stop", cause=self._leaving[worker.agent_id])
        self._workers[worker.agent_id] = worker
        tasks.create_task(self._work(worker), name=f"agent {worker.agent_id}")

    async def _work(self, worker: Worker) -> None:
        try:
            await self._worked(worker)
        except* (LogVanished, LogClosed):
            pass  # nothing can be recorded any more; the processes are gone, and the journal says why

    async def _worked(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            if self._workers.get(worker.agent_id) is worker:
                del self._workers[worker.agent_id]
            self._moved.set()
        if worker.agent_id in self._leaving:
            await self._stop(worker.agent_id, force=False)

    def _cancel(self, task_id: str, cause: int, *, force: bool) -> None:
        for worker in self._workers.values():
            if isinstance(worker, Attempt) and worker.task_id == task_id:
                worker.end("cancel", cause=cause, force=force)

    async def _stop(self, agent_id: str, *, force: bool) -> None:
        cause = self._leaving[agent_id]
        worker = self._workers.get(agent_id)
        if worker is not None:
            _end(worker, "stop", cause=cause, force=force)
            return
        async with self._context.journal.fleet:
            await self._context.journal.record_fact(lambda state: _leave(state, agent_id), actor=ACTOR, cause=cause)
        agent = self._context.journal.state.agents.get(agent_id)
        if agent is None or agent.status == "terminated":
            self._leaving.pop(agent_id, None)


def _leave(state: State, agent_id: str) -> list[Append]:
    """It leaves, unless it has left already or was given a task in the same moment, which is stopped first."""
    agent = state.agents.get(agent_id)
    stays = agent is None or agent.status == "terminated" or agent.task_id is not None
    return [] if stays else [to_agent(agent_id, AgentTerminated(reason="stopped"))]


def _end(worker: Worker, why: Ending, *, cause: int | None = None, force: bool = False) -> None:
    if isinstance(worker, Attempt):
        worker.end(why, cause=cause, force=force)
    else:
        worker.end(cause=cause, force=force)
