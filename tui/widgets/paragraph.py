"""Lines of spans, broken where they do not fit, in a widget as high as they then need.

Forbidden here: knowing what the lines say.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui.theme import glyphs
from tui.theme.ink import palette
from tui.widgets.spans import Span, fit, segments_of
from tui.widgets.wrapping import wrap

Lines = tuple[tuple[Span, ...], ...]


class Paragraph(Widget):
    """Some lines."""

    DEFAULT_CSS = "Paragraph { height: auto; }"

    def __init__(self, lines: Lines = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines = lines

    def show(self, lines: Lines) -> None:
        """Draw these lines; returns at once when they are what is shown."""
        if lines != self._lines:
            before = self._height(self.size.width)
            self._lines = lines
            self.refresh(layout=self._height(self.size.width) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  Textual's signature
        return self._height(width)

    def _height(self, width: int) -> int:
        return sum(len(wrap(line, width)) for line in self._lines)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = [part for line in self._lines for part in wrap(line, width)]
        spans: Iterable[Span] = lines[y] if y < len(lines) else ()
        return Strip(segments_of(fit(spans, width, glyphs(self)), palette(self), self.rich_style), width)
