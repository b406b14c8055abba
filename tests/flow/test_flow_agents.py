"""The fleet: who is in it, who makes room, who is sent away, and what becomes of their tasks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fakes.stage import (
    Gate,
    SteppedClock,
    kinds,
    opened,
    payloads,
    until,
    until_over,
    until_printed,
    until_status,
)
from fakes.traces import left_of

from core.config import Profile
from core.errors import IllegalMove, NoCapacity, NotFound
from core.events import AgentSpawned, AgentTerminated, TaskClaimed, TaskLost, TaskRequeued
from core.projections import State
from core.scheduling.policy import alive

HANG = "echo ready; exec sleep 1000"


def living(state: State) -> list[str]:
    return [agent.id for agent in alive(state)]


async def test_as_many_agents_as_the_limit_allows_are_spawned_and_no_more(project: Path) -> None:
    async with opened(project, max_agents=2) as engine:
        tasks = [await engine.commands.enqueue(command=HANG) for _ in range(4)]
        state = await until(engine, lambda state: state.task_counts.get("running") == 2)
        assert len(living(state)) == 2
        waiting = state.tasks[tasks[-1]]
        assert engine.queries.why_waiting(state, waiting) == "all 2 agents are taken (the limit is 2)"


async def test_a_larger_scale_lets_more_agents_in_and_a_smaller_one_ends_none(project: Path) -> None:
    async with opened(project, max_agents=1) as engine:
        for _ in range(3):
            await engine.commands.enqueue(command=HANG)
        await until(engine, lambda state: state.task_counts.get("running") == 1)
        assert await engine.commands.scale(3, reason="hurry") == 1
        await until(engine, lambda state: state.task_counts.get("running") == 3)
        assert await engine.commands.scale(1) == 3
        assert len(living(engine.journal.state)) == 3
        assert await engine.commands.scale(1) == 1, "the same size is no change"
        assert (await kinds(engine, "swarm/main")).count("swarm:scaled") == 2


async def test_an_idle_agent_of_another_profile_makes_room(project: Path) -> None:
    async with opened(project, max_agents=1, other=Profile()) as engine:
        await until_over(engine, await engine.commands.enqueue(command="true"))
        (first,) = living(engine.journal.state)
        task_id = await engine.commands.enqueue(command="true", profile="other")
        state = await until_over(engine, task_id)
        assert state.agents[first].status == "terminated"
        (gone,) = await payloads(engine, AgentTerminated)
        (second,) = living(state)
        assert gone.reason == f"makes room for {second}"


async def test_a_profiles_minimum_stands_ready_before_there_is_work(project: Path) -> None:
    async with opened(project, ready=Profile(min=2, max=3)) as engine:
        state = await until(engine, lambda state: len(living(state)) == 2)
        assert {state.agents[agent_id].status for agent_id in living(state)} == {"idle"}


async def test_minimums_that_do_not_fit_under_the_limit_are_filled_as_far_as_it_goes(project: Path) -> None:
    async with opened(project, max_agents=2, left=Profile(min=2), right=Profile(min=2)) as engine:
        await until(engine, lambda state: len(living(state)) >= 2)
        await until_over(engine, await engine.commands.enqueue(command="true"))
        assert len(living(engine.journal.state)) <= 2
        assert len(await payloads(engine, AgentSpawned)) <= 6, "they do not drive each other out for ever"


async def test_an_agent_idle_for_too_long_leaves_down_to_the_minimum(project: Path, gate: Gate) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, crew=Profile(min=1, max=3, idle_timeout="5m")) as engine:
        tasks = [await engine.commands.enqueue(command=Gate.WAIT, profile="crew") for _ in range(3)]
        await until_status(engine, "running", *tasks)
        gate.open(3)
        await until_over(engine, *tasks)
        for _ in range(10):
            assert len(living(engine.journal.state)) == 3
            await clock.until_somebody_naps(30)
            clock.advance(30)
        state = await until(engine, lambda state: len(living(state)) == 1)
        assert {left.reason for left in await payloads(engine, AgentTerminated)} <= {"idle for 300 s"}
        assert len(living(state)) == 1


async def test_an_acquire_that_times_out_says_which_limit_held_it_back(project: Path) -> None:
    async with opened(project, max_agents=1, late=Profile(acquire_timeout=0.05)) as engine:
        await engine.commands.enqueue(command=HANG)
        await until(engine, lambda state: state.task_counts.get("running") == 1)
        with pytest.raises(NoCapacity, match=r"all 1 agents are taken \(the limit is 1\); none came free in 0.05 s"):
            await engine.commands.spawn("late")
        assert len(await payloads(engine, AgentSpawned)) == 1, "nothing was started"


async def test_an_acquire_gets_the_room_that_comes_free(project: Path, gate: Gate) -> None:
    async with opened(project, max_agents=1, late=Profile(acquire_timeout="1h")) as engine:
        task_id = await engine.commands.enqueue(command=Gate.WAIT)
        await until_status(engine, "running", task_id)
        waiting = asyncio.create_task(engine.commands.spawn("late"))
        gate.open()
        agent_id = await waiting
        assert engine.journal.state.task_outcome(task_id) == "completed"
        assert engine.journal.state.agents[agent_id].status == "idle"


async def test_spawning_needs_a_profile_and_a_free_name(project: Path) -> None:
    async with opened(project) as engine:
        with pytest.raises(NotFound, match="there is no profile 'nobody'"):
            await engine.commands.spawn("nobody")
        assert await engine.commands.spawn("shell", name="ann") == "ann"
        with pytest.raises(IllegalMove, match="use another name"):
            await engine.commands.spawn("shell", name="ann")


async def test_a_name_the_user_took_is_never_given_again(project: Path) -> None:
    async with opened(project, max_agents=4) as engine:
        await engine.commands.spawn("shell", name="shell-2")
        tasks = [await engine.commands.enqueue(command="true") for _ in range(8)]
        state = await until_over(engine, *tasks)
        assert {state.task_outcome(task_id) for task_id in tasks} == {"completed"}
        names = [spawned.name for spawned in await payloads(engine, AgentSpawned)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("force", [False, True])
async def test_a_stopped_agents_task_is_lost_and_waits_for_review(project: Path, force: bool) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=HANG, max_attempts=3)
        await until_printed(engine, "ready")
        agent_id = engine.journal.state.tasks[task_id].agent_id
        await (engine.commands.kill_agent if force else engine.commands.stop_agent)(agent_id, reason="enough")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "lost"
        assert state.agents[agent_id].status == "terminated"
        assert engine.queries.why_waiting(state, state.tasks[task_id]) == (
            f"agent {agent_id} was stopped; retry or cancel it"
        )
        assert await left_of(engine.journal.log.log_id) == []
        moves = [kind for kind in await kinds(engine, f"agent/{agent_id}") if kind != "agent:output"]
    assert moves[-5:] == [
        "agent:stop-requested", "agent:status-changed", "agent:stopped", "agent:task-completed", "agent:terminated",
    ]  # fmt: skip


async def test_an_idempotent_task_that_is_lost_is_queued_again_three_times_and_then_reviewed(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=HANG, idempotent=True)
        for attempt in range(1, 5):
            state = await until(
                engine,
                lambda state, n=attempt: state.tasks[task_id].attempt == n and state.tasks[task_id].status == "running",
            )
            await engine.commands.kill_agent(state.tasks[task_id].agent_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "lost"
        assert len(await payloads(engine, TaskLost)) == 4
        assert len(await payloads(engine, TaskRequeued)) == 3
        assert state.tasks[task_id].failures == 0, "losses are not failures"


async def test_a_lost_task_can_be_tried_again_by_hand(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=f"test -e again && exit 0; touch again; {HANG}")
        await until_printed(engine, "ready")
        await engine.commands.kill_agent(engine.journal.state.tasks[task_id].agent_id)
        await until_over(engine, task_id)
        await engine.commands.retry_task(task_id)
        state = await until(engine, lambda state: state.task_outcome(task_id) == "completed")
        assert state.tasks[task_id].attempt == 2


async def test_an_idle_agent_that_is_stopped_leaves_at_once(project: Path) -> None:
    async with opened(project) as engine:
        await until_over(engine, await engine.commands.enqueue(command="true"))
        (agent_id,) = living(engine.journal.state)
        await engine.commands.stop_agent(agent_id)
        await until(engine, lambda state: state.agents[agent_id].status == "terminated")
        with pytest.raises(IllegalMove, match="is gone and cannot be stopped"):
            await engine.commands.stop_agent(agent_id)


async def test_an_agent_is_not_given_a_task_once_it_is_told_to_stop(project: Path) -> None:
    async with opened(project) as engine:
        await until_over(engine, await engine.commands.enqueue(command="true"))
        for _ in range(10):
            (agent_id,) = living(engine.journal.state)
            task_id, _ = await asyncio.gather(
                engine.commands.enqueue(command="true"), engine.commands.stop_agent(agent_id)
            )
            state = await until_over(engine, task_id)
            assert state.task_outcome(task_id) == "completed"
            state = await until(engine, lambda state, name=agent_id: state.agents[name].status == "terminated")
            assert len(living(state)) == 1
        claims = await payloads(engine, TaskClaimed)
        assert len(claims) == 11, "no claim was in vain"
