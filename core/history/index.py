"""The index of a lineage: when its events happened, and where the failures, marks and task boundaries are.

Compact and rebuildable: a few numbers per event. Times are clamped so that they never go back; order is always the
position.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from core.log.filters import Span
from core.log.pages import Label
from core.log.reader import Reader

FAULTS = frozenset({"task:failed", "task:lost", "agent:failed", "checkpoint:failed"})
"""One event for each thing that went wrong: not the attempt's own end, nor the giving up that follows."""
FAILURES = FAULTS | {"execution:failed", "task:dead-lettered"}
MARKS = {
    "bookmark:set": "bookmark",
    "checkpoint:saved": "checkpoint",
    "branch:requested": "fork",
    "swarm:milestone-reached": "milestone",
}
BOUNDARIES = frozenset(
    {"task:started", "task:completed", "task:failed", "task:cancelled", "task:lost", "task:dead-lettered"}
)
OUTPUT = "agent:output"
PAUSE_US = 60_000_000
"""A time without events that is worth knowing of."""


class Part(Struct):
    """A stretch of a lineage's index, as it is kept: arrays of 64-bit integers in the machine's own byte order."""

    byte_order: str
    arrays: dict[str, bytes]
    mark_kinds: list[str]

    @classmethod
    def decode(cls, kept: bytes) -> Part:
        """The part that `LineageIndex.part` gave.

        Raises:
            ValueError: these are not its bytes, or another kind of machine kept them.
        """
        part = _DECODER.decode(kept)
        sizes = {name: len(values) for name, values in part.arrays.items()}
        if part.byte_order != sys.byteorder or tuple(sizes) != _ARRAYS or sizes["positions"] != sizes["times_us"]:
            raise ValueError("this is no part of an index")
        if len(part.mark_kinds) * 8 != sizes["marks"] or any(size % 8 for size in sizes.values()):
            raise ValueError("this part of an index is damaged")
        return part


_ARRAYS = ("positions", "times_us", "failures", "faults", "boundaries", "marks", "pauses", "runs")
_DECODER = msgspec.msgpack.Decoder(Part)


class LineageIndex:
    """One lineage, as far as it was read. All arrays of positions are sorted."""

    def __init__(self, branch: str) -> None:
        self.branch = branch
        self.positions = array("q")
        self.times_us = array("q")
        """Of `positions`, never falling."""
        self.failures = array("q")
        self.faults = array("q")
        self.boundaries = array("q")
        """Where a task started or ended."""
        self.marks = array("q")
        self.mark_kinds: list[str] = []
        self.pauses = array("q")
        """Positions before which nothing happened for `PAUSE_US` or longer."""
        self.runs = array("q")
        """First positions of what is shown as one line: an event, or an agent's output without a break."""
        self._printing = ""

    @property
    def head(self) -> int:
        """The last position known; 0 when there is none."""
        return self.positions[-1] if self.positions else 0

    async def catch_up(self, reader: Reader, head: int) -> None:
        """Read what was appended up to `head` since."""
        if head > self.head:
            async for labels in reader.labels(branch=self.branch, span=Span(self.head, head)):
                self.extend(labels)

    def part(self, after: int, up_to: int) -> bytes:
        """What is known of the events in the range, `after` exclusive, `up_to` inclusive, to be kept."""
        arrays: dict[str, bytes] = {}
        for name in _ARRAYS:
            of_positions = self.positions if name == "times_us" else self._array(name)
            start, end = bisect_right(of_positions, after), bisect_right(of_positions, up_to)
            arrays[name] = self._array(name)[start:end].tobytes()
        kinds = self.mark_kinds[bisect_right(self.marks, after) : bisect_right(self.marks, up_to)]
        return msgspec.msgpack.encode(Part(sys.byteorder, arrays, kinds))

    def add_part(self, part: Part) -> None:
        """Add a part that follows what is known."""
        for name, values in part.arrays.items():
            self._array(name).frombytes(values)
        self.mark_kinds += part.mark_kinds

    def resume(self, last: Label) -> None:
        """Go on after the last part, whose last event this is."""
        _, _, kind, stream = last
        self._printing = stream if kind == OUTPUT else ""

    def _array(self, name: str) -> array[int]:
        return getattr(self, name)

    def extend(self, labels: Iterable[Label]) -> None:
        """Add events that follow those known; known ones are skipped."""
        last_us = self.times_us[-1] if self.times_us else 0
        head = self.head
        for position, recorded_us, kind, stream in labels:
            if position <= head:
                continue
            if recorded_us - last_us >= PAUSE_US and last_us:
                self.pauses.append(position)
            last_us = max(last_us, recorded_us)
            self.positions.append(position)
            self.times_us.append(last_us)
            printing = stream if kind == OUTPUT else ""
            if not printing or printing != self._printing:
                self.runs.append(position)
            self._printing = printing
            if not printing:
                self._note(position, kind)

    def _note(self, position: int, kind: str) -> None:
        if kind in FAILURES:
            self.failures.append(position)
        if kind in FAULTS:
            self.faults.append(position)
        if kind in BOUNDARIES:
            self.boundaries.append(position)
        if kind in MARKS:
            self.marks.append(position)
            self.mark_kinds.append(MARKS[kind])

    def place(self, position: int) -> int:
        """How many events there are up to and including the position."""
        return bisect_right(self.positions, position)

    def last_before(self, position: int) -> int:
        """The last position under this one; 0 when there is none."""
        index = bisect_left(self.positions, position)
        return self.positions[index - 1] if index else 0

    def count(self, after: int, up_to: int) -> int:
        """How many events lie in the range: `after` exclusive, `up_to` inclusive."""
        return self.place(up_to) - self.place(after)

    def at_time(self, moment_us: int) -> int:
        """The last position recorded at or before the moment; 0 when all are later."""
        index = bisect_right(self.times_us, moment_us)
        return self.positions[index - 1] if index else 0

    def time_at(self, position: int) -> int | None:
        """When the last event at or before the position was recorded; None before the first."""
        index = self.place(position)
        return self.times_us[index - 1] if index else None

    def end_of_run(self, run: int) -> int:
        """The last position of the run with this number."""
        if run + 1 >= len(self.runs):
            return self.head
        return self.positions[bisect_left(self.positions, self.runs[run + 1]) - 1]


def following(positions: Sequence[int], after: int) -> int | None:
    """The first of the sorted positions over `after`."""
    index = bisect_right(positions, after)
    return positions[index] if index < len(positions) else None


def preceding(positions: Sequence[int], before: int) -> int | None:
    """The last of the sorted positions under `before`."""
    index = bisect_left(positions, before)
    return positions[index - 1] if index else None
