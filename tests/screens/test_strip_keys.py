"""The strip from the keyboard: closer and wider, by time or by order; and playing, which passes pauses quickly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.recorded import Step, StillClock, history, one, recorded_engine
from fakes.screen import looking

from core.engine import Engine
from core.events import SwarmMilestoneReached

NIGHT_S = 9 * 3600


@pytest.fixture
async def two_days(tmp_path: Path) -> AsyncIterator[Engine]:
    """The recorded session, nine hours of nothing, and a little more."""
    directory = tmp_path / "nightly"
    directory.mkdir()
    morning: list[Step] = [
        (pause, [one("swarm/main", SwarmMilestoneReached(name=f"coffee {n}"))])
        for n, pause in enumerate((NIGHT_S, 5, 5))
    ]
    async with recorded_engine(directory, [*history(), *morning]) as engine:
        yield engine


async def test_plus_looks_closer_minus_wider_and_z_shows_all_of_it(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "e", "e")
        whole = session.screen.timeline.window
        assert whole is not None
        for key, times in (("+", 2), ("+", 4), ("-", 2), ("+", 4), ("Z", 1)):
            await session.press(key)
            assert session.screen.timeline.zoom.times == times
            assert (f"×{times}" in session.text(session.screen.timeline)) == (times > 1)
        await session.press("-")
        assert "this is all of the timeline" in session.message
        for _ in range(8):
            await session.press("+")
        assert "as close as it gets" in session.message


async def test_digits_share_out_the_part_that_is_shown(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "+", "+", "5")
        window = session.screen.timeline.window
        assert window is not None
        assert window.start > 0
        inside = [position for _, position in window.shown(session.screen.feed.index.positions)]
        await session.press("0")
        assert session.position == inside[0]
        await session.press("9", "0")
        assert session.position == inside[0]


async def test_a_step_beyond_what_the_strip_shows_takes_it_along(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "home", "+", "+", "+")
        start = session.screen.timeline.window
        for _ in range(40):
            await session.press("L")
        window, position = session.screen.timeline.window, session.position
        assert start is not None
        assert window is not None
        assert window.start > start.start
        assert position is None or 0 <= window.slice_of(position) < window.slices


async def test_a_turns_the_axis_and_all_of_them_keep_the_playhead(two_days: Engine) -> None:
    async with looking(two_days) as session:
        await session.press("t", "e")
        position = session.position
        for name in ("wall time", "by order", "active time"):
            await session.press("a")
            assert session.message == f"the timeline: {name}"
            assert (name in session.text(session.screen.timeline)) == (name != "active time")
            assert session.position == position


async def test_a_night_is_labelled_where_it_takes_no_room(two_days: Engine) -> None:
    async with looking(two_days) as session:
        assert "┊9h┊" in session.text(session.screen.timeline)
        await session.press("t", "a")
        assert "9h" not in session.text(session.screen.timeline)
        await session.press("a")
        assert "┊9h┊" in session.text(session.screen.timeline)


@pytest.mark.parametrize(("faster", "speed"), [(0, 1), (6, 100), (9, 1000)])
async def test_playing_passes_a_night_in_two_seconds(two_days: Engine, faster: int, speed: int) -> None:
    clock = two_days.journal.clock
    assert isinstance(clock, StillClock)
    async with looking(two_days) as session:
        await session.enter(":", str(session.head - 3))
        await session.press("t", *[">"] * faster)
        assert session.screen.playhead.speed == speed
        slept = clock.slept
        await session.press("space")
        assert session.position is None
        rest = 10 / speed
        assert 2.0 <= clock.slept - slept <= 2.0 + min(rest, 4.0) + 0.3


async def test_playing_is_as_fast_as_it_happened_divided_by_the_speed(engine: Engine) -> None:
    clock = engine.journal.clock
    assert isinstance(clock, StillClock)
    async with looking(engine) as session:
        index = session.screen.feed.index
        await session.enter(":", "60")
        happened = (index.times_us[-1] - (index.time_at(60) or 0)) / 1e6
        await session.press("t", *[">"] * 2)
        slept = clock.slept
        await session.press("space")
        assert clock.slept - slept == pytest.approx(happened / 5, abs=0.2)


async def test_space_pauses_and_the_playhead_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = engine.journal.clock
    assert isinstance(clock, StillClock)
    napping, woken = asyncio.Event(), asyncio.Event()

    async def second_nap(_: float) -> None:
        if clock.slept:
            napping.set()
            await woken.wait()
        clock.slept += 2.0

    async with looking(engine) as session:
        await session.press("t", "home")
        monkeypatch.setattr(clock, "sleep", second_nap)
        playing = asyncio.create_task(session.screen.travel.play())
        await napping.wait()
        position = session.position
        assert position is not None
        assert 1 < position < session.head
        await session.press("space")
        assert not session.screen.playhead.playing
        woken.set()
        await playing
        assert session.position == position


async def test_the_axis_and_the_zoom_are_there_when_the_dashboard_is_opened_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "a", "+", "+")
    async with looking(engine) as session:
        assert session.screen.timeline.kind == "wall"
        assert session.screen.timeline.zoom.times == 4
        assert "wall time  ×4" in session.text(session.screen.timeline)
