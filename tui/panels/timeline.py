"""The timeline: how much happened when, where it went wrong, and where the screen is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult

from core.history.index import LineageIndex
from tui.axis import AXES, Axis, AxisKind, axis_of
from tui.look import Look, local
from tui.marks import Mark as Landmark
from tui.text import SafeText, TimeStyle, clock_time, count, join, literal, roughly
from tui.widgets.panel import Frame, Panel
from tui.widgets.spans import Span
from tui.widgets.strip_chart import StripChart
from tui.widgets.strip_layout import Gap, Mark, MarkKind, StripView, Tick
from tui.zoom import Window, Zoom

TICKS = 5
DAY_US = 86_400_000_000
FINE_US = 10_000_000  # shorter windows are read in milliseconds
_KINDS: dict[str, MarkKind] = {
    "bookmark": "bookmark",
    "checkpoint": "checkpoint",
    "fork": "fork",
    "milestone": "checkpoint",
}
TITLE = literal("Timeline")
AXIS_NAMES: dict[AxisKind, SafeText] = {
    "sequence": literal("by order"),
    "active": literal("active time"),
    "wall": literal("wall time"),
}


def strip_view(
    window: Window, index: LineageIndex, landmarks: Sequence[Landmark], hits: Sequence[int], *, fresh_after: int
) -> StripView:
    """The strip of what is shown of a lineage, without the playhead; failures after `fresh_after` flash."""
    marks = [
        Mark(at, "failure", number, fresh=newest > fresh_after) for at, number, newest in window.tallies(index.faults)
    ]
    for kind, drawn in _KINDS.items():
        places = [mark.position for mark in landmarks if mark.kind == kind]
        marks += [Mark(at, drawn) for at, _ in window.shown(places)]
    marks += [Mark(at, "hit") for at, _, _ in window.tallies(hits)]
    return StripView(
        buckets=window.counts(),
        marks=tuple(marks),
        gaps=tuple(Gap(at, roughly(pause / 1000)) for at, pause in window.pauses()),
        ticks=_ticks(window),
    )


def _ticks(window: Window) -> tuple[Tick, ...]:
    if not window.axis.positions:
        return ()
    places = [window.slices * number / (TICKS - 1) for number in range(TICKS)]
    times = [window.time_us(at) for at in places]
    span_us = times[-1] - times[0]
    style: TimeStyle = "day" if span_us > DAY_US else "millis" if span_us < FINE_US else "time"
    return tuple(
        Tick(min(window.slices - 1, int(at)), clock_time(local(us), style))
        for at, us in zip(places, times, strict=True)
    )


class TimelinePanel(Panel):
    """Panel 5. What it shows of the axis, and which one, is its own; the mouse and the keys mean that part."""

    def __init__(self, axis: AxisKind = "active", zoom: int = 0) -> None:
        super().__init__(frame=Frame(TITLE, 5), id="timeline")
        self.strip = StripChart()
        self.kind: AxisKind = axis
        self.zoom = Zoom(zoom)
        self._axis: Axis | None = None
        self._known: tuple[AxisKind, int] | None = None
        self.window: Window | None = None
        self._still: tuple[tuple[Window, Sequence[Landmark], int, int], Sequence[int], StripView] | None = None
        """What was drawn last, without the playhead, and what it was made of."""

    def compose(self) -> ComposeResult:
        yield self.strip

    def show(
        self, index: LineageIndex, look: Look, landmarks: Sequence[Landmark], hits: Sequence[int], *,
        anchor: int | None, fresh_after: int,
    ) -> None:  # fmt: skip
        """Draw the strip of this moment, with what a search has found, and the moment A."""
        known = self.kind, len(index.positions)
        if self._axis is None or known != self._known:
            self._axis, self._known = axis_of(index, self.kind), known
        self.window = self.zoom.window(self._axis, None if look.live else look.position)
        still = self._strip_of(self.window, index, landmarks, hits, fresh_after)
        playhead = None if look.live else self.window.slice_of(look.position)
        places = self.window.shown(() if anchor is None else (anchor,))
        marked = next((at + 0.0 for at, _ in places), None)
        self.strip.show(replace(still, playhead=playhead, playhead_label=look.past, anchor=marked))
        self.show_frame(Frame(TITLE, 5, self._note(index, look), look.past))

    def _strip_of(
        self, window: Window, index: LineageIndex, landmarks: Sequence[Landmark], hits: Sequence[int], fresh_after: int
    ) -> StripView:
        """All but the playhead, which alone moves while one travels; of hits there can only be more."""
        key = window, landmarks, fresh_after, len(hits)
        if self._still is None or self._still[0] != key or self._still[1] is not hits:
            self._still = key, hits, strip_view(window, index, landmarks, hits, fresh_after=fresh_after)
        return self._still[2]

    @property
    def shows_now(self) -> bool:
        """Whether the strip's last column is the head."""
        return self.window is None or self.window.ends

    def turn_axis(self) -> SafeText:
        """Lay history out by the next kind of axis; its name."""
        self.kind = AXES[(AXES.index(self.kind) + 1) % len(AXES)]
        return AXIS_NAMES[self.kind]

    def look_closer(self, position: int | None) -> bool:
        """Show half as much; false when nothing would be gained."""
        return self._axis is not None and self.zoom.closer(self._axis, position)

    def look_wider(self, position: int | None) -> None:
        """Show twice as much, unless all is shown."""
        if self._axis is not None:
            self.zoom.wider(self._axis, position)

    def position_at(self, share: float) -> int:
        """The position at a share, 0 to 1, of what the strip shows, and never one before it; 0 when there is none."""
        window = self.window
        if window is None or not window.axis.positions:
            return 0
        positions = window.axis.positions
        first = positions[min(window.axis.first_from(window.start), len(positions) - 1)]
        return max(first, window.position_at(share * window.slices))

    def cells_on(self, by: int, here: int) -> int | None:
        """Where the next cell to the left or right in which something happened ends; None beyond all there is."""
        if self.window is None:
            return None
        cell, ends = self.strip.playhead_cell, self.strip.ends
        while 0 <= (cell := cell + by) < len(ends):
            position = self.window.position_at(ends[cell])
            if (position - here) * by > 0:
                return position
        positions = self.window.axis.positions
        place = bisect_right(positions, here) - 1 + by
        return positions[max(0, place)] if place < len(positions) else None

    def _note(self, index: LineageIndex, look: Look) -> tuple[Span, ...]:
        parts: list[Span] = []
        if self.kind != "active":
            parts.append(Span(AXIS_NAMES[self.kind], "muted"))
        if self.zoom.level:
            parts.append(Span(join((literal("×"), count(self.zoom.times))), "accent"))
        if not look.live:
            place = bisect_right(index.positions, look.position)
            parts.append(Span(join((count(100 * place // max(1, len(index.positions))), literal("%"))), "past"))
        if index.faults:
            noun = literal(" failure") if len(index.faults) == 1 else literal(" failures")
            parts.append(Span(join((count(len(index.faults)), noun)), "bad"))
        return tuple(span for part in parts for span in (Span(literal("  ")), part))[1:]
