"""Quitting while agents work: real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fakes.screen import looking

from core.engine import Engine
from core.projections import State


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[Engine]:
    """An agent that works, and a task that waits for it."""
    async with Engine.open(tmp_path) as engine:
        first = await engine.commands.enqueue(command="sleep 600", idempotent=True)
        await engine.commands.enqueue(command="true", depends_on=[first])
        await reached(engine, lambda state: state.task_counts.get("running") == 1)
        yield engine


async def reached(engine: Engine, there: Callable[[State], bool]) -> None:
    async for _ in engine.journal.follow(0):
        if there(engine.journal.state):
            return


def statuses(state: State) -> list[str]:
    return [state.tasks[name].status for name in sorted(state.tasks)]


async def test_the_question_can_be_left(working: Engine) -> None:
    async with looking(working) as session:
        await session.press("q")
        assert "1 agent is working" in "\n".join(session.lines)
        await session.press("escape")
        assert session.app.return_code is None
        assert statuses(working.journal.state) == ["running", "blocked"]


@pytest.mark.parametrize(("key", "left"), [("r", ["queued", "blocked"]), ("c", ["cancelled", "blocked"])])
async def test_what_runs_is_stopped_and_queued_again_or_cancelled(working: Engine, key: str, left: list[str]) -> None:
    async with looking(working) as session:
        await session.press("q", key)
        assert session.app.return_code == 0
    assert statuses(working.journal.state) == left
    assert working.journal.state.sessions["S-1"].status == "closed"


async def test_waiting_ends_when_the_last_task_does(tmp_path: Path) -> None:
    async with Engine.open(tmp_path) as engine:
        await engine.commands.enqueue(command="until test -e go; do sleep 0.05; done")
        await reached(engine, lambda state: state.task_counts.get("running") == 1)
        async with looking(engine) as session:
            await session.press("q", "w")
            assert "no more tasks are claimed" in "\n".join(session.lines)
            later = await engine.commands.enqueue(command="true")
            (tmp_path / "go").touch()
            await reached(engine, lambda state: state.sessions["S-1"].status == "closed")
            await session.pilot.pause()
        assert engine.journal.state.tasks[later].status == "queued"


async def test_whoever_is_tired_of_waiting_stops_them(working: Engine) -> None:
    async with looking(working) as session:
        await session.press("q", "w", "r")
        assert session.app.return_code == 0
    assert statuses(working.journal.state) == ["queued", "blocked"]


async def test_whoever_stays_after_all_has_his_tasks_claimed_again(working: Engine) -> None:
    async with looking(working) as session:
        await session.press("q", "w", "escape")
        assert "tasks are claimed again" in session.message
        await working.commands.enqueue(command="true")
        await reached(working, lambda state: state.task_counts.get("completed") == 1)
        assert session.app.return_code is None
