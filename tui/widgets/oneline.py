"""A line of the screen: spans from the left, spans from the right, and the left one gives way.

Invariant: the line is exactly as wide as the widget, and an equal value draws nothing.
Forbidden here: knowing what the line says.
"""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tui.text import UNICODE, Glyphs, blank
from tui.theme import glyphs
from tui.theme.ink import palette
from tui.widgets.spans import Span, fit, segments_of, width_of

Spans = tuple[Span, ...]


class OneLine(Widget):
    """A header, a footer, a message or a hint."""

    DEFAULT_CSS = """
    OneLine {
        height: 1;
        width: 1fr;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._left: Spans = ()
        self._right: Spans = ()

    def show(self, left: Spans, right: Spans = ()) -> None:
        """Draw these; returns at once when they are equal to what is shown."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)
        return Strip(segments_of(one_line(self._left, self._right, width, glyphs(self)), palette(self), base), width)


def one_line(left: Spans, right: Spans, width: int, glyphs: Glyphs = UNICODE) -> list[Span]:
    """Both ends in exactly `width` cells; without room for the right one beside anything, the left one alone."""
    room = width - width_of(right) - 1
    if not right or room <= 0:
        return fit(left, width, glyphs)
    return fit((*fit(left, room, glyphs), Span(blank(1)), *right), width, glyphs)
