"""Selecting text with the mouse in widgets that draw their own lines.

Invariant: what is copied is what was highlighted, without the gutter and without the fill at the end of a line.
Forbidden here: reading more lines than a selection may hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.style import Style
    from textual.selection import Selection

MAX_COPIED_LINES = 10_000  # a selection may cover a million rows; a clipboard should not


def highlighted(strip: Strip, span: tuple[int, int] | None, style: Style) -> Strip:
    """The strip with the characters `span[0]` up to `span[1]`, -1 for the end of the text, in the given style."""
    if span is None:
        return strip
    text = strip.text
    start, end = span[0], len(text.rstrip()) if span[1] == -1 else span[1]
    left, right = cell_len(text[:start]), cell_len(text[:end])
    if left >= right:
        return strip
    middle = [Segment(text, look + style if look else style) for text, look, _ in strip.crop(left, right)]
    return Strip([*strip.crop(0, left), *middle, *strip.crop(right)], strip.cell_length)


def selected_text(selection: Selection, total: int, line: Callable[[int], str]) -> str:
    """What is selected of `total` lines, each given by its index; the first character of a line is the gutter."""
    first = 0 if selection.start is None else selection.start.y
    last = total - 1 if selection.end is None else min(selection.end.y, total - 1)
    copied: list[str] = []
    for index in range(first, min(last + 1, first + MAX_COPIED_LINES)):
        if (span := selection.get_span(index)) is not None:
            start, end = span
            copied.append(line(index)[max(1, start) : None if end == -1 else end].rstrip())
    return "\n".join(copied)
