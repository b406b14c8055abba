"""Spans: safe text with an ink, the one currency between what panels say and what widgets draw.

Invariant: text is `SafeText`, so nothing here can miscount cells or harm the terminal, and is drawn on one line.
Forbidden here: markup of any kind, and text of any other type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content

from tui.text import UNICODE, Glyphs, SafeText, blank, join, one_line, pad, sanitize
from tui.theme.ink import INKS, Ink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

    from tui.theme.ink import Palette


class Span(NamedTuple):
    """A piece of one line, in one ink."""

    text: SafeText
    ink: Ink = "plain"


def width_of(spans: Iterable[Span]) -> int:
    """The cells the spans take side by side."""
    return sum(cell_len(span.text) for span in spans)


def text_of(spans: Iterable[Span]) -> SafeText:
    """What the spans say, without how it looks."""
    return join(span.text for span in spans)


def fit(spans: Iterable[Span], cells: int, glyphs: Glyphs = UNICODE) -> list[Span]:
    """The spans in exactly `cells` cells: filled with spaces, or cut with an ellipsis."""
    fitted: list[Span] = []
    left = cells
    for text, ink in spans:
        line = _drawable(text, glyphs)
        width = cell_len(line)
        if width > left:
            return _cut(fitted, Span(line, ink), left, glyphs)
        if line:
            fitted.append(Span(line, ink))
        left -= width
    if left > 0:
        fitted.append(Span(blank(left)))
    return fitted


def _drawable(text: SafeText, glyphs: Glyphs = UNICODE) -> SafeText:
    """One line, whatever it was: the type is a promise, and this is where a broken one would reach the terminal."""
    return text if text.isprintable() else one_line(sanitize(text), glyphs)


def _cut(fitted: list[Span], span: Span, left: int, glyphs: Glyphs) -> list[Span]:
    if left > 0:
        fitted.append(span._replace(text=pad(span.text, left, glyphs)))
    elif fitted:
        # The row is full to its last cell: its end gives way to the ellipsis, so that a cut is never silent.
        last = fitted[-1]
        if last.text.endswith(glyphs.ellipsis):
            return fitted
        fitted.pop()
        longer = last._replace(text=join((last.text, glyphs.ellipsis)))
        return _cut(fitted, longer, width_of((last,)), glyphs)
    return fitted


def segments_of(spans: Iterable[Span], inks: Palette, base: Style) -> list[Segment]:
    """The spans as Textual's line API draws them, over a base style."""
    return [Segment(_drawable(text), base + inks[ink]) for text, ink in spans]


def content_of(spans: Iterable[Span]) -> Content:
    """The spans for a widget that takes content, such as `Static`."""
    return Content.assemble(*((_drawable(span.text), INKS[span.ink]) for span in spans))
