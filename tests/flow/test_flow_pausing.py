"""Pause and resume: of waiting tasks, of agents with their processes, of the whole session."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from fakes.stage import (
    Gate,
    SteppedClock,
    history,
    is_shim,
    kinds,
    opened,
    payloads,
    until,
    until_over,
    until_printed,
    until_status,
)
from fakes.traces import until as processes_until

from core.config import Profile
from core.engine import Engine
from core.errors import IllegalMove, NotFound
from core.events import AgentStarted, TaskFailed

TREE = "sh -c 'echo inner; exec sleep 1000' & echo outer; wait"


async def until_processes_are(engine: Engine, status: str) -> None:
    """Return once every process of every agent is in this status, shims apart."""

    def agree(processes: list[psutil.Process]) -> bool:
        theirs = [process for process in processes if not is_shim(process)]
        return bool(theirs) and all(process.status() == status for process in theirs)

    assert await processes_until(engine.journal.log.log_id, agree)


async def test_a_paused_task_is_not_claimed_until_it_is_resumed(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        held = await engine.commands.enqueue(command="true")
        await engine.commands.pause(held, reason="not yet")
        await engine.commands.resume_session()
        other = await engine.commands.enqueue(command="true")
        await until_over(engine, other)
        assert engine.journal.state.tasks[held].status == "paused"
        await engine.commands.resume(held)
        assert (await until_over(engine, held)).task_outcome(held) == "completed"


async def test_a_resumed_task_keeps_its_place_in_the_queue(project: Path) -> None:
    async with opened(project, max_agents=1) as engine:
        await engine.commands.pause_session()
        first, second, third = [await engine.commands.enqueue(command="true") for _ in range(3)]
        await engine.commands.pause(first)
        await engine.commands.resume(first)
        await engine.commands.resume_session()
        await until_over(engine, first, second, third)
        claims = [event.aggregate_id for event in await history(engine, types=["task:claimed"])]
    assert claims == [first, second, third]


async def test_pausing_an_agent_stops_its_whole_tree_and_resuming_lets_it_go_on(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=TREE)
        await until_printed(engine, "inner")
        agent_id = engine.journal.state.tasks[task_id].agent_id
        await engine.commands.pause(agent_id)
        await until_processes_are(engine, psutil.STATUS_STOPPED)
        state = await until(engine, lambda state: state.executions[f"{task_id}.1"].status == "paused")
        assert state.agents[agent_id].status == "paused"
        await engine.commands.resume(agent_id)
        await until_processes_are(engine, psutil.STATUS_SLEEPING)
        state = await until(engine, lambda state: state.executions[f"{task_id}.1"].status == "running")
        assert state.agents[agent_id].status == "busy"
        await engine.commands.cancel_task(task_id, force=True)


async def test_a_running_task_is_paused_by_its_own_name(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=f"echo ready; {Gate.WAIT}; echo done")
        await until_printed(engine, "ready")
        await engine.commands.pause(task_id)
        await until_processes_are(engine, psutil.STATUS_STOPPED)
        gate.open()
        await engine.commands.resume(task_id)
        state = await until_over(engine, task_id)
        assert "execution:resumed" in await kinds(engine, f"execution/{task_id}.1")
        assert state.tasks[task_id].status == "completed"


async def test_a_time_limit_stands_still_while_the_agent_is_paused(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        task_id = await engine.commands.enqueue(command="echo ready; exec sleep 1000", timeout_ms=90_000)
        await until_printed(engine, "ready")
        await clock.until_somebody_naps(90)
        clock.advance(60)
        await engine.commands.pause(task_id)
        await until(engine, lambda state: state.executions[f"{task_id}.1"].status == "paused")
        clock.advance(3600)
        await engine.commands.resume(task_id)
        await clock.until_somebody_naps(30)
        assert engine.journal.state.tasks[task_id].status == "running"
        clock.advance(30)
        await until_over(engine, task_id)
        (failed,) = await payloads(engine, TaskFailed)
        assert failed.error == "timed out after 90 s"


@pytest.mark.parametrize("when", ["claimed", "running"])
async def test_an_agent_paused_before_its_process_exists_is_paused_all_the_same(project: Path, when: str) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="exec sleep 1000", timeout_ms=3_600_000)
        state = await until_status(engine, ("claimed", "running") if when == "claimed" else "running", task_id)
        agent_id = state.tasks[task_id].agent_id
        await engine.commands.pause(agent_id)
        await until(engine, lambda state: state.agents[agent_id].pid)
        await until_processes_are(engine, psutil.STATUS_STOPPED)
        state = await until(engine, lambda state: state.executions[f"{task_id}.1"].status == "paused")
        assert state.agents[agent_id].status == "paused"
        await engine.commands.resume(agent_id)
        await until_processes_are(engine, psutil.STATUS_SLEEPING)
        await engine.commands.cancel_task(task_id, force=True)


async def test_a_resume_at_the_very_end_of_a_task_does_no_harm(project: Path) -> None:
    async with opened(project) as engine:
        for _ in range(5):
            task_id = await engine.commands.enqueue(command="echo ready; exec sleep 1000", timeout_ms=3_600_000)
            await until_status(engine, "running", task_id)
            await engine.commands.pause(task_id)
            await until_processes_are(engine, psutil.STATUS_STOPPED)
            (*_, started) = await payloads(engine, AgentStarted)
            psutil.Process(started.pid).kill()
            await engine.commands.resume(task_id)
            await until_over(engine, task_id)


async def test_an_idle_agent_that_is_paused_takes_no_task(project: Path) -> None:
    async with opened(project, solo=Profile(max=1)) as engine:
        await until_over(engine, await engine.commands.enqueue(command="true", profile="solo"))
        (agent_id,) = engine.journal.state.agents
        await engine.commands.pause(agent_id)
        waiting = await engine.commands.enqueue(command="true", profile="solo")
        await until_over(engine, await engine.commands.enqueue(command="true"))
        assert engine.journal.state.tasks[waiting].status == "queued"
        await engine.commands.resume(agent_id)
        assert (await until_over(engine, waiting)).task_outcome(waiting) == "completed"


async def test_what_cannot_be_paused_or_resumed_says_why(project: Path) -> None:
    async with opened(project, once=Profile(command="true")) as engine:
        done = await engine.commands.enqueue(command="true")
        await until_over(engine, done)
        (idle,) = engine.journal.state.agents
        over = await engine.commands.spawn("once")
        await until(engine, lambda state: state.agents[over].status == "stopped")
        with pytest.raises(IllegalMove, match="completed and cannot be paused"):
            await engine.commands.pause(done)
        with pytest.raises(IllegalMove, match="idle and cannot be resumed"):
            await engine.commands.resume(idle)
        with pytest.raises(IllegalMove, match="stopped and cannot be paused"):
            await engine.commands.pause(over)
        with pytest.raises(NotFound, match="there is no task 'nobody'"):
            await engine.commands.pause("nobody")
        await engine.commands.pause(idle)
        with pytest.raises(IllegalMove, match="paused"):
            await engine.commands.pause(idle)


async def test_a_paused_session_claims_nothing_and_says_so_and_what_runs_goes_on(project: Path, gate: Gate) -> None:
    async with opened(project) as engine:
        running = await engine.commands.enqueue(command=f"echo ready; {Gate.WAIT}; echo done")
        await until_printed(engine, "ready")
        await engine.commands.pause_session(reason="lunch")
        await engine.commands.pause_session()
        waiting = await engine.commands.enqueue(command="true")
        gate.open()
        state = await until_over(engine, running)
        assert state.tasks[waiting].status == "queued"
        assert engine.queries.why_waiting(state, state.tasks[waiting]) == "the session is paused"
        await engine.commands.resume_session()
        await engine.commands.resume_session()
        await until_over(engine, waiting)
        session = await kinds(engine, f"session/{engine.journal.session_id}")
    assert session.count("session:paused") == session.count("session:resumed") == 1
