"""The timeline: how much happened when, where it went wrong, and where the screen is."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from textual.app import ComposeResult

from core.history.index import LineageIndex
from tui.axis import SLICES, ActiveAxis
from tui.look import Look, local
from tui.marks import Mark as Landmark
from tui.text import ago, clock_time, count, join, literal
from tui.widgets.panel import Frame, Panel
from tui.widgets.spans import Span
from tui.widgets.strip_chart import StripChart
from tui.widgets.strip_layout import Gap, Mark, MarkKind, StripView, Tick

TICKS = 5
_KINDS: dict[str, MarkKind] = {
    "bookmark": "bookmark",
    "checkpoint": "checkpoint",
    "fork": "fork",
    "milestone": "checkpoint",
}
TITLE = literal("Timeline")


def strip_view(
    axis: ActiveAxis, index: LineageIndex, look: Look, landmarks: Iterable[Landmark], *, fresh_after: int
) -> StripView:
    """The strip of a lineage; failures after `fresh_after` flash."""
    edges = axis.edges(SLICES)
    buckets = tuple(after - first for first, after in pairwise(edges))
    failures = _per_slice(index.faults, axis)
    drawn = [
        Mark(at, "failure", number, fresh=newest > fresh_after) for at, (number, newest) in sorted(failures.items())
    ]
    drawn += [Mark(int(axis.slice_of(mark.position, SLICES)), _KINDS[mark.kind]) for mark in landmarks]
    return StripView(
        buckets=buckets,
        playhead=None if look.live else axis.slice_of(look.position, SLICES),
        playhead_label=look.past,
        marks=tuple(drawn),
        gaps=tuple(Gap(at, ago(pause / 1000)) for at, pause in axis.pauses(SLICES)),
        ticks=_ticks(axis, index),
    )


def _per_slice(positions: array[int], axis: ActiveAxis) -> dict[int, tuple[int, int]]:
    """Slice → how many of the positions are in it, and the newest of them."""
    found: dict[int, tuple[int, int]] = {}
    for position in positions:
        at = int(axis.slice_of(position, SLICES))
        found[at] = (found.get(at, (0, 0))[0] + 1, position)
    return found


def _ticks(axis: ActiveAxis, index: LineageIndex) -> tuple[Tick, ...]:
    if not index.positions or axis.is_even:
        return ()
    ticks: list[Tick] = []
    for number in range(TICKS):
        at = min(SLICES - 1, SLICES * number // (TICKS - 1))
        time_us = index.time_at(axis.position_at(at + (number == TICKS - 1), SLICES))
        if time_us is not None:
            ticks.append(Tick(at, clock_time(local(time_us))))
    return tuple(ticks)


class TimelinePanel(Panel):
    """Panel 5; `axis` is the one that is drawn, so that the mouse means the same."""

    def __init__(self) -> None:
        super().__init__(frame=Frame(TITLE, 5), id="timeline")
        self.strip = StripChart()
        self.axis: ActiveAxis | None = None
        self._known = 0

    def compose(self) -> ComposeResult:
        yield self.strip

    def show(self, index: LineageIndex, look: Look, landmarks: Iterable[Landmark], *, fresh_after: int) -> None:
        """Draw the strip of this moment."""
        if self.axis is None or len(index.positions) != self._known:
            self.axis, self._known = ActiveAxis(index), len(index.positions)
        self.strip.show(strip_view(self.axis, index, look, landmarks, fresh_after=fresh_after))
        self.show_frame(Frame(TITLE, 5, _note(index, look), look.past))

    def position_at(self, share: float) -> int:
        """The position at a share, 0 to 1, of what the strip shows; 0 when there is none."""
        return 0 if self.axis is None else self.axis.position_at(share * SLICES, SLICES)

    def cells_on(self, by: int, here: int) -> int | None:
        """Where the next cell to the left or right in which something happened ends; None beyond the strip."""
        cell, ends = self.strip.playhead_cell, self.strip.ends
        while 0 <= (cell := cell + by) < len(ends):
            position = self.position_at(ends[cell] / SLICES)
            if (position - here) * by > 0:
                return position
        return self.position_at(0) if by < 0 else None


def _note(index: LineageIndex, look: Look) -> tuple[Span, ...]:
    note: list[Span] = []
    if not look.live:
        place = bisect_right(index.positions, look.position)
        total = max(1, len(index.positions))
        note.append(Span(join((count(100 * place // total), literal("%  "))), "past"))
    if index.faults:
        note.append(Span(join((count(len(index.faults)), literal(" failures"))), "bad"))
    return tuple(note)
