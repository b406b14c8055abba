"""Ugly input: what cannot be read, what was changed, what is absurd. It is said in a sentence, the screen goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fakes.recorded import Step, engine_on, history, one, recorded_engine
from fakes.screen import Session, looking

from core.engine import Engine
from core.events import SwarmMilestoneReached, UnknownEvent
from core.log import EventLog
from core.log.write_ahead import Holder, Overgrown

DAY_S = 86_400
SIZES = ((80, 24), (120, 36), (40, 12))
UNREADABLE: list[Step] = [
    (1, [one("task/T-1", UnknownEvent(type="task:teleported", schema_version=1, raw='{"where": "mars"}'))]),
    (1, [one("task/T-1", UnknownEvent(type="task:queued", schema_version=99, raw='{"a": 1}'))]),
]
BACKWARDS: list[Step] = [
    (-DAY_S, [one("swarm/main", SwarmMilestoneReached(name="yesterday"))]),
    (1, [one("swarm/main", SwarmMilestoneReached(name="a second later"))]),
]


async def recorded(directory: Path, steps: list[Step]) -> None:
    directory.mkdir()
    async with recorded_engine(directory, steps):
        pass


def tamper(directory: Path, *statements: str) -> None:
    """Do what the triggers forbid."""
    with closing(sqlite3.connect(directory / ".codewalkers" / "events.db")) as stranger:
        for trigger in ("events_keep_no_update", "events_keep_no_delete"):
            stranger.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            stranger.execute(statement)
        stranger.commit()


def banner(session: Session) -> str:
    """What is said to be wrong, in one line; empty when there is no banner."""
    widget = session.screen.status.banner
    return " ".join(session.text(widget).split()) if widget.display else ""


async def travelled(session: Session) -> None:
    """Everywhere: nothing may break."""
    for keys in (("t", "home"), ("e",), ("E",), ("d", "end", "comma", "d"), ("escape",), ("enter",), ("escape",)):
        await session.press(*keys)
    for key in ("1", "2", "3", "4"):
        await session.press(key)
    await session.press("end")
    assert session.position is None


async def test_all_is_well_without_a_banner(tmp_path: Path) -> None:
    await recorded(tmp_path / "web", history())
    async with engine_on(tmp_path / "web") as engine, looking(engine) as session:
        assert banner(session) == ""


@pytest.mark.parametrize("size", SIZES)
async def test_a_changed_event_is_said_and_the_screen_goes_on(tmp_path: Path, size: tuple[int, int]) -> None:
    await recorded(tmp_path / "web", history())
    tamper(tmp_path / "web", "UPDATE events SET actor = 'somebody' WHERE position = 12")
    async with engine_on(tmp_path / "web") as engine, looking(engine, size) as session:
        assert "DEGRADED event 12 is not what was recorded: its hash does not match" in banner(session)
        await travelled(session)
        assert "event 12" in banner(session)


async def test_a_missing_event_is_said(tmp_path: Path) -> None:
    await recorded(tmp_path / "web", history())
    tamper(tmp_path / "web", "DELETE FROM events WHERE position = 30")
    async with engine_on(tmp_path / "web") as engine, looking(engine) as session:
        assert "DEGRADED event 30 is not what was recorded: the event is missing" in banner(session)
        await travelled(session)


async def test_what_this_version_cannot_read_is_counted_and_named(tmp_path: Path) -> None:
    await recorded(tmp_path / "web", [*history(), *UNREADABLE])
    async with engine_on(tmp_path / "web") as engine, looking(engine, (200, 50)) as session:
        assert "DEGRADED 2 events cannot be read by this version (task:teleported): kept" in banner(session)
        position = (await engine.queries.stream("task/T-1"))[-2].position
        await session.enter(":", str(position))
        detail = " ".join(session.text(session.screen.detail).split())
        assert "this version cannot read it: " in detail
        assert "mars" in detail
        await travelled(session)


@pytest.mark.parametrize("size", SIZES)
async def test_bytes_that_are_no_text_and_five_megabytes_of_it_are_shown_as_far_as_they_go(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    await recorded(tmp_path / "web", history())
    outputs = "SELECT position FROM events WHERE type = 'agent:output' ORDER BY position LIMIT 1 OFFSET"
    tamper(
        tmp_path / "web",
        f"UPDATE events SET payload = CAST(x'7b22fffe' AS TEXT) WHERE position = ({outputs} 0)",
        "UPDATE events SET payload = '{\"lines\": [\"' || replace(hex(zeroblob(2500000)), '00', 'ab') || '\"]}'"
        f" WHERE position = ({outputs} 2)",
    )
    async with engine_on(tmp_path / "web") as engine, looking(engine, size) as session:
        assert "DEGRADED event" in banner(session)
        assert "1 event cannot be read by this version" in banner(session) or size[1] < 24
        for event in [event async for event in engine.journal.log.read(types=["agent:output"], limit=3)]:
            await session.enter(":", str(event.position))
            await session.press("enter", "escape")
        await travelled(session)


async def test_a_clock_that_went_back_only_labels(tmp_path: Path) -> None:
    await recorded(tmp_path / "web", [*history(), *BACKWARDS])
    async with engine_on(tmp_path / "web") as engine, looking(engine, (200, 50)) as session:
        position = (await engine.queries.stream("swarm/main"))[-2].position
        await session.enter(":", str(position))
        assert "the clock had gone back 1d" in session.text(session.screen.detail)
        assert list(session.screen.feed.index.times_us) == sorted(session.screen.feed.index.times_us)
        await session.press("comma", "full_stop")
        assert session.position == position
        await travelled(session)


async def test_without_colour_everything_is_said_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await recorded(tmp_path / "web", [*history(), *UNREADABLE, *BACKWARDS])
    tamper(tmp_path / "web", "UPDATE events SET actor = 'somebody' WHERE position = 12")
    async with engine_on(tmp_path / "web") as engine, looking(engine, (80, 24)) as session:
        assert "event 12" in banner(session)
        assert "2 events cannot be read" in banner(session)
        await travelled(session)


async def test_who_keeps_the_log_from_shrinking_is_said_until_it_can(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with looking(engine) as session:
        monkeypatch.setattr(EventLog, "overgrown", Overgrown(80 * 2**20, (Holder(4711, "sqlite3"),)))
        await session.press("1")
        assert "write-ahead log has grown to 80 MB, because sqlite3 (process 4711)" in banner(session)
        monkeypatch.setattr(EventLog, "overgrown", None)
        await session.press("2")
        assert banner(session) == ""
