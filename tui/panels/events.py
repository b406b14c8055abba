"""The events: everything that happens, as it happens, over any number of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult

from tui.event_rows import EventRow, EventRows
from tui.look import Look
from tui.search import Search
from tui.text import blank, count, join, label, literal, repeat
from tui.theme.ink import Ink
from tui.widgets.columns import Column, lay_out
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice
from tui.widgets.spans import Span
from tui.widgets.virtual_list import VirtualList

TITLE = literal("Events")


class EventList(VirtualList[EventRow]):
    """One line for each event, or run of output."""

    FOLLOWS: ClassVar[bool] = True
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal("TIME"), 12),
        Column(literal("WHO"), 11),
        Column(literal("WHAT"), 22, from_width=64),
        Column(literal("ON"), 7, from_width=50),
        Column(literal(""), 10, grow=1),
    )
    EMPTY: ClassVar[Notice] = Notice("empty", ((Span(literal("Nothing has happened yet"), "muted"),),))

    def render_row(self, row: EventRow, width: int) -> Iterable[Span]:
        """One event, or the line between what has happened and what has not."""
        if row.kind == "divider":
            return self._divider(row, width)
        said = row.hit or (Span(row.said, row.ink),)
        if row.times > 1:
            said = (Span(join((literal("×"), count(row.times), literal(" "))), "accent"), *said)
        quiet: Ink = "ahead" if row.ahead else "muted"
        cells = (
            Span(row.time, "ahead" if row.ahead else "faint"),
            Span(row.who, quiet),
            Span(row.type, row.ink),
            Span(row.what, "ahead" if row.ahead else "accent"),
            said,
        )
        return lay_out(self.COLUMNS, cells, width, self.glyphs)

    def _divider(self, row: EventRow, width: int) -> Iterable[Span]:
        text = label(row.said, max(0, width - 6))
        rule = self.glyphs.rule_ahead
        left = repeat(rule, 3)
        right = repeat(rule, max(0, width - len(text) - 5))
        return [Span(left, "past"), Span(blank(1)), Span(text, "past"), Span(blank(1)), Span(right, "past")]


class EventsPanel(Panel):
    """Panel 3."""

    def __init__(self) -> None:
        super().__init__(frame=Frame(TITLE, 3), id="events")
        self.list = EventList()

    def compose(self) -> ComposeResult:
        yield self.list

    def show(self, rows: EventRows | Notice, look: Look, search: Search | None) -> None:
        """Draw these rows."""
        self.list.show(rows)
        self.draw_frame(look, search)

    def draw_frame(self, look: Look, search: Search | None) -> None:
        """Say what is searched for, how many there are, and whether the end is followed."""
        note: list[Span] = [] if search is None else list(search.note(look.position))
        if look.live:
            note += [*([Span(literal("  "))] if note else ()), Span(count(look.head), "strong"), Span(literal(" "))]
            note += self.list.badge
        elif search is None:
            note.append(Span(join((count(look.position), literal(" / "), count(look.head))), "past"))
        self.show_frame(Frame(TITLE, 3, tuple(note), look.past))
