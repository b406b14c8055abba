"""Quitting: what becomes of what runs, and what the next session finds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fakes.stage import (
    Gate,
    kinds,
    opened,
    payloads,
    until,
    until_over,
    until_printed,
    until_status,
)
from fakes.traces import left_of

from core.config import Profile, Restart
from core.engine import Desk
from core.events import SessionClosed
from core.log import EventLog
from core.scheduling.policy import alive, in_flight

HANG = "echo ready; exec sleep 1000"


async def test_leaving_stops_what_runs_and_queues_it_again(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=HANG, max_attempts=1)
        await until_printed(engine, "ready")
        log_id = engine.journal.log.log_id
    assert await left_of(log_id) == []
    async with Desk.open(project) as desk:
        assert desk.recovered is None
        task = desk.queries.state.tasks[task_id]
        assert (task.status, task.failures, task.losses, task.reason) == ("queued", 0, 0, "quit")
        assert alive(desk.queries.state) == []
        (closed,) = await payloads(desk.journal.log, SessionClosed)
        assert closed.reason == "quit"


async def test_the_next_session_goes_on_with_what_is_queued(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=f"test -e again || {{ touch again; {HANG}; }}")
        await until_printed(engine, "ready")
    async with opened(project) as engine:
        state = await until_over(engine, task_id)
        assert state.task_outcome(task_id) == "completed"
        assert state.tasks[task_id].attempt == 2
        assert engine.journal.session_id == "S-2"
        assert state.sessions["S-2"].previous == "S-1"


async def test_closing_with_cancel_cancels_what_runs_and_says_so_first(project: Path) -> None:
    async with opened(project) as engine:
        running = await engine.commands.enqueue(command=HANG)
        await until_printed(engine, "ready")
        await engine.commands.close_session("cancel")
        state = engine.journal.state
        assert state.tasks[running].status == "cancelled"
        moves = await kinds(engine, f"task/{running}")
        assert moves[-2:] == ["task:cancel-requested", "task:cancelled"]
        assert await left_of(engine.journal.log.log_id) == []


async def test_closing_with_wait_waits_for_what_runs_and_starts_nothing_more(project: Path, gate: Gate) -> None:
    async with opened(project, max_agents=1) as engine:
        running = await engine.commands.enqueue(command=Gate.WAIT)
        waiting = await engine.commands.enqueue(command="true")
        await until_status(engine, "running", running)
        closing = asyncio.create_task(engine.commands.close_session("wait"))
        gate.open()
        await closing
        state = engine.journal.state
        assert state.task_outcome(running) == "completed"
        assert state.task_outcome(waiting) == "queued"
        assert state.sessions[engine.journal.session_id].status == "closed"


async def test_closing_with_wait_does_not_wait_for_services(project: Path, gate: Gate) -> None:
    async with opened(project, watcher=Profile(command=HANG, restart=Restart(when="always"))) as engine:
        agent_id = await engine.commands.spawn("watcher")
        await until_printed(engine, "ready")
        running = await engine.commands.enqueue(command=Gate.WAIT)
        await until_status(engine, "running", running)
        closing = asyncio.create_task(engine.commands.close_session("wait"))
        gate.open()
        await closing
        state = engine.journal.state
        assert state.task_outcome(running) == "completed"
        assert state.agents[agent_id].status == "terminated"


async def test_who_waits_can_change_their_mind(project: Path) -> None:
    async with opened(project) as engine:
        running = await engine.commands.enqueue(command=HANG)
        await until_printed(engine, "ready")
        waiting = asyncio.create_task(engine.commands.close_session("wait"))
        await engine.commands.close_session("requeue")
        await waiting
        assert engine.journal.state.task_outcome(running) == "queued"
        assert len(await payloads(engine, SessionClosed)) == 1


@pytest.mark.parametrize("mode", ["requeue", "cancel", "wait"])
async def test_closing_in_the_middle_of_claims_leaves_nothing_in_flight(project: Path, mode: str) -> None:
    for round_ in range(4):
        async with opened(project, max_agents=8) as engine:
            tasks = [await engine.commands.enqueue(command="true") for _ in range(8)]
            await until(engine, lambda state, n=round_: state.totals.claims > n)
            await engine.commands.close_session(mode)
            state = engine.journal.state
            assert in_flight(state) == []
            assert alive(state) == []
            assert state.sessions[engine.journal.session_id].status == "closed"
            assert await left_of(engine.journal.log.log_id) == []
            for task_id in tasks:
                if state.task_outcome(task_id) == "queued":
                    await engine.commands.cancel_task(task_id)


async def test_closing_twice_at_once_closes_once(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.enqueue(command=HANG)
        await until_printed(engine, "ready")
        await asyncio.gather(engine.commands.close_session(), engine.commands.close_session())
        assert in_flight(engine.journal.state) == []
    async with EventLog.open(project / ".codewalkers" / "events.db") as log:
        assert (await kinds(log)).count("session:closed") == 1


async def test_a_close_that_was_interrupted_is_finished_when_the_engine_is_left(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=HANG)
        await until_printed(engine, "ready")
        closing = asyncio.create_task(engine.commands.close_session())
        await asyncio.sleep(0)
        closing.cancel()
    async with Desk.open(project) as desk:
        assert desk.recovered is None
        assert desk.queries.state.tasks[task_id].status == "queued"


async def test_an_error_in_the_body_comes_out_as_it_is_after_everything_was_stopped(project: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with opened(project) as engine:
            await engine.commands.enqueue(command=HANG)
            await until_printed(engine, "ready")
            log_id = engine.journal.log.log_id
            raise ZeroDivisionError
    assert await left_of(log_id) == []
    async with Desk.open(project) as desk:
        assert desk.recovered is None
        assert in_flight(desk.queries.state) == []


async def test_an_engine_that_is_left_at_once_leaves_at_once(project: Path) -> None:
    for _ in range(3):
        async with opened(project):
            pass
    async with Desk.open(project) as desk:
        assert [session.status for session in desk.queries.state.sessions.values()] == ["closed"] * 3
