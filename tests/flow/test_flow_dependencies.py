"""Tasks that wait for tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.stage import Gate, history, opened, payloads, until, until_over, until_status

from core.errors import PlanError
from core.events import TaskBlocked, TaskStarted

PLAN_OF_A_DIAMOND = [
    {"id": "top", "run": "true"},
    {"id": "left", "run": "true", "depends_on": ["top"]},
    {"id": "right", "run": Gate.WAIT, "depends_on": ["top"]},
    {"id": "bottom", "run": "true", "depends_on": ["left", "right"]},
]


async def order_of(engine: object, kind: str) -> list[str]:
    return [event.aggregate_id for event in await history(engine, types=[kind])]


async def test_a_chain_runs_link_by_link(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="true")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        third = await engine.commands.enqueue(command="true", depends_on=[second])
        await until_over(engine, third)
        moves = [
            (event.aggregate_id, event.type)
            for event in await history(engine, types=["task:started", "task:completed"])
        ]
    assert moves == [(task, kind) for task in (first, second, third) for kind in ("task:started", "task:completed")]


async def test_a_diamonds_foot_waits_for_both_its_sides_and_says_for_whom(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        names = await engine.commands.enqueue_plan(PLAN_OF_A_DIAMOND)
        await until_over(engine, names["left"])
        await until(engine, lambda state: state.tasks[names["bottom"]].waiting_on == (names["right"],))
        gate.open()
        await until_over(engine, *names.values())
        started, completed = await order_of(engine, "task:started"), await order_of(engine, "task:completed")
        foot = await payloads(engine, TaskBlocked, f"task/{names['bottom']}")
    assert started[0] == names["top"]
    assert started[-1] == names["bottom"]
    assert completed[1:3] == [names["left"], names["right"]]
    assert [blocked.waiting_on for blocked in foot] == [(names["left"], names["right"]), (names["right"],)]


async def test_a_plan_is_enqueued_in_one_moment(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        names = await engine.commands.enqueue_plan(PLAN_OF_A_DIAMOND)
        created = await history(engine, types=["task:created"])
    assert len({event.recorded_us for event in created}) == 1
    assert [event.aggregate_id for event in created] == list(names.values())


async def test_a_dead_dependency_is_named_and_a_retry_of_it_lets_the_waiting_one_run(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="test -e mended")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        third = await engine.commands.enqueue(command="true", depends_on=[second])
        state = engine.journal.state
        assert engine.queries.why_waiting(state, state.tasks[third]) == f"waits for {second}"
        state = await until(engine, lambda state: state.tasks[third].reason)
        assert engine.queries.why_waiting(state, state.tasks[second]) == f"{first} is dead-lettered"
        assert engine.queries.why_waiting(state, state.tasks[third]) == f"{second} is blocked"
        fourth = await engine.commands.enqueue(command="true", depends_on=[third])
        assert engine.journal.state.tasks[fourth].reason == f"{third} is blocked"
        (project / "mended").touch()
        await engine.commands.retry_task(first)
        state = await until_over(engine, fourth)
        assert state.task_outcome(fourth) == "completed"


async def test_a_cancelled_dependency_is_named(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        first = await engine.commands.enqueue(command="true")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        await engine.commands.cancel_task(first)
        state = await until(engine, lambda state: state.tasks[second].reason)
        assert state.tasks[second].reason == f"{first} is cancelled"
        late = await engine.commands.enqueue(command="true", depends_on=[first])
        assert engine.journal.state.tasks[late].reason == f"{first} is cancelled"


async def test_a_lost_dependency_is_named(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="exec sleep 1000")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        state = await until_status(engine, "running", first)
        await engine.commands.kill_agent(state.tasks[first].agent_id)
        state = await until(engine, lambda state: state.tasks[second].reason)
        assert state.tasks[second].reason == f"{first} is lost"


async def test_a_dependency_on_a_task_that_never_was_is_refused(project: Path) -> None:
    async with opened(project) as engine:
        with pytest.raises(PlanError, match="depends on 'T-9', and there is no such task"):
            await engine.commands.enqueue("orphan", command="true", depends_on=["T-9"])
        assert not engine.journal.state.tasks


async def test_a_task_that_needs_completed_ones_is_queued_at_once(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="true")
        await until_over(engine, first)
        await engine.commands.pause_session()
        second = await engine.commands.enqueue(command="true", depends_on=[first, first])
        assert engine.journal.state.tasks[second].status == "queued"


async def test_a_task_whose_dependency_ends_in_the_same_breath_is_not_forgotten(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="true")
        waiting = [await engine.commands.enqueue(command="true", depends_on=[first]) for _ in range(30)]
        state = await until_over(engine, *waiting)
        assert {state.task_outcome(task_id) for task_id in waiting} == {"completed"}


async def test_a_paused_task_whose_dependency_ends_runs_once_it_is_resumed(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        first = await engine.commands.enqueue(command="true")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        await engine.commands.pause(second)
        await engine.commands.resume_session()
        await until_over(engine, first)
        assert engine.journal.state.tasks[second].status == "paused"
        await engine.commands.resume(second)
        state = await until_over(engine, second)
        assert state.task_outcome(second) == "completed"


async def test_retrying_a_task_whose_dependency_is_dead_blocks_it_again(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        first = await engine.commands.enqueue(command="true")
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        await engine.commands.cancel_task(second)
        await engine.commands.cancel_task(first)
        await engine.commands.retry_task(second)
        state = engine.journal.state
        assert (state.tasks[second].status, state.tasks[second].reason) == ("blocked", f"{first} is cancelled")
        assert not await payloads(engine, TaskStarted)
