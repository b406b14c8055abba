"""The event list's rows: over any number of events, only those on the screen are ever read.

An agent's output without a break is one row. In the past a line marks where the present of the screen ends; the rows
below it have not happened yet. Rows whose events are not in memory yet say so until they are.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from core.events import AgentOutput, StoredEvent, UnknownEvent
from core.history.index import FAILURES, LineageIndex
from tui.look import moment
from tui.search import Search
from tui.telling import tell, what, who
from tui.text import SafeText, label, literal
from tui.theme.ink import Ink
from tui.widgets.spans import Span

KEPT = 4_096  # events in memory: several screens around wherever one looks

TimeStyle = Literal["time", "millis", "ago"]


class EventRow(NamedTuple):
    """One line of the list, ready to be drawn."""

    kind: Literal["event", "divider", "loading"]
    position: int
    time: SafeText
    who: SafeText
    type: SafeText
    what: SafeText
    said: SafeText
    ink: Ink
    times: int = 1
    """How many events the line stands for."""
    ahead: bool = False
    """Has not happened yet, as seen from the playhead."""
    hit: tuple[Span, ...] | None = None
    """Instead of what is said: what is around the words that were searched for."""


class EventMemory:
    """Events by position, the ones used last."""

    def __init__(self) -> None:
        self._events: OrderedDict[int, StoredEvent] = OrderedDict()
        self.generation = 0
        """Rises when events were added: rows that were waiting for them can be drawn."""

    def keep(self, events: Iterable[StoredEvent]) -> None:
        """Remember these."""
        for event in events:
            self._events[event.position] = event
        while len(self._events) > KEPT:
            self._events.popitem(last=False)
        self.generation += 1

    def get(self, position: int) -> StoredEvent | None:
        """The event, if it is remembered."""
        event = self._events.get(position)
        if event is not None:
            self._events.move_to_end(position)
        return event

    def missing(self, positions: Iterable[int]) -> list[int]:
        """Those that are not remembered."""
        return [position for position in positions if position not in self._events]


@dataclass(frozen=True)
class EventRows:
    """The rows of one moment: every event of the lineage, or those the search lists."""

    memory: EventMemory = field(compare=False)
    index: LineageIndex = field(compare=False)
    found: array[int] | None = field(compare=False)
    """Positions the search's terms let through; None without any."""
    lines: int
    """How many lines there were, without the divider."""
    head: int
    playhead: int | None
    """In the past: the last position that has happened."""
    style: TimeStyle
    second: int
    """Of the clock, when times are shown as ages; otherwise 0."""
    generation: int
    search: Search | None = field(default=None, compare=False)
    hits: int = 0
    """How many the search has found so far."""

    @property
    def here(self) -> int | None:
        """The number of lines that have happened, when not all have."""
        if self.playhead is None or self.playhead >= self.head:
            return None
        return bisect_right(self._starts, self.playhead)

    @property
    def _starts(self) -> array[int]:
        return self.index.runs if self.found is None else self.found

    def __len__(self) -> int:
        return self.lines + (self.here is not None)

    def key(self, index: int) -> Hashable:
        line = self._line(index)
        return "divider" if line is None else self._starts[line]

    def find(self, key: Hashable) -> int | None:
        if not isinstance(key, int):
            return self.here
        line = bisect_left(self._starts, key)
        if line >= self.lines or self._starts[line] != key:
            return None
        return self._index(line)

    def row_of(self, position: int) -> int:
        """The row that shows the position, or the nearest one before it."""
        return self._index(max(0, bisect_right(self._starts, position) - 1)) if self.lines else 0

    def neighbour(self, position: int, by: int) -> int | None:
        """The last position of the line before or after the one that shows `position`; None beyond the last."""
        line = bisect_right(self._starts, position) - 1
        if by < 0:
            if self.found is None and 0 <= line < self.lines and self._starts[line] < position < self._whole_end(line):
                line += 1  # in the middle of a run: its beginning is the line before
            line = max(0, line - 1)
            return self._whole_end(line) if self.lines else 0
        if 0 <= line < self.lines and position < self._whole_end(line):
            return self._whole_end(line)
        return self._whole_end(line + 1) if line + 1 < self.lines else None

    def span(self, index: int) -> tuple[int, int] | None:
        """First and last position of a row; None for the divider."""
        line = self._line(index)
        return None if line is None else (self._starts[line], self._end(line))

    def wanted(self, first: int, last: int) -> list[int]:
        """The positions whose events are needed to draw these rows."""
        lines = (self._line(index) for index in range(max(0, first), min(last, len(self) - 1) + 1))
        return [self._shown(line) for line in lines if line is not None]

    def row(self, index: int) -> EventRow:
        line = self._line(index)
        if line is None:
            text = literal("shown above: the state at the playhead · below: has not happened yet")
            return EventRow("divider", 0, literal(""), literal(""), literal(""), literal(""), text, "past")
        start, end, shown = self._starts[line], self._end(line), self._shown(line)
        event = self.memory.get(shown)
        ahead = self.playhead is not None and start > self.playhead
        if event is None:
            nothing = literal("")
            return EventRow("loading", shown, nothing, nothing, literal("…"), nothing, nothing, "faint", 1, ahead)
        times = 1 if self.found is not None else self.index.count(start - 1, end)
        return self._event_row(event, times, ahead)

    def _event_row(self, event: StoredEvent, times: int, ahead: bool) -> EventRow:
        ink: Ink = "ahead" if ahead else _ink(event)
        return EventRow(
            kind="event",
            position=event.position,
            time=moment(event.recorded_us, self.style, self.second * 1_000_000),
            who=label(who(event), 24),
            type=label(_type(event), 28),
            what=label(what(event), 24),
            said=label(tell(event, 300), 300),
            ink=ink,
            times=times,
            ahead=ahead,
            hit=None if self.search is None else self.search.snippet(event, ink),
        )

    def _whole_end(self, line: int) -> int:
        if self.found is not None:
            return self.found[line]
        return self.head if line + 1 >= self.lines else self.index.end_of_run(line)

    def _shown(self, line: int) -> int:
        """The position a line tells about: its last hit, or else its end."""
        end = self._end(line)
        hit = None if self.search is None else self.search.last_hit(end)
        if hit is not None and hit >= self._starts[line]:
            return hit
        return end

    def _end(self, line: int) -> int:
        end = self._whole_end(line)
        # A run the playhead stands in is shown as far as it has happened.
        if self.playhead is not None and self._starts[line] <= self.playhead < end:
            return self.index.positions[self.index.place(self.playhead) - 1]
        return end

    def _line(self, index: int) -> int | None:
        here = self.here
        if here is None or index < here:
            return index
        return None if index == here else index - 1

    def _index(self, line: int) -> int:
        here = self.here
        return line if here is None or line < here else line + 1


def positions_around(rows: EventRows, shown: range) -> Sequence[int]:
    """What drawing these rows needs, and half a screen on either side."""
    margin = max(8, len(shown) // 2)
    return rows.wanted(shown.start - margin, shown.stop + margin)


def _type(event: StoredEvent) -> str:
    if isinstance(event.payload, AgentOutput):
        return event.payload.channel
    return event.type


def _ink(event: StoredEvent) -> Ink:
    if isinstance(event.payload, UnknownEvent):
        return "faint"
    if event.type in FAILURES:
        return "failed"
    match event.type:
        case "task:completed" | "execution:completed":
            return "done"
        case "task:blocked" | "task:retry-scheduled" | "agent:restarting" | "permission:requested":
            return "warn"
        case "task:cancelled" | "task:cancel-requested":
            return "cancelled"
        case "agent:output":
            return "muted"
        case _:
            return "plain"
