"""The queue without processes: a real log, journal and scheduler, and workers that only say what they would do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.stage import AT_ONCE, SteppedClock

from core.config import Config, Profile
from core.engine import Desk
from core.events import (
    AgentStatusChanged,
    AgentTaskCompleted,
    Append,
    SessionStarted,
    TaskClaimed,
    TaskCompleted,
    TaskStarted,
)
from core.scheduling.scheduler import Scheduler


class Rehearsal:
    """A desk with a scheduler at work. Claims are kept until somebody finishes them."""

    def __init__(self, desk: Desk, clock: SteppedClock) -> None:
        self.desk, self.clock = desk, clock
        self.journal, self.commands = desk.journal, desk.commands
        self.claimed: list[str] = []
        """Task ids in the order in which they were claimed."""

    async def work(self) -> None:
        """Finish every claim at once, for ever."""
        async for events in self.journal.follow(0):
            for event in events:
                if isinstance(event.payload, TaskClaimed):
                    self.claimed.append(event.aggregate_id)
                    await self.finish(event.aggregate_id)

    async def watch(self) -> None:
        """Note every claim and finish none."""
        async for events in self.journal.follow(0):
            self.claimed += [event.aggregate_id for event in events if isinstance(event.payload, TaskClaimed)]

    async def finish(self, task_id: str) -> None:
        task = self.journal.state.tasks[task_id]
        assert task.agent_id
        done = [AgentTaskCompleted(task_id=task_id), AgentStatusChanged(previous="busy", current="idle")]
        await self.journal.record(
            [
                Append(f"task/{task_id}", [TaskStarted(agent_id=task.agent_id), TaskCompleted()], task.version),
                Append(f"agent/{task.agent_id}", done),
            ],
            actor="test",
        )


@asynccontextmanager
async def rehearsing(
    project: Path, *, max_agents: int = 4, working: bool = True, **agents: Profile
) -> AsyncIterator[Rehearsal]:
    clock = SteppedClock()
    config = Config(max_agents=max_agents, retry=AT_ONCE, profiles=agents)
    async with Desk.open(project, config=config, clock=clock) as desk:
        desk.journal.session_id = "S-1"
        await desk.journal.record([Append("session/S-1", [SessionStarted(session_id="S-1")])], actor="test")
        rehearsal, scheduler = Rehearsal(desk, clock), Scheduler(desk.journal, config)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(scheduler.run()),
                tasks.create_task(rehearsal.work() if working else rehearsal.watch()),
            ]
            try:
                yield rehearsal
            finally:
                for task in running:
                    task.cancel()
