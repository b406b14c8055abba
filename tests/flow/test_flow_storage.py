"""A disk that refuses, a log that is gone, and events from another version: nothing is lost, nobody dies."""

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

from core.config import Profile, Restart
from core.engine import Desk, Engine
from core.errors import StorageFailed
from core.events import AgentOutput, Append, TaskCompleted, UnknownEvent
from core.journal import STORAGE_RETRY_S
from core.project import Project
from core.scheduling.policy import in_flight


async def allow_pages(engine: Engine, count: int) -> None:
    """Let the database grow to this many pages and no further."""
    await engine.journal.log._writing().run(
        lambda connection: connection.execute(f"PRAGMA max_page_count = {count}").fetchall()
    )


async def fill_the_disk(engine: Engine) -> None:
    """From now on nothing can be stored, not even the smallest event."""
    await allow_pages(engine, 1)
    for size in (3_000, 300, 0):
        filler = UnknownEvent(type="filler:added", schema_version=1, raw='{"x": "' + "x" * size + '"}')
        with pytest.raises(StorageFailed):
            for _ in range(500):
                await engine.journal.record([Append("memory/filler", [filler])], actor="test")


async def test_a_verdict_waits_for_the_disk_and_is_not_lost(project: Path, gate: Gate) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        task_id = await engine.commands.enqueue(command=f"{Gate.WAIT}; echo done")
        await until_status(engine, "running", task_id)
        await fill_the_disk(engine)
        assert "the disk is full" in (engine.queries.trouble or "")
        gate.open()
        await clock.until_somebody_naps(STORAGE_RETRY_S)
        with pytest.raises(StorageFailed):
            await engine.commands.enqueue(command="true")
        assert engine.journal.state.tasks[task_id].status == "running"
        await allow_pages(engine, 1_000_000)
        async with clock.going_on_after(STORAGE_RETRY_S):
            state = await until_over(engine, task_id)
        assert state.task_outcome(task_id) == "completed"
        (completed,) = await payloads(engine, TaskCompleted)
        assert completed.result == "done"
        assert len(await payloads(engine, AgentOutput)) == 1
        assert engine.queries.trouble is None
        assert (await engine.journal.log.verify()).good


async def test_the_scheduler_goes_on_once_the_disk_has_room_again(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        await engine.commands.pause_session()
        tasks = [await engine.commands.enqueue(command="true") for _ in range(3)]
        await engine.commands.enqueue(command="true", delay_ms=60_000)
        await fill_the_disk(engine)
        clock.advance(60)
        await clock.until_somebody_naps(STORAGE_RETRY_S)
        await allow_pages(engine, 1_000_000)
        async with clock.going_on_after(STORAGE_RETRY_S):
            await until(engine, lambda state: state.task_counts.get("queued") == 4)
        await engine.commands.resume_session()
        assert (await until_over(engine, *tasks)).task_outcome(tasks[0]) == "completed"


async def test_a_log_that_vanishes_while_agents_print_stops_them_and_says_why(project: Path) -> None:
    async with opened(project, chatty=Profile(command="while :; do echo hum; done", restart=Restart())) as engine:
        log_id = engine.journal.log.log_id
        for _ in range(3):
            await engine.commands.enqueue(command="echo ready; while :; do echo out; echo err >&2; done")
        await engine.commands.spawn("chatty")
        await until_printed(engine, "err")
        await asyncio.to_thread(Project(project).log.unlink)
        assert await left_of(log_id) == []
        assert "the file was removed or replaced" in (engine.queries.trouble or "")


async def test_what_a_close_could_not_record_is_settled_by_the_next_start(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="echo ready; exec sleep 1000")
        await until_printed(engine, "ready")
        log_id = engine.journal.log.log_id
        await asyncio.to_thread(Project(project).log.rename, project / "aside.db")
    assert await left_of(log_id) == []
    (project / "aside.db").rename(Project(project).log)
    async with Desk.open(project) as desk:
        assert in_flight(desk.queries.state) == []
        assert desk.recovered is not None
        assert desk.queries.state.tasks[task_id].status == "lost"


async def test_an_event_of_a_newer_version_on_a_tasks_stream_stops_nobody(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        task_id = await engine.commands.enqueue(command="true")
        note = UnknownEvent(type="task:annotated", schema_version=1, raw='{"by": "a newer version"}')
        await engine.journal.record([Append(f"task/{task_id}", [note])], actor="test")
        await engine.commands.resume_session()
        state = await until_over(engine, task_id)
        assert state.task_outcome(task_id) == "completed"
        assert "task:annotated" in await kinds(engine, f"task/{task_id}")
