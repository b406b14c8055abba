"""Columns of a table: fixed places, so that ages, sums and names never jump.

Invariant: what a column shows depends on the row and the table's width alone, never on other rows.
Forbidden here: measuring rows; a million of them must cost nothing.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from tui.text import UNICODE, Glyphs, SafeText, apportion, blank
from tui.widgets.spans import Span, fit, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = Span(blank(1))

Cell = Span | tuple[Span, ...]
"""What stands in one column of one row."""


@dataclass(frozen=True, slots=True)
class Column:
    """A place in every row.

    Attributes:
        title: Shown in the header.
        width: Cells; the least of a growing column.
        grow: Its share of the cells nobody needs.
        align: Numbers stand right.
        from_width: Left out when the table is narrower than this.
    """

    title: SafeText
    width: int
    _: KW_ONLY
    grow: int = 0
    align: Literal["left", "right"] = "left"
    from_width: int = 0


@lru_cache(maxsize=256)
def arrange(columns: tuple[Column, ...], width: int) -> tuple[tuple[int, int], ...]:
    """The shown columns, as pairs of index and cells, for a table of `width` cells with one cell between columns.

    Where even the least widths do not fit, columns go from the right; the first is never left out.
    """
    shown = [index for index, column in enumerate(columns) if width >= column.from_width]
    while (spare := width - sum(columns[index].width + 1 for index in shown) + 1) < 0 and len(shown) > 1:
        shown.pop()
    growth = apportion([columns[index].grow for index in shown], max(0, spare))
    return tuple((index, columns[index].width + more) for index, more in zip(shown, growth, strict=True))


def lay_out(columns: tuple[Column, ...], cells: Sequence[Cell], width: int, glyphs: Glyphs = UNICODE) -> list[Span]:
    """One row: a cell for every column, those of left-out columns included."""
    spans: list[Span] = []
    for index, room in arrange(columns, width):
        if spans:
            spans.append(GAP)
        spans += _place(columns[index], cells[index], room, glyphs)
    return spans


def header(columns: tuple[Column, ...], width: int, glyphs: Glyphs = UNICODE) -> list[Span]:
    """The row of titles."""
    return lay_out(columns, [Span(column.title, "muted") for column in columns], width, glyphs)


def _place(column: Column, cell: Cell, room: int, glyphs: Glyphs) -> list[Span]:
    spans = (cell,) if isinstance(cell, Span) else cell
    if column.align == "right" and (free := room - width_of(spans)) > 0:
        return [Span(blank(free)), *spans]
    return fit(spans, room, glyphs)
