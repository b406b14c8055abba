"""Everything at once: users who change their minds, agents that end as they like, and nothing is ever mislaid.

`CW_STORMS` raises the number of storms; each is known by its seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.fake_runner import FakeRunner
from fakes.stage import SteppedClock, opened, until

from core.config import Profile
from core.engine import Engine
from core.errors import IllegalMove, NoCapacity, NotFound, PlanError
from core.events import TaskCancelled, TaskCompleted, TaskFailed, TaskLost, TaskRequeued
from core.history import Timeline
from core.projections import State, fold
from core.projections.moves import IN_FLIGHT, MOVES, may
from core.scheduling.policy import alive, is_free

STORMS = int(os.environ.get("CW_STORMS", "20"))
USERS = 6
WISHES = 25
ENDS = (TaskCompleted, TaskFailed, TaskLost, TaskCancelled, TaskRequeued)

Wish = Callable[[Engine, random.Random], Awaitable[object]]


def some_task(engine: Engine, chance: random.Random) -> str:
    return f"T-{chance.randrange(engine.journal.state.totals.tasks + 1) + 1}"


def some_agent(engine: Engine, chance: random.Random) -> str:
    return chance.choice([agent.id for agent in alive(engine.journal.state)] or ["nobody"])


def enqueue(engine: Engine, chance: random.Random) -> Awaitable[object]:
    needs = [some_task(engine, chance)] if chance.random() < 0.4 else []
    return engine.commands.enqueue(
        command="x", depends_on=needs, max_attempts=chance.choice([1, 3]), priority=chance.randrange(3),
        profile=chance.choice(["shell", "solo"]), idempotent=chance.random() < 0.5, timeout_ms=60_000,
    )  # fmt: skip


WISHES_AND_WEIGHTS: dict[Wish, int] = {
    enqueue: 8,
    lambda engine, chance: engine.commands.cancel_task(some_task(engine, chance), force=chance.random() < 0.5): 3,
    lambda engine, chance: engine.commands.retry_task(some_task(engine, chance)): 2,
    lambda engine, chance: engine.commands.set_priority(some_task(engine, chance), chance.randrange(5)): 2,
    lambda engine, chance: engine.commands.pause(some_task(engine, chance)): 2,
    lambda engine, chance: engine.commands.resume(some_task(engine, chance)): 2,
    lambda engine, chance: engine.commands.pause(some_agent(engine, chance)): 2,
    lambda engine, chance: engine.commands.resume(some_agent(engine, chance)): 3,
    lambda engine, chance: engine.commands.stop_agent(some_agent(engine, chance), force=chance.random() < 0.5): 3,
    lambda engine, chance: engine.commands.spawn(chance.choice(["shell", "solo", "server"])): 2,
    lambda engine, chance: engine.commands.scale(chance.randrange(1, 5)): 1,
    lambda engine, _: engine.commands.pause_session(): 1,
    lambda engine, _: engine.commands.resume_session(): 2,
}


async def one_user(engine: Engine, chance: random.Random) -> None:
    for _ in range(WISHES):
        (wish,) = chance.choices([*WISHES_AND_WEIGHTS], [*WISHES_AND_WEIGHTS.values()])
        with suppress(IllegalMove, NotFound, NoCapacity, PlanError):  # refused, as it should be
            await wish(engine, chance)
        for _ in range(chance.randrange(10)):
            await asyncio.sleep(0)


async def calm(engine: Engine) -> State:
    """Let go of everything that was held, and wait until nothing goes on by itself."""
    await engine.commands.scale(4)
    await engine.commands.resume_session()
    for thing in [*engine.journal.state.agents.values(), *engine.journal.state.tasks.values()]:
        if thing.status == "paused":
            await engine.commands.resume(thing.id)
    return await until(engine, at_rest)


def at_rest(state: State) -> bool:
    stuck = {"completed", "cancelled", "dead-lettered", "lost"}
    tasks_rest = all(
        task.status in stuck or (task.status == "blocked" and task.reason) for task in state.tasks.values()
    )
    agents_rest = all(
        is_free(agent) or agent.service or agent.status == "terminated" for agent in state.agents.values()
    )
    return tasks_rest and agents_rest and all(agent.status != "stopping" for agent in state.agents.values())


async def check_the_log(engine: Engine) -> None:
    """Every move was legal when it was made, and every attempt ended once."""
    live = engine.journal.state  # services go on: later it would be another one
    state, ended = State.empty(), set[tuple[str, int]]()
    async for event in engine.journal.log.read(up_to=live.position):
        task = state.tasks.get(event.aggregate_id) if event.stream.startswith("task/") else None
        if task is not None and task.version > 1:
            kind = type(event.payload)
            assert kind not in MOVES or may(task, kind), f"at {event.position} {task.id} is {task.status}: {kind}"
            if kind in ENDS and task.status in IN_FLIGHT:
                assert (task.id, task.fence) not in ended
                ended.add((task.id, task.fence))
        state = fold(state, event)
    assert state.to_json() == live.to_json()
    assert (await Timeline(engine.journal.log).state_at(state.position, cold=True)).to_json() == state.to_json()


@pytest.mark.parametrize("seed", range(STORMS))
async def test_after_a_storm_everything_is_in_its_place(
    project: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    runner = FakeRunner(chance)
    monkeypatch.setattr("core.engine.LocalRunner", lambda: runner)
    agents = {
        "shell": Profile(acquire_timeout=0),
        "solo": Profile(max=1, min=1, acquire_timeout=0),
        "server": Profile(command="serve", max=1, acquire_timeout=0, restart={"when": "always", "backoff": 0}),
    }
    async with opened(project, clock=SteppedClock(), **agents) as engine:
        async with asyncio.TaskGroup() as users:
            for number in range(USERS):
                users.create_task(one_user(engine, random.Random(seed * 100 + number)))
        state = await calm(engine)
        for agent in state.agents.values():
            assert agent.task_id is None
            assert (agent.pid is None) or agent.service
        await check_the_log(engine)
    assert runner.active == set()
