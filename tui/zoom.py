"""The part of an axis the timeline shows, cut into equal slices, and how close one looks.

Invariant: the playhead is always in the part that is shown; that part moves only when the playhead leaves it.
Forbidden here: knowing how wide the strip is on the screen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import pairwise

from msgspec import Struct

from tui.axis import Axis
from tui.text import apportion

SLICES = 240  # finer than most terminals are wide
CLOSEST_EVENTS = 12  # a part with fewer is not made smaller
CLOSEST = 40  # doublings: beyond it numbers have no finer places
MOST_PAUSES = 20  # the longest are worth a place


class Part(Struct, frozen=True):
    """What lies between two pauses: a whole number of slices, so that a pause is never inside one."""

    start: float
    stop: float
    first: int
    """The first of its slices."""
    slices: int
    pause_us: int
    """How long nothing happened before it; 0 at the beginning."""


class Window:
    """From `start` to `stop` of an axis."""

    def __init__(self, axis: Axis, start: float, stop: float, slices: int = SLICES) -> None:
        self.axis, self.start, self.stop, self.slices = axis, start, stop, slices
        self._parts = _parts(axis, start, stop, slices)
        self._edges: list[int] | None = None

    @property
    def ends(self) -> bool:
        """Whether it goes up to the head."""
        return self.stop >= self.axis.length

    def edges(self) -> list[int]:
        """Numbers of events: slice k holds those from `edges[k]` up to `edges[k + 1]`."""
        if self._edges is None:
            first = [self.axis.first_from(self._place(at)) for at in range(self.slices)]
            self._edges = [*first, len(self.axis.positions) if self.ends else self.axis.first_from(self.stop)]
        return self._edges

    def slice_of(self, position: int) -> float:
        """Where the last event up to the position is, in slices and fractions of one; outside 0…slices if it is."""
        number = bisect_right(self.axis.positions, position) - 1
        if number < 0 or not self._parts:
            return 0.0
        place = self.axis.place(number)
        part = self._parts[max(0, bisect_right(self._parts, place, key=lambda part: part.start) - 1)]
        at = part.first + (place - part.start) * part.slices / (part.stop - part.start)
        return min(at, self.slices - 1e-9) if self.ends else at

    def position_at(self, at: float) -> int:
        """The last position before this place; the first one at the beginning, 0 when there is none."""
        positions = self.axis.positions
        if not positions:
            return 0
        number = len(positions) if at >= self.slices and self.ends else self.axis.first_from(self._place(at))
        return positions[max(0, number - 1)]

    def time_us(self, at: float) -> int:
        """What the clock said at this place."""
        return self.axis.time_us(self._place(at))

    def pauses(self) -> list[tuple[int, int]]:
        """(slice, microseconds) of the longest pauses that take no room, the slice being the one after it."""
        return [(part.first, part.pause_us) for part in self._parts if part.pause_us]

    def counts(self) -> tuple[int, ...]:
        """How many events each slice holds."""
        return tuple(after - first for first, after in pairwise(self.edges()))

    def tallies(self, positions: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """(slice, how many, the newest) of the sorted positions, for each slice that has any of them."""
        events = self.axis.positions
        for at, (first, after) in enumerate(pairwise(self.edges())):
            if first < after:
                low, high = bisect_left(positions, events[first]), bisect_right(positions, events[after - 1])
                if low < high:
                    yield at, high - low, positions[high - 1]

    def shown(self, positions: Sequence[int]) -> Iterator[tuple[int, int]]:
        """(slice, position) of those of the sorted positions that are in the window."""
        last = self.position_at(self.slices)
        for number in range(bisect_right(positions, self.position_at(0) - 1), bisect_right(positions, last)):
            at = self.slice_of(positions[number])
            if at >= 0:
                yield int(at), positions[number]

    def _place(self, at: float) -> float:
        if not self._parts:
            return 0.0
        part = self._parts[max(0, bisect_right(self._parts, at, key=lambda part: part.first) - 1)]
        return part.start + (part.stop - part.start) * (at - part.first) / part.slices


def _parts(axis: Axis, start: float, stop: float, slices: int) -> list[Part]:
    if stop <= start:
        return []
    inside = [(place, pause) for place, pause in axis.pauses if start < place < stop]
    longest = sorted(nlargest(min(MOST_PAUSES, slices // 3), inside, key=lambda found: found[1]))
    places = [start, *(place for place, _ in longest), stop]
    weights = [max(1, round(end - begin)) for begin, end in pairwise(places)]
    shares = apportion(weights, slices)
    first, parts = 0, list[Part]()
    for (begin, end), share, pause_us in zip(
        pairwise(places), shares, (0, *(pause for _, pause in longest)), strict=True
    ):
        parts.append(Part(begin, end, first, share, pause_us))
        first += share
    return parts


class Zoom:
    """How close one looks: each step shows half as much."""

    def __init__(self, level: int = 0) -> None:
        self.level = max(0, min(level, CLOSEST))
        self._start = 0.0
        self._shown: Window | None = None

    @property
    def times(self) -> int:
        """How much larger than the whole everything is."""
        return 1 << self.level

    def window(self, axis: Axis, position: int | None) -> Window:
        """What is shown with the playhead at a position; None: live, and the end is shown."""
        width = axis.length / self.times
        place = _place_of(axis, position)
        if place is None:
            self._start = axis.length - width
        elif not self._start <= place < self._start + width:
            self._start = place - width / 2
        self._start = max(0.0, min(self._start, axis.length - width))
        stop = self._start + width
        if axis.length - stop < width * 1e-9:  # what is lost in adding must not cut off the last event
            stop = axis.length
        shown = self._shown
        if shown is None or (shown.axis, shown.start, shown.stop) != (axis, self._start, stop):
            shown = self._shown = Window(axis, self._start, stop)
        return shown

    def closer(self, axis: Axis, position: int | None) -> bool:
        """Show half as much around the playhead; false when nothing would be gained."""
        shown = self.window(axis, position)
        edges = shown.edges()
        if edges[-1] - edges[0] <= CLOSEST_EVENTS or self.level >= CLOSEST:
            return False
        place = _place_of(axis, position)
        self.level += 1
        if place is not None:
            self._start = place - (place - shown.start) / 2
        return True

    def wider(self, axis: Axis, position: int | None) -> bool:
        """Show twice as much; false when all is shown."""
        if not self.level:
            return False
        shown = self.window(axis, position)
        place = _place_of(axis, position)
        self.level -= 1
        if place is not None:
            self._start = place - (place - shown.start) * 2
        return True

    def fit(self) -> None:
        """Show all of it."""
        self.level = 0


def _place_of(axis: Axis, position: int | None) -> float | None:
    if position is None:
        return None
    number = bisect_right(axis.positions, position) - 1
    return axis.place(max(0, number)) if axis.positions else 0.0
