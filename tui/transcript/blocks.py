"""Blocks: text with ink before it has a width, and how it is broken to one.

A block is a paragraph with what stands before its lines, a table, or a headline with something at its right end.
Forbidden here: what any of it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tui.text import SafeText, blank, join, literal
from tui.widgets.spans import Span, fit, width_of
from tui.widgets.wrapping import wrap

Line = tuple[Span, ...]

NO_LIMIT = 1 << 30
LEAST_TEXT_CELLS = 8
COLUMN_GAP = Span(blank(2))


class Paragraph(NamedTuple):
    """Running text. `first` stands before its first line, `rest` before the others."""

    spans: Line
    first: Line = ()
    rest: Line = ()


class Headline(NamedTuple):
    """One line: what is left gives way to what is right."""

    left: Line
    right: Line = ()


class Grid(NamedTuple):
    """A table; its first row is the header. Too wide for the screen, every row becomes a list of its cells."""

    rows: tuple[tuple[Line, ...], ...]
    before: Line = ()
    numbers: frozenset[int] = frozenset()
    """Columns that stand right."""


Block = Paragraph | Headline | Grid
EMPTY = Paragraph(())


def broken(blocks: Iterable[Block], width: int, *, readable: int = NO_LIMIT) -> Iterator[Line]:
    """The lines of blocks, each at most `width` cells wide, running text at most `readable`."""
    for block in blocks:
        match block:
            case Paragraph():
                yield from _paragraph(block, min(width, readable))
            case Headline():
                yield _headline(block, width)
            case Grid():
                yield from _grid(block, width)


def _paragraph(block: Paragraph, width: int) -> Iterator[Line]:
    room = width - max(width_of(block.first), width_of(block.rest))
    if room < LEAST_TEXT_CELLS:  # deeply nested in a narrow panel: what is said matters more than where it stands
        yield from wrap(block.spans, width)
        return
    for number, part in enumerate(wrap(block.spans, room)):
        yield (*(block.rest if number else block.first), *part)


def _headline(block: Headline, width: int) -> Line:
    room = width - width_of(block.right) - 1
    if not block.right or room < LEAST_TEXT_CELLS:
        return tuple(fit(block.left, width))
    return (*fit(block.left, room), Span(blank(1)), *block.right)


def _grid(block: Grid, width: int) -> Iterator[Line]:
    columns = max((len(row) for row in block.rows), default=0)
    rows = [(*row, *((),) * (columns - len(row))) for row in block.rows]
    widths = [max(width_of(row[index]) for row in rows) for index in range(columns)]
    needed = sum(widths) + 2 * (columns - 1) + width_of(block.before)
    if needed > width:
        yield from _listed(rows, block.before, width)
        return
    for row in rows:
        cells: list[Span] = [*block.before]
        for index, cell in enumerate(row):
            fill = Span(blank(widths[index] - width_of(cell)))
            cells += [*([COLUMN_GAP] if index else []), *((fill, *cell) if index in block.numbers else (*cell, fill))]
        yield tuple(cells)


def _listed(rows: list[tuple[Line, ...]], before: Line, width: int) -> Iterator[Line]:
    titles, *body = rows
    for row in body:
        for title, cell in zip(titles, row, strict=True):
            named = (*title, Span(literal(": "), "muted"), *cell) if title else cell
            yield from _paragraph(Paragraph(named, before, (*before, Span(blank(2)))), width)
        yield ()


def plain(lines: Iterable[Line]) -> SafeText:
    """The lines without ink."""
    return join((join(span.text for span in line) for line in lines), "\n")
