"""Looking at the past starts no agent, sends nothing and spends nothing, whatever key is pressed there.

Agents are at work meanwhile: one asks, tasks have failed and wait. Only a bookmark is recorded by design; its keys are
left out, as are those that leave the dashboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest
from fakes.acp_stage import acp, prompted, until_asked
from fakes.screen import Session, looking, settled
from fakes.stage import opened, until_over

from core.engine import Engine
from core.processes.local import LocalRunner
from core.processes.ports import RunSpec
from core.processes.spawn import ShimProcess
from core.projections import UsageQueries
from tui.bindings import FOCUSES, Context, Focus

LEFT_OUT = {"bookmark", "name_bookmark", "quit", "suspend", "pager", "play"}


@dataclass
class Deeds:
    """What was done to agents so far."""

    started: int = 0
    ordered: int = 0
    sent_bytes: int = 0


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> Deeds:
    """Counts at the last place before a process is started, ordered about, or written to."""
    done = Deeds()
    start, order, write = LocalRunner.start, ShimProcess.order, asyncio.StreamWriter.write

    async def counted_start(runner: LocalRunner, spec: RunSpec) -> object:
        done.started += 1
        return await start(runner, spec)

    def counted_order(process: ShimProcess, what: int) -> None:
        done.ordered += 1
        order(process, what)

    def counted_write(writer: asyncio.StreamWriter, data: bytes) -> None:
        done.sent_bytes += len(data)
        write(writer, data)

    monkeypatch.setattr(LocalRunner, "start", counted_start)
    monkeypatch.setattr(ShimProcess, "order", counted_order)
    monkeypatch.setattr(asyncio.StreamWriter, "write", counted_write)
    return done


@pytest.fixture
async def engine(tmp_path: Path, deeds: Deeds) -> AsyncIterator[Engine]:
    """In the middle of work, until somebody answers."""
    async with opened(tmp_path / "webshop", agent=acp()) as engine:
        over = [
            await engine.commands.enqueue("Build", command="echo built"),
            await engine.commands.enqueue("Test", command="echo broken >&2; exit 3"),
            await prompted(engine, "plan"),
        ]
        await until_over(engine, *over)
        await prompted(engine, "ask rm -rf build")
        await until_asked(engine)
        yield engine


async def nothing_was_done_by(look: Callable[[], Awaitable[object]], engine: Engine, deeds: Deeds) -> None:
    """Count before and after: processes, orders, bytes, events, and what was used up."""

    def counts() -> object:
        state = engine.journal.state
        used = [(usage.id, usage.tokens, usage.cost_usd_micros) for usage in UsageQueries(state).by_agent()]
        return astuple(deeds), state.position, used

    before, head = counts(), await engine.journal.log.head()
    await look()
    assert counts() == before
    assert await engine.journal.log.head() == head


async def press_in_the_past(session: Session, *keys: str) -> None:
    """Press a key with the past on the screen, and leave whatever it opened."""
    for key in keys:
        if session.position is None:
            await session.press("comma")
        await session.press({"$": "dollar_sign", "'": "apostrophe", "\\": "backslash"}.get(key, key))
        while session.app.screen is not session.screen:
            await session.press("escape")


async def until_looked_at(session: Session) -> None:
    """Until an answer would be taken."""
    while session.screen.question is None or not session.screen.attention.has_been_on(session.screen.question.id):
        await session.pilot.pause(0.05)


@pytest.mark.parametrize("focus", FOCUSES)
async def test_no_key_does_anything_in_the_past(engine: Engine, deeds: Deeds, focus: Focus) -> None:
    async with looking(engine) as session:
        registry = session.screen.registry

        async def press_everything() -> None:
            await session.press("comma", "comma")
            for action in registry.here(Context("time", focus, False)):
                if action.id not in LEFT_OUT:
                    for key in action.keys:
                        session.screen.focus_panel(focus)
                        await press_in_the_past(session, key)

        await nothing_was_done_by(press_everything, engine, deeds)


async def test_scrubbing_searching_and_playing_do_nothing(engine: Engine, deeds: Deeds) -> None:
    async with looking(engine) as session:

        async def travel() -> None:
            strip = session.screen.timeline
            for x in (5, 40, 80, 20, 110):
                await session.pilot.click(strip, offset=(x, 1))
                await settled(session.pilot)
            await session.enter("/", "type:permission agent:agent-1")
            await press_in_the_past(session, "n", "N", "n", "escape", "e", "E", "e")
            await session.enter(":", "1")
            await session.pilot.press("space")
            while (session.position or 0) < 5:
                await session.pilot.pause(0.02)
            await session.pilot.press("space")
            await settled(session.pilot)

        await nothing_was_done_by(travel, engine, deeds)


async def test_a_question_of_the_past_is_looked_at_and_not_answered(engine: Engine, deeds: Deeds) -> None:
    async with looking(engine) as session:

        async def answer() -> None:
            await session.press("space", "w")
            assert session.screen.asked is not None
            await press_in_the_past(session, "a", "A", "d", "x", "X", "r", "p")
            await session.press("i", "a", "A", "d", "1", "2", "enter")
            await press_in_the_past(session, "a")

        await nothing_was_done_by(answer, engine, deeds)


async def test_the_same_keys_act_where_it_is_now(engine: Engine, deeds: Deeds) -> None:
    before, head = astuple(deeds), engine.journal.state.position
    async with looking(engine) as session:
        await session.press("w")
        await until_looked_at(session)
        await session.press("a")
        await until_over(engine, "T-4")
        assert deeds.sent_bytes > before[2], "the agent heard the answer"
        session.screen.focus_panel("queue")
        session.screen.queue.list.move_to_key("T-2")
        await session.press("r")
        await until_over(engine, "T-2")
        assert deeds.started > before[0], "the task was begun again"
    assert engine.journal.state.position > head
