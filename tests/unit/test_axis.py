"""The timeline's axes and the part of one that is shown: what happened when, and what a place on the strip means."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.history.index import LineageIndex
from tui.axis import AXES, Axis, AxisKind, SequenceAxis, axis_of
from tui.text import roughly
from tui.zoom import MOST_PAUSES, Window, Zoom

START_US = 1_700_000_000_000_000
SECOND = 1_000_000
HOURS_9 = 9 * 3600 * SECOND


def index_of(times_us: list[int], kind: str = "task:queued") -> LineageIndex:
    index = LineageIndex("main")
    index.extend((n, START_US + at, kind, "task/a") for n, at in enumerate(times_us, 1))
    return index


def whole(index: LineageIndex, kind: AxisKind = "active", slices: int = 100) -> Window:
    axis = axis_of(index, kind)
    return Window(axis, 0.0, axis.length, slices)


NIGHT = [n * SECOND for n in range(100)] + [99 * SECOND + HOURS_9 + n * SECOND for n in range(100)]


def test_a_night_is_folded_and_said_to_be_one() -> None:
    window = whole(index_of(NIGHT))
    ((at, pause_us),) = window.pauses()
    assert (at, roughly(pause_us / 1000)) == (50, "9h")
    assert all(1 <= number <= 3 for number in window.counts())


def test_what_happened_before_a_pause_is_drawn_before_it() -> None:
    window = whole(index_of(NIGHT))
    assert window.slice_of(100) < 50 <= window.slice_of(101)
    assert window.position_at(50) == 100


def test_by_the_clock_a_night_is_as_long_as_it_was() -> None:
    window = whole(index_of(NIGHT), "wall")
    assert window.pauses() == []
    assert sum(number > 0 for number in window.counts()) == 2


def test_a_place_has_the_time_of_the_clock() -> None:
    index = index_of(NIGHT)
    wall, active, order = (whole(index, kind) for kind in ("wall", "active", "sequence"))
    assert wall.time_us(50) == pytest.approx(START_US + (198 * SECOND + HOURS_9) / 2, abs=SECOND)
    assert active.time_us(25) == pytest.approx(START_US + 49.5 * SECOND, abs=SECOND)
    assert active.time_us(50) == order.time_us(50) == index.times_us[100]
    assert active.time_us(100) == order.time_us(100) == index.times_us[-1]


def test_by_order_every_event_takes_the_same_room_and_the_pause_is_marked() -> None:
    window = whole(index_of(NIGHT), "sequence")
    assert window.counts() == (2,) * 100
    assert window.pauses() == [(50, HOURS_9)]


def test_a_slow_log_has_no_pauses_for_being_slow() -> None:
    assert axis_of(index_of([n * 120 * SECOND for n in range(50)]), "active").pauses == []


@pytest.mark.parametrize("kind", AXES)
def test_everything_at_one_instant_is_spread_by_order(kind: AxisKind) -> None:
    window = whole(index_of([0] * 10), kind, 5)
    assert isinstance(window.axis, SequenceAxis)
    assert window.edges() == [0, 2, 4, 6, 8, 10]


def test_the_longest_of_many_pauses_are_shown() -> None:
    pauses = [100 * SECOND + n * SECOND for n in range(200)]
    times = [0]
    for pause in pauses:
        times += [times[-1] + SECOND, times[-1] + 2 * SECOND, times[-1] + 2 * SECOND + pause]
    shown = whole(index_of(times), slices=240).pauses()
    assert [pause for _, pause in shown] == pauses[-MOST_PAUSES:]


def test_a_clock_that_jumps_back_changes_no_order() -> None:
    index = index_of([100 * SECOND, 200 * SECOND, 10 * SECOND, 210 * SECOND])
    assert list(index.times_us) == [START_US + s * SECOND for s in (100, 200, 200, 210)]
    assert index.at_time(START_US + 205 * SECOND) == 3


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (45, "45s"), (60, "1m"), (90, "90s"), (119, "2m"), (660, "11m"), (3600, "1h"), (5400, "90m"),
     (32_400, "9h"), (32_370, "9h"), (86_400, "1d"), (129_600, "36h"), (1e7, "116d")],
)  # fmt: skip
def test_a_pause_is_said_in_the_unit_that_says_most(seconds: float, said: str) -> None:
    assert roughly(seconds * 1000) == said


GAPS = st.lists(st.integers(0, 200 * SECOND), max_size=60)


def times_of(gaps: list[int]) -> list[int]:
    return [sum(gaps[: n + 1]) for n in range(len(gaps))]


@given(GAPS, st.integers(1, 50), st.sampled_from(AXES))
def test_every_event_is_in_exactly_one_slice_and_found_from_it(gaps: list[int], slices: int, kind: AxisKind) -> None:
    index = index_of(times_of(gaps))
    window = whole(index, kind, slices)
    edges = window.edges()
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (0, len(gaps))
    counted = [0] * slices
    for position in index.positions:
        at = window.slice_of(position)
        assert 0 <= at < slices
        counted[int(at)] += 1
        assert window.slice_of(window.position_at(at)) <= at + 1e-6
    for slice_, (first, after) in enumerate(pairwise(edges)):
        for position in index.positions[first:after]:
            assert abs(window.slice_of(position) - slice_ - 0.5) <= 0.5 + 1e-6
    if gaps:
        assert window.position_at(slices) == len(gaps)


# -- zoom --


def test_closer_keeps_the_playhead_where_it_is_on_the_screen() -> None:
    axis = axis_of(index_of([n * SECOND for n in range(1000)]), "active")
    zoom = Zoom()
    before = zoom.window(axis, 400)
    assert zoom.closer(axis, 400)
    after = zoom.window(axis, 400)
    assert after.stop - after.start == pytest.approx((before.stop - before.start) / 2)
    assert after.slice_of(400) == pytest.approx(before.slice_of(400), abs=0.5)
    assert zoom.wider(axis, 400)
    assert zoom.window(axis, 400).edges() == before.edges()
    assert not zoom.wider(axis, 400)


def test_live_the_end_is_shown() -> None:
    axis = axis_of(index_of([n * SECOND for n in range(1000)]), "active")
    zoom = Zoom(3)
    window = zoom.window(axis, None)
    assert window.ends
    assert window.edges()[0] == pytest.approx(875, abs=2)
    assert window.edges()[-1] == 1000


def test_the_playhead_takes_the_strip_along_when_it_leaves_what_is_shown() -> None:
    axis = axis_of(index_of([n * SECOND for n in range(1000)]), "active")
    zoom = Zoom(3)
    first = zoom.window(axis, 500)
    assert zoom.window(axis, 530).start == first.start
    moved = zoom.window(axis, 640)
    assert moved.start > first.start
    assert 0 < moved.slice_of(640) < moved.slices


def test_there_is_a_closest_and_it_still_holds_a_dozen_events() -> None:
    axis = axis_of(index_of([n * SECOND for n in range(1000)]), "active")
    zoom = Zoom()
    while zoom.closer(axis, 700):
        pass
    edges = zoom.window(axis, 700).edges()
    assert 4 <= edges[-1] - edges[0] <= 12
    zoom.fit()
    assert zoom.times == 1


@given(GAPS.filter(bool), st.integers(0, 12), st.data(), st.sampled_from(AXES))
def test_the_playhead_is_always_in_what_is_shown(gaps: list[int], level: int, data: st.DataObject, kind: str) -> None:
    axis: Axis = axis_of(index_of(times_of(gaps)), kind)  # pyright: ignore[reportArgumentType]
    zoom = Zoom(level)
    for position in data.draw(st.lists(st.integers(1, len(gaps)), min_size=1, max_size=5)):
        window = zoom.window(axis, position)
        assert 0 <= window.slice_of(position) < window.slices
        assert window.edges() == sorted(window.edges())
        assert {found: at for at, found in window.shown([position])} == {position: int(window.slice_of(position))}


@given(GAPS, st.integers(1, 50), st.sampled_from(AXES), st.data())
def test_tallies_count_what_lies_in_each_slice(
    gaps: list[int], slices: int, kind: AxisKind, data: st.DataObject
) -> None:
    index = index_of(times_of(gaps))
    window = whole(index, kind, slices)
    some = [position for position in index.positions if data.draw(st.booleans())]
    expected = [
        (at, len(inside), inside[-1])
        for at, (first, after) in enumerate(pairwise(window.edges()))
        if (inside := [position for position in index.positions[first:after] if position in some])
    ]
    assert list(window.tallies(some)) == expected
