"""The timeline's strip on the screen: density, marks and the playhead, and a mouse that scrubs.

Invariant: draws what `strip_layout` says, and says where the mouse is in the same terms: buckets.
Forbidden here: moving the playhead. Whoever listens decides what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.theme import glyphs
from tui.theme.ink import palette
from tui.widgets.spans import segments_of
from tui.widgets.strip_layout import StripView, arrange, bucket_at, cell_of, draw

if TYPE_CHECKING:
    from textual import events

    from tui.widgets.strip_layout import Cell


class StripChart(Widget, can_focus=True):
    """Three rows, two, or one, as high as its styles make it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StripChart {
        height: 3;
        width: 1fr;
    }
    """

    @dataclass
    class Scrubbed(Message):
        """The mouse went down on a moment, or was dragged to it.

        Attributes:
            source: The strip.
            bucket: Which bucket, and which fraction of it.
            fraction: The same, of all buckets.
            end: It is the last column: the head, whatever its bucket holds.
            final: The button was released here.
        """

        source: Widget
        bucket: float
        fraction: float
        end: bool
        final: bool

        @property
        def control(self) -> Widget:
            return self.source

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, StripChart.Scrubbed) and not message.final and message.source is self.source

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._view = StripView(())
        self._lines: list[Strip] | None = None
        self._held: int | None = None

    def show(self, view: StripView) -> None:
        """Draw this view; returns at once when it is equal to what is shown."""
        if view != self._view:
            self._view = view
            self._draw_again()

    @property
    def playhead_cell(self) -> int:
        """The column of the playhead; the last one when live."""
        cells = self._cells
        return len(cells) - 1 if self._view.playhead is None else cell_of(cells, self._view.playhead)

    @property
    def ends(self) -> tuple[float, ...]:
        """Where every column ends, as a bucket and a fraction of it."""
        return (*(cell.at for cell in self._cells[1:]), float(len(self._view.buckets)))

    def bucket_at(self, cell: int) -> float:
        """The bucket, and fraction of it, where a column begins; the nearest one for what lies outside."""
        return bucket_at(self._cells, cell)

    def render_line(self, y: int) -> Strip:
        if self._lines is None:
            width, height = self.size
            inks, base = palette(self), self.rich_style
            rows = draw(self._view, width, height, glyphs(self))
            self._lines = [Strip(segments_of(row, inks, base), width) for row in rows]
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def on_resize(self) -> None:
        self._draw_again()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        self._scrub(event, final=False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._held is not None:
            self._scrub(event, final=False)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._held is not None:
            self._scrub(event, final=True)
            self.release_mouse()

    def on_mouse_release(self) -> None:
        self._held = None

    def _scrub(self, event: events.MouseEvent, *, final: bool) -> None:
        event.stop()
        total, cell = len(self._view.buckets), event.get_content_offset_capture(self).x
        if total and (final or cell != self._held):
            bucket = self.bucket_at(cell)
            end = cell >= len(self._cells) - 1
            self.post_message(self.Scrubbed(self, bucket, bucket / total, end, final))
        self._held = cell

    def _draw_again(self) -> None:
        self._lines = None
        self.refresh()

    @property
    def _cells(self) -> tuple[Cell, ...]:
        return arrange(len(self._view.buckets), self._view.gaps, self.size.width, glyphs(self))
