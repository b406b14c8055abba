"""The queue, with every move an event and durable: full cycles beside other queues, and claims past a crowd that waits.

The commands and the scheduler are the real ones. What stands in for the supervisor is an agent that is done at once:
it answers every claim with the verdict, in one append, as an attempt does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from core.concurrency import task_group
from core.config import Config, Profile
from core.engine import Desk
from core.events import (
    AgentStatusChanged,
    AgentTaskCompleted,
    Append,
    SessionStarted,
    StoredEvent,
    TaskClaimed,
    TaskCompleted,
    TaskCreated,
    TaskQueued,
    TaskScheduled,
)
from core.journal import Journal
from core.projections import State
from core.scheduling.scheduler import Scheduler
from tui.bench.bare import BARE, events_per_second
from tui.bench.figures import Figure, Section, at_least, at_most, beside, figure, percentile
from tui.bench.peers import QUEUES, TEXT, Peer, installed
from tui.bench.rounds import Contestant, Effort, clock, in_thread, take_turns

IN_FLIGHT = 100
EVENTS_PER_CYCLE = 8
APPENDS_PER_CYCLE = 3
FEW = 10
CROWD = 10  # of so many events of the log, one stands for a delayed task
CROWD_AT_ONCE = 500
FLOORS = {"huey": at_least(3), "litequeue": at_least(1)}
CLAIM_MS = at_most(10)
ABOUT = (
    f"Enqueue, claim, complete, with {IN_FLIGHT} tasks in flight through the real commands and scheduler: eight events "
    "in three appends each, all durable; bare sqlite3 writes as many ready-made events in as large transactions; "
    "other queues by one worker, which the lock on their file makes their best. "
    f"A claim is timed from the task being queued until its claim is durable, with {FEW} tasks in flight"
)


class Queue:
    """A queue at work, and agents that are done with every task at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._journal = desk, desk.journal
        self._over: dict[str, asyncio.Future[float]] = {}
        self._queued: dict[str, float] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, effort: Effort, *, delayed: int = 0) -> AsyncGenerator[Queue, None]:
        """A fresh project with a session, and so many tasks that are due tomorrow."""
        config = Config(max_agents=IN_FLIGHT, profiles={"shell": Profile(max=IN_FLIGHT)})
        async with effort.room() as place, Desk.open(place, config=config) as desk, task_group() as tasks:
            queue = cls(desk)
            await _begin(desk.journal, delayed)
            running = [tasks.create_task(Scheduler(desk.journal, config).run()), tasks.create_task(queue._work())]
            yield queue
            for task in running:
                task.cancel()

    async def _work(self) -> None:
        async with task_group() as tasks:
            async for events in self._journal.follow(self._journal.state.position):
                now = clock.monotonic()
                for event in events:
                    match event.payload:
                        case TaskQueued():
                            self._queued[event.aggregate_id] = now
                        case TaskClaimed(agent_id=agent_id):
                            waited = now - self._queued.pop(event.aggregate_id)
                            tasks.create_task(self._complete(event, agent_id, waited))
                        case _:
                            pass

    async def _complete(self, claim: StoredEvent, agent_id: str, waited: float) -> None:
        def decide(state: State) -> list[Append]:
            task = state.tasks[claim.aggregate_id]
            idle = AgentStatusChanged(previous="busy", current="idle")
            return [
                Append(claim.stream, [TaskCompleted(result=TEXT)], task.version),
                Append(f"agent/{agent_id}", [AgentTaskCompleted(task_id=task.id), idle]),
            ]

        await self._journal.decide(decide, actor="supervisor", cause=claim.position)
        self._future(claim.aggregate_id).set_result(waited)

    def _future(self, task_id: str) -> asyncio.Future[float]:
        """Made by whoever comes first: a task may be over before its enqueuer is told its name."""
        return self._over.setdefault(task_id, asyncio.get_running_loop().create_future())

    async def cycle(self) -> float:
        """Enqueue a task and wait until it is completed; how many seconds it waited to be claimed."""
        task_id = await self._desk.commands.enqueue(TEXT, command="true")
        waited = await self._future(task_id)
        del self._over[task_id]
        return waited

    async def cycles(self, in_flight: int, seconds: float) -> tuple[float, list[float]]:
        """So many tasks in flight for so long: cycles a second, and how many seconds each waited to be claimed."""
        waits: list[float] = []

        async def enqueue_again_and_again() -> None:
            while clock.monotonic() < began + seconds:
                waits.append(await self.cycle())

        began = clock.monotonic()
        async with task_group() as tasks:
            for _ in range(in_flight):
                tasks.create_task(enqueue_again_and_again())
        return len(waits) / (clock.monotonic() - began), waits


async def _begin(journal: Journal, delayed: int) -> None:
    journal.session_id = "S-1"
    await journal.record([Append("session/S-1", [SessionStarted(session_id="S-1")], 0)], actor="user")
    tomorrow = clock.now() + timedelta(days=1)
    for first in range(1, delayed + 1, CROWD_AT_ONCE):
        crowd = [
            Append(
                f"task/D-{number}",
                [TaskCreated(title=TEXT, command="true", run_at=tomorrow), TaskScheduled(run_at=tomorrow)],
                0,
            )
            for number in range(first, min(first + CROWD_AT_ONCE, delayed + 1))
        ]
        await journal.record(crowd, actor="user")


async def measure(effort: Effort) -> Section:
    """Cycles a second, and how long a claim takes."""
    began = clock.monotonic()
    peers, missing = await asyncio.to_thread(installed, QUEUES) if effort.peers else ({}, ())
    figures = (await _throughput(effort, peers), *await _claims(effort))
    return Section(name="queue", about=ABOUT, seconds=clock.monotonic() - began, figures=figures, notes=missing)


async def _throughput(effort: Effort, peers: Mapping[str, Peer]) -> Figure:
    async def ours() -> float:
        async with Queue.open(effort) as queue:
            per_second, _ = await queue.cycles(IN_FLIGHT, effort.seconds)
            return per_second

    def bare() -> float:
        together = IN_FLIGHT * EVENTS_PER_CYCLE // APPENDS_PER_CYCLE
        return events_per_second(effort, together) / EVENTS_PER_CYCLE

    contestants: dict[str, Contestant] = {"ours": ours, BARE: in_thread(bare)}
    contestants |= {name: await asyncio.to_thread(peer.enter, IN_FLIGHT, effort) for name, peer in peers.items()}
    values = await take_turns(contestants, effort.rounds)
    mine = values.pop("ours")
    floors = {name: FLOORS[peer.package] for name, peer in peers.items()}
    bases = [beside(name, mine, theirs, floors.get(name)) for name, theirs in values.items()]
    return figure(f"full cycles, {IN_FLIGHT} in flight", "cycles/s", mine, *bases)


async def _claims(effort: Effort) -> tuple[Figure, Figure]:
    """How long a claim takes beside a crowd of delayed tasks, and without one."""
    delayed = effort.events // CROWD
    halves: dict[str, list[float]] = {}

    async def contest(name: str, queue: Queue) -> float:
        _, waits = await queue.cycles(FEW, effort.seconds)
        halves.setdefault(name, []).append(1000 * percentile(waits, 0.5))
        return 1000 * percentile(waits, 0.99)

    async with Queue.open(effort, delayed=delayed) as crowded, Queue.open(effort) as empty:
        values = await take_turns(
            {"crowded": lambda: contest("crowded", crowded), "empty": lambda: contest("empty", empty)}, effort.rounds
        )
    alone = "nothing else waiting"
    return (
        figure(
            f"claim p50, {delayed:,} delayed tasks waiting", "ms", halves["crowded"],
            beside(alone, halves["crowded"], halves["empty"]),
        ),
        figure(
            f"claim p99, {delayed:,} delayed tasks waiting", "ms", values["crowded"],
            beside(alone, values["crowded"], values["empty"]), floor=CLAIM_MS,
        ),
    )  # fmt: skip
