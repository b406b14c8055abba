"""Claims are handed out many at a time: as fairly as one by one, each refused alone, none twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fakes.clock import FakeClock

from core.config import Config, Profile
from core.engine import Desk
from core.events import Append, SessionStarted, StoredEvent, TaskClaimed, TaskPriorityChanged
from core.scheduling.policy import FAIR_SHARE
from core.scheduling.scheduler import Scheduler

AGENTS = 3 * FAIR_SHARE
CONFIG = Config(max_agents=AGENTS, profiles={"shell": Profile(max=AGENTS)})


async def begun(desk: Desk) -> Scheduler:
    desk.journal.session_id = "S-1"
    await desk.journal.record([Append("session/S-1", [SessionStarted(session_id="S-1")], 0)], actor="user")
    return Scheduler(desk.journal, CONFIG)


async def claims(desk: Desk) -> list[StoredEvent]:
    return [event async for event in desk.journal.log.read(types=[TaskClaimed.type])]


async def test_every_eighth_of_them_goes_to_whoever_waits_longest(project: Path, clock: FakeClock) -> None:
    async with Desk.open(project, config=CONFIG, clock=clock) as desk:
        old = [await desk.commands.enqueue("old", command="x") for _ in range(AGENTS)]
        urgent = [await desk.commands.enqueue("new", command="x", priority=1) for _ in range(AGENTS)]
        scheduler = await begun(desk)
        scheduler._look_again()
        await scheduler._dispatch()
        claimed = [event.aggregate_id for event in await claims(desk)]
    fair = [name for number, name in enumerate(claimed) if number % FAIR_SHARE == FAIR_SHARE - 1]
    assert fair == old[:3]
    assert [name for name in claimed if name not in fair] == urgent[: AGENTS - 3]


async def test_all_free_agents_get_a_task_in_one_transaction(project: Path, clock: FakeClock) -> None:
    async with Desk.open(project, config=CONFIG, clock=clock) as desk:
        for _ in range(5):
            await desk.commands.enqueue("x", command="x")
        scheduler = await begun(desk)
        scheduler._look_again()
        assert await scheduler._claimed_some()
        assert not await scheduler._claimed_some()
        claimed = await claims(desk)
        assert len({event.payload.agent_id for event in claimed}) == 5
        assert len(desk.journal.state.agents) == 5


async def test_a_claim_that_is_refused_is_decided_again_with_all_the_others(project: Path, clock: FakeClock) -> None:
    async with Desk.open(project, config=CONFIG, clock=clock) as desk:
        names = [await desk.commands.enqueue("x", command="x") for _ in range(4)]
        scheduler = await begun(desk)
        scheduler._look_again()
        faster = desk.journal.log.append(
            f"task/{names[2]}", [TaskPriorityChanged(previous=0, current=9)], expected_version=2
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(faster)
            tasks.create_task(scheduler._dispatch())
        claimed = await claims(desk)
        assert [event.aggregate_id for event in claimed] == [names[2], names[0], names[1], names[3]]
        assert [event.payload.fence for event in claimed] == [1, 1, 1, 1]


async def test_tasks_enqueued_at_once_are_numbered_in_the_order_they_came(project: Path, clock: FakeClock) -> None:
    async with Desk.open(project, config=CONFIG, clock=clock) as desk:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(desk.commands.enqueue("x", command="x")) for _ in range(20)]
        assert [one.result() for one in asked] == [f"T-{number}" for number in range(1, 21)]
