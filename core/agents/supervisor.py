"""The supervisor: follows the log and makes true what it says about processes.

A claim starts an attempt, a spawned service starts its process, a requested stop reaches them. Since it acts only on
events, whoever wants something done to a process appends; the intent is durable before the act.
"""

from __future__ import annotations

import asyncio

from core.agents.attempt import Attempt, Ending
from core.agents.context import Context, to_agent
from core.agents.service import Service
from core.concurrency import task_group
from core.errors import LogClosed, LogVanished
from core.events import (
    AgentPaused,
    AgentResumed,
    AgentSpawned,
    AgentStatusChanged,
    AgentStopRequested,
    AgentTerminated,
    StoredEvent,
    TaskCancelRequested,
    TaskClaimed,
)

ACTOR = "supervisor"

Worker = Attempt | Service


class Supervisor:
    """Owns everything that runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._workers: dict[str, Worker] = {}
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._closing = False

    @property
    def running(self) -> int:
        """How many agents have something to do."""
        return len(self._workers)

    async def run(self) -> None:
        """Supervise until cancelled."""
        async with task_group() as tasks:
            async for events in self._context.journal.follow(self._context.journal.state.position):
                for event in events:
                    await self._react(event, tasks)

    async def idle(self) -> None:
        """Return when nothing runs."""
        await self._all_gone.wait()

    async def end_all(self, *, cancel: bool) -> None:
        """End whatever runs, and return when the verdicts are recorded; tasks are requeued, or cancelled.

        Nothing that is claimed from now on is started.
        """
        self._closing = True
        for worker in list(self._workers.values()):
            _end(worker, "cancel" if cancel else "quit")
        await self._all_gone.wait()

    def kill_all(self) -> None:
        """KILL whatever is still being ended."""
        for worker in list(self._workers.values()):
            _end(worker, "quit", force=True)

    async def _react(self, event: StoredEvent, tasks: asyncio.TaskGroup) -> None:
        match event.payload:
            case TaskClaimed(agent_id=agent_id, attempt=attempt, fence=fence):
                self._start(tasks, Attempt(self._context, agent_id, event.aggregate_id, attempt, fence, event.position))
            case AgentSpawned(command=command, profile=profile) if command:
                self._start(tasks, Service(self._context, event.aggregate_id, profile, event.position))
            case TaskCancelRequested(force=force):
                self._cancel(event.aggregate_id, event.position, force=force)
            case AgentStopRequested(force=force):
                await self._stop(event.aggregate_id, event.position, force=force)
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

    def _start(self, tasks: asyncio.TaskGroup, worker: Worker) -> None:
        if self._closing:
            _end(worker, "quit")
        self._workers[worker.agent_id] = worker
        self._all_gone.clear()
        tasks.create_task(self._work(worker), name=f"agent {worker.agent_id}")

    async def _work(self, worker: Worker) -> None:
        try:
            await worker.run()
        except (LogVanished, LogClosed):
            # Nothing can be recorded any more; the processes are gone, and the journal says why.
            return
        finally:
            if self._workers.get(worker.agent_id) is worker:
                del self._workers[worker.agent_id]
            if not self._workers:
                self._all_gone.set()

    def _cancel(self, task_id: str, cause: int, *, force: bool) -> None:
        for worker in self._workers.values():
            if isinstance(worker, Attempt) and worker.task_id == task_id:
                worker.end("cancel", cause=cause, force=force)

    async def _stop(self, agent_id: str, cause: int, *, force: bool) -> None:
        worker = self._workers.get(agent_id)
        agent = self._context.journal.state.agents.get(agent_id)
        if worker is None:
            if agent is not None and agent.status != "terminated":
                gone = to_agent(agent_id, AgentTerminated(reason="stopped"))
                await self._context.journal.record_fact(lambda _: [gone], actor=ACTOR, cause=cause)
            return
        before = "" if agent is None else agent.status
        stopping = AgentStatusChanged(previous=before, current="stopping", reason="kill" if force else "stop")
        await self._context.journal.record_fact(lambda _: [to_agent(agent_id, stopping)], actor=ACTOR, cause=cause)
        _end(worker, "stop", cause=cause, force=force)


def _end(worker: Worker, why: Ending, *, cause: int | None = None, force: bool = False) -> None:
    if isinstance(worker, Attempt):
        worker.end(why, cause=cause, force=force)
    else:
        worker.end(cause=cause, force=force)
