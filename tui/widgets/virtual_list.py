"""A list that draws only what is on the screen, over any number of rows.

Invariant: what a frame costs depends on the lines of the screen, never on the rows; no row is a message, a widget or an
object held here. The cursor stays on its row, by key, whatever happens around it.
Forbidden here: reading rows that are not shown, and markup.

A panel subclasses it with `COLUMNS` and `render_row`, and calls `show` with a value; keys are bound by the app to the
`action_…` methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip

from tui.text import blank, count, join, literal
from tui.theme import glyphs
from tui.theme.ink import palette
from tui.widgets.columns import Column, header
from tui.widgets.rows import Notice, RowT, TableRows
from tui.widgets.scroller import Scroller
from tui.widgets.selecting import highlighted, selected_text
from tui.widgets.spans import Span, fit, segments_of, text_of, width_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rich.style import Style
    from textual.selection import Selection

    from tui.text import Glyphs
    from tui.theme.ink import Ink, Palette
    from tui.widgets.rows import RowSource

STRIPS = 2048  # a few screens of a large terminal in both cursor states
GUTTER = 1  # the cursor's mark: visible without colours
SPACE = Span(literal(" "))
WAIT = Notice("loading", ((Span(literal("loading"), "muted"),),))


class VirtualList(Scroller[RowT]):
    """Rows, a cursor, and for logs following the end."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    """With columns the first line is fixed and shows their titles."""
    EMPTY: ClassVar[Notice] = Notice("empty", ((Span(literal("nothing here yet"), "muted"),),))
    """What a list without rows says; should teach the key that makes the first."""

    DEFAULT_CSS = """
    VirtualList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._view: RowSource[RowT] | Notice = WAIT
        self._strips: LRUCache[tuple[Hashable, int, Ink], Strip] = LRUCache(STRIPS)
        self._looks: tuple[Style, Palette, Glyphs] | None = None
        self._painted: list[tuple[RowT, Ink] | None] = []
        """What the lines below the header say; empty when something else is shown."""

    def render_row(self, row: RowT, width: int) -> Iterable[Span]:
        """One row in about `width` cells; what is longer is cut, what is shorter filled. Depends on nothing else."""
        raise NotImplementedError

    def show(self, view: RowSource[RowT] | Notice) -> None:
        """Draw these rows, or this notice instead; returns at once when it is equal to what is shown."""
        if view == self._view:
            return
        self._view = view
        self._reading.replace(TableRows((), hash) if isinstance(view, Notice) else view)
        self._scroll_there()
        if self.is_attached:
            self._drop_stale_selection()
        self._repaint()

    @property
    def view(self) -> RowSource[RowT] | Notice:
        """What is shown."""
        return self._view

    @property
    def badge(self) -> tuple[Span, ...]:
        """How the end is followed, for the panel's title: `▼ follow`, or `+1,204 new`, or nothing."""
        if self.follow:
            return (Span(join((self.glyphs.down, literal(" follow"))), "live"),)
        return (Span(join((literal("+"), count(self.unseen), literal(" new"))), "unseen"),) if self.unseen else ()

    @property
    def glyphs(self) -> Glyphs:
        """What to draw with on this terminal."""
        return self._look()[2]

    def render_line(self, y: int) -> Strip:
        width, reading = self._width, self._reading
        if reading.last < 0:
            return self._draw_notice(y, width)
        if y < self._header_lines:
            return self._draw(header(self.COLUMNS, width - GUTTER, self.glyphs), width)
        index = reading.top + y - self._header_lines
        if index > reading.last:
            return Strip.blank(width, self._look()[0])
        row, look = self._line(index)
        strip = self._strips.get((row, width, look))
        if strip is None:
            strip = self._draw(self.render_row(row, width - GUTTER), width, look)
            self._strips[row, width, look] = strip
        if (selection := self.text_selection) is not None:
            strip = highlighted(strip, selection.get_span(index), self._look()[1]["selection"])
        return strip.apply_offsets(0, index)

    def _line(self, index: int) -> tuple[RowT, Ink]:
        reading = self._reading
        if index != reading.cursor:
            return reading.rows.row(index), "plain"
        return reading.rows.row(index), "cursor" if self.has_focus else "cursor-blurred"

    def _repaint(self) -> None:
        """Paint the lines that are not what they were: most of a list stays as it is most of the time."""
        reading, before = self._reading, self._painted
        if reading.last < 0 or not self.is_attached:
            self._painted = []
            self.refresh()
            return
        shown = range(reading.top, reading.top + self._lines)
        self._painted = [self._line(index) if index <= reading.last else None for index in shown]
        if len(before) != len(self._painted):
            self.refresh()
            return
        regions: list[Region] = []
        for y, (old, new) in enumerate(zip(before, self._painted, strict=True), self._header_lines):
            if old == new:
                continue
            if regions and regions[-1].bottom == y:
                regions[-1] = regions[-1].grow((0, 0, 1, 0))
            else:
                regions.append(Region(0, y, self.size.width, 1))
        if regions:
            self.refresh(*regions)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        width, rows = self._width - GUTTER, self._reading.rows

        def line(index: int) -> str:
            return " " + text_of(fit(self.render_row(rows.row(index), width), width, self.glyphs))

        return selected_text(selection, len(rows), line), "\n"

    def _draw(self, spans: Iterable[Span], width: int, look: Ink = "plain") -> Strip:
        base, inks, drawn = self._look()
        base += inks[look]
        mark = Segment(" ", base) if look == "plain" else Segment(drawn.cursor, base + inks["key"])
        return Strip([mark, *segments_of(fit(spans, width - GUTTER, drawn), inks, base)], width).simplify()

    def _draw_notice(self, y: int, width: int) -> Strip:
        notice = self._view if isinstance(self._view, Notice) else self.EMPTY
        line = y - (self.size.height - len(notice.lines)) // 2
        if not 0 <= line < len(notice.lines):
            return Strip.blank(width, self._look()[0])
        spans = notice.lines[line]
        if line == 0 and notice.kind != "empty":
            glyph = self.glyphs.failure if notice.kind == "error" else self.glyphs.waiting
            spans = (Span(glyph, "failed" if notice.kind == "error" else "muted"), SPACE, *spans)
        margin = max(0, (width - width_of(spans)) // 2 - GUTTER)
        return self._draw((Span(blank(margin)), *spans), width)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _header_lines(self) -> int:
        return 1 if self.COLUMNS else 0

    def _look(self) -> tuple[Style, Palette, Glyphs]:
        if self._looks is None:
            self._looks = self.rich_style, palette(self), glyphs(self)
        return self._looks

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._looks = None
