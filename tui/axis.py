"""The timeline's axis: history cut into equal slices of the time in which something happened.

Long pauses are folded to nothing, so that a night does not crush the day; order is always the position. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from core.history.index import LineageIndex

SLICES = 240  # finer than any terminal is wide
MEDIAN_SAMPLES = 500
PAUSE_MEDIANS = 10
SHORTEST_PAUSE_US = 60_000_000


class Stretch(Struct, frozen=True):
    """A time without a long pause."""

    first: int
    """Index of its first event in the lineage."""
    last: int
    start_us: int
    length_us: int
    offset_us: int
    """How much active time lies before it."""
    pause_us: int
    """How long nothing happened before it."""


class ActiveAxis:
    """An index's events on the active axis."""

    def __init__(self, index: LineageIndex) -> None:
        self._times, self._positions = index.times_us, index.positions
        self.stretches = _stretches(index)
        last = self.stretches[-1] if self.stretches else None
        self.length_us = 0 if last is None else last.offset_us + last.length_us

    @property
    def is_even(self) -> bool:
        """Whether everything happened at one instant, so that only the order is left."""
        return self.length_us <= 0

    def edges(self, slices: int) -> list[int]:
        """Indexes of events: slice k holds those from `edges[k]` up to `edges[k + 1]`."""
        total = len(self._positions)
        if self.is_even:
            return [total * number // slices for number in range(slices + 1)]
        inner = [self._place(self.length_us * number / slices) for number in range(1, slices)]
        return [0, *inner, total]

    def _place(self, active_us: float) -> int:
        """The index of the first event at or after so much active time."""
        number = bisect_right(self.stretches, active_us, key=lambda stretch: stretch.offset_us) - 1
        stretch = self.stretches[number]
        moment = stretch.start_us + active_us - stretch.offset_us
        return bisect_left(self._times, moment, stretch.first, stretch.last + 1)

    def slice_of(self, position: int, slices: int) -> float:
        """Where on the axis the position is, in slices and fractions of one."""
        index = bisect_right(self._positions, position) - 1
        if index < 0:
            return 0.0
        if self.is_even:
            return index * slices / max(1, len(self._positions))
        number = bisect_right(self.stretches, index, key=lambda stretch: stretch.first) - 1
        stretch = self.stretches[number]
        active_us = stretch.offset_us + self._times[index] - stretch.start_us
        return min(active_us * slices / self.length_us, slices - 1e-9)

    def position_at(self, at: float, slices: int) -> int:
        """The last position before this place on the axis; the first one at its beginning, 0 when there is none."""
        if not self._positions:
            return 0
        if at >= slices:
            return self._positions[-1]
        if self.is_even:
            index = round(len(self._positions) * at / slices) - 1
        else:
            index = self._place(min(self.length_us * at / slices, self.length_us)) - 1
        return self._positions[max(0, min(index, len(self._positions) - 1))]

    def pauses(self, slices: int) -> list[tuple[int, int]]:
        """(slice, microseconds) of every pause that was folded, the slice being the one after it."""
        if self.is_even:
            return []
        return [
            (max(1, min(slices - 1, round(stretch.offset_us * slices / self.length_us))), stretch.pause_us)
            for stretch in self.stretches[1:]
        ]


def _stretches(index: LineageIndex) -> list[Stretch]:
    times = index.times_us
    if not times:
        return []
    threshold = max(SHORTEST_PAUSE_US, PAUSE_MEDIANS * _median_gap(times))
    starts = [0]
    for position in index.pauses:
        first = bisect_left(index.positions, position)
        if times[first] - times[first - 1] >= threshold:
            starts.append(first)
    stretches: list[Stretch] = []
    offset_us = 0
    for first, after in pairwise([*starts, len(times)]):
        length_us = times[after - 1] - times[first]
        pause_us = times[first] - times[first - 1] if first else 0
        stretches.append(Stretch(first, after - 1, times[first], length_us, offset_us, pause_us))
        offset_us += length_us
    return stretches


def _median_gap(times: Sequence[int]) -> int:
    """About the middle one of the times between events, from an even sample."""
    step = max(1, (len(times) - 1) // MEDIAN_SAMPLES)
    gaps = sorted(times[at + 1] - times[at] for at in range(0, len(times) - 1, step))
    return gaps[len(gaps) // 2] if gaps else 0
