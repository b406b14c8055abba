"""Breaking a line of spans where it does not fit: between words where there are any, and never inside a character.

Invariant: every line fits, and all that is lost are the spaces at the breaks.
Forbidden here: what the lines mean.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tui.text import SafeText, blank, fitting, part
from tui.widgets.spans import Span, text_of, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator


HANGING = 3  # cells


@lru_cache(maxsize=4096)
def wrap(line: tuple[Span, ...], width: int) -> tuple[tuple[Span, ...], ...]:
    """The line in as many lines of at most `width` cells as it needs, at least one."""
    if width <= 0 or width_of(line) <= width:
        return (line,)
    return tuple(tuple(_between(line, start, end)) for start, end in _breaks(text_of(line), width))


@lru_cache(maxsize=4096)
def wrap_hanging(line: tuple[Span, ...], width: int) -> tuple[tuple[Span, ...], ...]:
    """The same; lines after the first are indented a little more than it is, where there is room for that."""
    text = text_of(line)
    indent = len(text) - len(text.lstrip(" ")) + HANGING
    if width_of(line) <= width or indent > width // 2:
        return wrap(line, width)
    _, end = next(iter(_breaks(text, width)))
    start = end + len(text[end:]) - len(text[end:].lstrip(" "))
    rest = wrap(tuple(_between(line, start, len(text))), width - indent) if start < len(text) else ()
    return tuple(_between(line, 0, end)), *((Span(blank(indent)), *part) for part in rest)


def _breaks(text: SafeText, width: int) -> Iterator[tuple[int, int]]:
    start, total = 0, len(text)
    while start < total:
        end = start + fitting(part(text, start, total), width)
        if end < total and text[end] != " ":
            words = text[start : text.rfind(" ", start, end) + 1].rstrip()
            # Indentation alone is no place to break, and a word as long as the line has none.
            end = start + len(words) if words else end
        yield start, end
        # A wide character in a single cell cannot be shown at all.
        start = max(end, start + 1)
        while start < total and text[start] == " ":
            start += 1


def _between(line: tuple[Span, ...], start: int, end: int) -> Iterator[Span]:
    """The spans, cut to the characters from `start` up to `end` of the whole line."""
    begin = 0
    for text, ink in line:
        piece = part(text, max(0, start - begin), max(0, end - begin))
        if piece:
            yield Span(piece, ink)
        begin += len(text)
