"""The timeline's axis: history laid out along a line: by order, by time, or by the time in which something happened.

On the active axis long pauses take no room, so that a night does not crush the day. Order is always the position;
time only says how far apart events lie. Pure.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Protocol, get_args

from msgspec import Struct

from core.history.index import LineageIndex

AxisKind = Literal["sequence", "active", "wall"]
AXES: tuple[AxisKind, ...] = get_args(AxisKind)

MEDIAN_SAMPLES = 500
PAUSE_MEDIANS = 10
SHORTEST_PAUSE_US = 60_000_000


class Axis(Protocol):
    """Places of an index's events, from 0 to `length`, in units of the axis's own."""

    @property
    def positions(self) -> Sequence[int]:
        """Of the events, in order."""
        ...

    @property
    def length(self) -> float:
        """Where it ends; 0 without events."""
        ...

    @property
    def pauses(self) -> Sequence[tuple[float, int]]:
        """Place and length in microseconds of every long time without events that takes no room here."""
        ...

    def place(self, number: int) -> float:
        """Where the event of this number (from 0) is."""
        ...

    def first_from(self, place: float) -> int:
        """The number of the first event there or further on; how many there are when none is."""
        ...

    def time_us(self, place: float) -> int:
        """What the clock said there; by order, when the last event up to there was recorded."""
        ...


class Stretch(Struct, frozen=True):
    """A time without a long pause."""

    first: int
    """Number of its first event."""
    last: int
    start_us: int
    length_us: int
    offset_us: int
    """How much time on the axis lies before it."""
    pause_us: int
    """How long nothing happened before it."""


class SequenceAxis:
    """Every event takes the same room."""

    def __init__(self, index: LineageIndex, stretches: Sequence[Stretch]) -> None:
        self.positions: Sequence[int] = index.positions
        self._times = index.times_us
        self.length = float(len(index.positions))
        self.pauses = [(float(stretch.first), stretch.pause_us) for stretch in stretches[1:]]

    def place(self, number: int) -> float:
        return float(number)

    def first_from(self, place: float) -> int:
        return max(0, min(math.ceil(place), len(self.positions)))

    def time_us(self, place: float) -> int:
        return self._times[max(0, min(int(place), len(self._times) - 1))] if self._times else 0


class TimeAxis:
    """Room by time: microseconds, those of long pauses left out. There are events."""

    def __init__(self, index: LineageIndex, stretches: Sequence[Stretch]) -> None:
        self.positions: Sequence[int] = index.positions
        self._times, self._stretches = index.times_us, stretches
        self.length = float(_end_of(stretches[-1]))
        self.pauses = [(float(stretch.offset_us), stretch.pause_us) for stretch in stretches[1:]]

    def place(self, number: int) -> float:
        stretch = self._stretches[bisect_right(self._stretches, number, key=lambda stretch: stretch.first) - 1]
        return float(stretch.offset_us + self._times[number] - stretch.start_us)

    def first_from(self, place: float) -> int:
        stretch = self._stretch_at(place)
        moment = stretch.start_us + math.ceil(place - stretch.offset_us)
        return bisect_left(self._times, moment, stretch.first, stretch.last + 1)

    def time_us(self, place: float) -> int:
        stretch = self._stretch_at(place)
        return stretch.start_us + min(max(0, int(place - stretch.offset_us)), stretch.length_us)

    def _stretch_at(self, place: float) -> Stretch:
        number = bisect_right(self._stretches, place, key=lambda stretch: stretch.offset_us) - 1
        return self._stretches[max(0, number)]


def axis_of(index: LineageIndex, kind: AxisKind) -> Axis:
    """The index's events on an axis; by order when everything happened at one instant."""
    stretches = _stretches(index, folded=kind != "wall")
    if kind == "sequence" or not any(stretch.length_us for stretch in stretches):
        return SequenceAxis(index, stretches)
    return TimeAxis(index, stretches)


def _end_of(stretch: Stretch) -> int:
    return stretch.offset_us + stretch.length_us + 1  # its last event is before the next one's first


def _stretches(index: LineageIndex, *, folded: bool = True) -> list[Stretch]:
    times = index.times_us
    if not times:
        return []
    threshold = max(SHORTEST_PAUSE_US, PAUSE_MEDIANS * _median_gap(times))
    starts = [0]
    for position in index.pauses if folded else ():
        first = bisect_left(index.positions, position)
        if times[first] - times[first - 1] >= threshold:
            starts.append(first)
    stretches: list[Stretch] = []
    offset_us = 0
    for first, after in pairwise([*starts, len(times)]):
        length_us = times[after - 1] - times[first]
        pause_us = times[first] - times[first - 1] if first else 0
        stretches.append(Stretch(first, after - 1, times[first], length_us, offset_us, pause_us))
        offset_us = _end_of(stretches[-1])
    return stretches


def _median_gap(times: Sequence[int]) -> int:
    """About the middle one of the times between events, from an even sample."""
    step = max(1, (len(times) - 1) // MEDIAN_SAMPLES)
    gaps = sorted(times[at + 1] - times[at] for at in range(0, len(times) - 1, step))
    return gaps[len(gaps) // 2] if gaps else 0
