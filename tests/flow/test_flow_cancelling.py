"""Cancelling: the user's will, in every state a task can be in, and against every other ending."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from fakes.stage import (
    Gate,
    SteppedClock,
    history,
    kinds,
    opened,
    payloads,
    until,
    until_over,
    until_printed,
    until_status,
)

from core.config import Profile
from core.errors import IllegalMove
from core.events import AgentStarted, TaskCancelled, TaskCancelRequested

LATER = datetime.now(UTC) + timedelta(days=1)
STUBBORN = "trap '' INT TERM; echo ready; while :; do read -r line < gate; done"


async def intent_came_first(engine: object, task_id: str) -> bool:
    moves = await kinds(engine, f"task/{task_id}")
    return moves.index("task:cancel-requested") < moves.index("task:cancelled")


async def none_left(engine: object) -> bool:
    """Whether no process of any agent is alive."""
    pids = [started.pid for started in await payloads(engine, AgentStarted)]
    living = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return not [process for process in living if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("status", ["blocked", "scheduled", "queued", "paused"])
async def test_a_waiting_task_is_cancelled_at_once(project: Path, status: str) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        first = await engine.commands.enqueue(command="true")
        task_id = await engine.commands.enqueue(
            command="true",
            depends_on=[first] if status == "blocked" else [],
            run_at=LATER if status == "scheduled" else None,
        )
        if status == "paused":
            await engine.commands.pause(task_id)
        assert engine.journal.state.tasks[task_id].status == status
        await engine.commands.cancel_task(task_id, reason="not needed")
        assert engine.journal.state.tasks[task_id].status == "cancelled"
        assert await intent_came_first(engine, task_id)
        await engine.commands.cancel_task(first)
        await engine.commands.resume_session()
        other = await engine.commands.enqueue(command="true")
        await until_over(engine, other)
        assert len(await payloads(engine, AgentStarted)) == 1, "what was cancelled never ran"


async def test_a_running_task_is_cancelled_once_nothing_of_it_runs(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="sleep 1000 & echo ready; wait")
        await until_printed(engine, "ready")
        await engine.commands.cancel_task(task_id)
        assert engine.journal.state.tasks[task_id].status == "running"
        state = await until_over(engine, task_id)
        assert await none_left(engine)
        assert await intent_came_first(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        moves = await kinds(engine)
    assert moves.index("execution:cancelled") < moves.index("task:cancelled")


async def test_a_claimed_task_whose_process_does_not_exist_yet_can_be_cancelled(project: Path) -> None:
    async with opened(project) as engine:
        for _ in range(5):
            task_id = await engine.commands.enqueue(command="echo ran >> ran; exec sleep 1000")
            await until_status(engine, ("claimed", "running"), task_id)
            await engine.commands.cancel_task(task_id)
            state = await until_over(engine, task_id)
            assert state.tasks[task_id].status == "cancelled"
            assert await intent_came_first(engine, task_id)
        assert await none_left(engine)


async def test_force_kills_what_does_not_listen(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=STUBBORN)
        await until_printed(engine, "ready")
        await engine.commands.cancel_task(task_id, force=True)
        await until_over(engine, task_id)
        assert await none_left(engine)
        (requested,) = await payloads(engine, TaskCancelRequested)
        assert requested.force


async def test_force_may_follow_a_gentle_request_and_a_second_gentle_one_adds_nothing(
    project: Path, gate: Gate
) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=STUBBORN)
        await until_printed(engine, "ready")
        await engine.commands.cancel_task(task_id)
        await engine.commands.cancel_task(task_id)
        await engine.commands.cancel_task(task_id, force=True)
        await until_over(engine, task_id)
        assert [asked.force for asked in await payloads(engine, TaskCancelRequested)] == [False, True]
        assert len(await payloads(engine, TaskCancelled)) == 1


async def test_what_is_over_cannot_be_cancelled(project: Path) -> None:
    async with opened(project) as engine:
        done = await engine.commands.enqueue(command="true")
        dead = await engine.commands.enqueue(command="false")
        await until_over(engine, done, dead)
        for task_id in (done, dead):
            with pytest.raises(IllegalMove):
                await engine.commands.cancel_task(task_id)


async def test_a_finish_that_comes_before_the_stop_wins(project: Path) -> None:
    async with opened(project) as engine:
        done = 0
        for _ in range(12):
            task_id = await engine.commands.enqueue(command="true")
            await until_status(engine, ("running", "completed"), task_id)
            try:
                await engine.commands.cancel_task(task_id)
            except IllegalMove:
                assert engine.journal.state.tasks[task_id].status == "completed"
            state = await until_over(engine, task_id)
            moves = await kinds(engine, f"task/{task_id}")
            assert len({"task:completed", "task:cancelled"} & set(moves)) == 1
            assert f"task:{state.tasks[task_id].status}" == moves[-1]
            done += state.tasks[task_id].status == "completed"


async def test_a_cancel_wins_over_a_failure_at_the_same_time(project: Path) -> None:
    """A process that fails while it is being cancelled is not tried again."""
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(
            command="trap 'exit 1' INT TERM; echo ready; while :; do sleep 0.01; done", max_attempts=3
        )
        await until_printed(engine, "ready")
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"


async def test_a_cancel_wins_over_a_time_limit_that_struck_first(project: Path, gate: Gate) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        task_id = await engine.commands.enqueue(command=STUBBORN, timeout_ms=90_000, max_attempts=3)
        await until_printed(engine, "ready")
        await clock.until_somebody_naps(90)
        clock.advance(90)
        await engine.commands.cancel_task(task_id, force=True)
        state = await until(engine, lambda state: state.tasks[task_id].status != "running")
        assert state.tasks[task_id].status == "cancelled"


async def test_a_cancel_wins_over_the_loss_of_the_process(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=STUBBORN, idempotent=True)
        await until_printed(engine, "ready")
        (started,) = await payloads(engine, AgentStarted)
        await engine.commands.cancel_task(task_id)
        psutil.Process(started.shim_pid).kill()
        state = await until(engine, lambda state: state.tasks[task_id].status != "running")
        assert state.tasks[task_id].status == "cancelled"
        assert await none_left(engine)


async def test_a_cancel_wins_over_quitting(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=STUBBORN)
        await until_printed(engine, "ready")
        closing = asyncio.create_task(engine.commands.close_session("requeue"))
        await engine.commands.cancel_task(task_id, force=True)
        await closing
        assert engine.journal.state.tasks[task_id].status == "cancelled"


async def test_cancelling_a_paused_running_task_ends_it_and_frees_its_agent(project: Path) -> None:
    async with opened(project, solo=Profile(max=1)) as engine:
        task_id = await engine.commands.enqueue(command="echo ready; exec sleep 1000", profile="solo")
        await until_printed(engine, "ready")
        await engine.commands.pause(task_id)
        await engine.commands.cancel_task(task_id)
        await until_over(engine, task_id)
        other = await engine.commands.enqueue(command="true", profile="solo")
        assert (await until_over(engine, other)).task_outcome(other) == "completed"


async def test_everything_can_be_cancelled_at_once(project: Path) -> None:
    async with opened(project) as engine:
        tasks = [await engine.commands.enqueue(command="exec sleep 1000") for _ in range(8)]
        await until(engine, lambda state: state.task_counts.get("running") == 4)
        await asyncio.gather(*(engine.commands.cancel_task(task_id) for task_id in tasks))
        state = await until_over(engine, *tasks)
        assert {state.task_outcome(task_id) for task_id in tasks} == {"cancelled"}
        assert await none_left(engine)
        for task_id in tasks:
            moves = [event.type for event in await history(engine, f"task/{task_id}")]
            assert moves.count("task:cancelled") == 1
