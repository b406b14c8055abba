"""The timeline's strip as arithmetic: which bucket stands in which cell, and what each cell says.

Invariant: cells are in the order of the log; every bucket is in a cell, and is found from it and back; every row is
exactly as wide as asked. Failures are never hidden by another mark.
Forbidden here: Textual, clocks (buckets and labels come ready), and positions (whoever made the buckets knows them).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len

from tui.text import UNICODE, Glyphs, SafeText, apportion, blank, chars, count, join, literal
from tui.widgets.spans import Span, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.theme.ink import Ink

MarkKind = Literal["failure", "bookmark", "fork", "checkpoint", "hit"]
_RANK: dict[MarkKind, int] = {"failure": 0, "bookmark": 1, "fork": 2, "checkpoint": 3, "hit": 4}
_MARK_INKS: dict[MarkKind, Ink] = {
    "failure": "failed", "bookmark": "unseen", "fork": "paused", "checkpoint": "accent", "hit": "warn",
}  # fmt: skip
ANCHOR = literal("A")
COMPARED = literal("B")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth jumping to, in a bucket. `fresh` ones flash: they came while the reader was in the past."""

    bucket: int
    kind: MarkKind
    count: int = 1
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A long time in which nothing happened, before a bucket: folded into `┊3h┊`."""

    bucket: int
    label: SafeText


@dataclass(frozen=True, slots=True)
class Tick:
    """A time to read under a bucket."""

    bucket: int
    label: SafeText


@dataclass(frozen=True, slots=True)
class StripView:
    """What the strip shows.

    Attributes:
        buckets: Events in each, in the order of the log.
        playhead: The moment on the screen, as a bucket and a fraction of it; nothing when live.
        playhead_label: Its time, read under it.
        marks: In any order.
        gaps: In order.
        ticks: In order; those that do not fit are left out.
        anchor: The moment A others are compared with, as a bucket and a fraction of it.
    """

    buckets: tuple[int, ...]
    playhead: float | None = None
    playhead_label: SafeText | None = None
    marks: tuple[Mark, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ticks: tuple[Tick, ...] = ()
    anchor: float | None = None


class Cell(NamedTuple):
    """One column of the strip: the buckets from `first` up to `last`, or one character of a gap before them.

    `at` is the bucket, and fraction of it, where the column begins.
    """

    at: float
    first: int
    last: int
    gap: SafeText | None = None


@lru_cache(maxsize=64)
def arrange(buckets: int, gaps: tuple[Gap, ...], width: int, glyphs: Glyphs = UNICODE) -> tuple[Cell, ...]:
    """Share `width` cells among the buckets; gaps take their text, or a cell each, or none when they are too many."""
    gaps = tuple(gap for gap in gaps if 0 < gap.bucket < buckets)
    if len(gaps) > width // 3:
        gaps = ()
    texts = [chars(join((glyphs.gap, gap.label, glyphs.gap))) for gap in gaps]
    if sum(map(len, texts)) > width // 2 or any(cell_len(char) != 1 for text in texts for char in text):
        texts = [(glyphs.gap,)] * len(gaps)
    edges = [0, *(gap.bucket for gap in gaps), buckets]
    shares = apportion([end - start for start, end in pairwise(edges)], width - sum(map(len, texts)))
    cells = _run(0, edges[1], shares[0])
    for text, (start, end), share in zip(texts, pairwise(edges[1:]), shares[1:], strict=True):
        cells += [Cell(start, start, start, char) for char in text]
        cells += _run(start, end, share)
    return tuple(cells)


def _run(start: int, end: int, share: int) -> list[Cell]:
    """Spread buckets over `share` cells: several in a cell, or one over several cells."""
    many, cells = end - start, list[Cell]()
    for cell in range(share):
        # Rounded up: a bucket counts in the cell where it begins.
        last = start - (-(cell + 1) * many // share)
        first = min(start - (-cell * many // share), last - 1)
        cells.append(Cell(round(start + cell * many / share, 9), first, last))
    return cells


def cell_of(cells: Sequence[Cell], at: float) -> int:
    """The cell that holds this bucket or fraction of it; the nearest one for what lies outside."""
    return max(0, bisect_right(cells, at, key=lambda cell: cell.at) - 1)


def bucket_at(cells: Sequence[Cell], cell: int) -> float:
    """The bucket, and fraction of it, where this cell begins; the nearest one for what lies outside."""
    return cells[max(0, min(cell, len(cells) - 1))].at if cells else 0.0


def draw(view: StripView, width: int, rows: int, glyphs: Glyphs = UNICODE) -> list[list[Span]]:
    """The strip in one row (marks over density), two (density, marks) or three (and times)."""
    cells = arrange(len(view.buckets), view.gaps, width, glyphs)
    if not cells:
        return [[Span(blank(width))] for _ in range(rows)]
    head = None if view.playhead is None else cell_of(cells, view.playhead)
    density, marks = _density(view, cells, head, glyphs), _marks(view, cells, head, glyphs)
    if rows == 1:
        return [_merged(_over(under, over) for under, over in zip(density, marks, strict=True))]
    ground = _ground(view, cells, head, glyphs)
    lines = [density, [over or under for under, over in zip(ground, marks, strict=True)]]
    if rows > 2:
        lines.append(_times(view, cells, head))
    return [_merged(line) for line in lines[:rows]]


def _density(view: StripView, cells: Sequence[Cell], head: int | None, glyphs: Glyphs) -> list[Span]:
    counts = [sum(view.buckets[cell.first : cell.last]) for cell in cells]
    peak, levels = math.log1p(max(counts)), chars(glyphs.levels)
    line: list[Span] = []
    for index, (cell, events) in enumerate(zip(cells, counts, strict=True)):
        # Rounded up: one event is seen beside a million.
        height = math.ceil(math.log1p(events) / peak * (len(levels) - 1)) if peak else 0
        ink: Ink = "density" if head is None or index <= head else "density-ahead"
        line.append(Span(cell.gap, "faint") if cell.gap else Span(levels[height], ink))
    if head is not None:
        line[head] = line[head]._replace(ink="playhead")
    if view.anchor is not None:
        if head is not None:
            line[head] = Span(COMPARED, "playhead")
        line[cell_of(cells, view.anchor)] = Span(ANCHOR, "anchor")
    return line


def _over(density: Span, mark: Span | None) -> Span:
    """What a cell says when it has one row: a mark hides how much happened, but not which moment is A or B."""
    if mark is None:
        return density
    if density.text == ANCHOR:
        return Span(mark.text, "anchor")
    return density if density.text == COMPARED else mark


def _marks(view: StripView, cells: Sequence[Cell], head: int | None, glyphs: Glyphs) -> list[Span | None]:
    line: list[Span | None] = [None] * len(cells)
    failures: dict[int, int] = {}
    for mark in sorted(view.marks, key=lambda mark: (_RANK[mark.kind], not mark.fresh), reverse=True):
        cell = cell_of(cells, mark.bucket)
        line[cell] = Span(_glyph(mark.kind, glyphs), "flash" if mark.fresh else _MARK_INKS[mark.kind])
        if mark.kind == "failure":
            failures[cell] = failures.get(cell, 0) + mark.count
    if head is not None:
        under = line[head]
        line[head] = Span(under.text if under else glyphs.playhead, "playhead")
    elif line[-1] is None:
        line[-1] = Span(glyphs.busy, "live")
    for cell, total in failures.items():
        _write_count(line, cells, cell + 1, total)
    return line


def _write_count(line: list[Span | None], cells: Sequence[Cell], start: int, total: int) -> None:
    """How many, beside the mark, where nothing else is."""
    digits = chars(count(total, compact=True)) if total > 1 else ()
    places = range(start, start + len(digits))
    if places.stop <= len(line) and all(line[place] is None and not cells[place].gap for place in places):
        for place, digit in zip(places, digits, strict=True):
            line[place] = Span(digit, "bad")


def _glyph(kind: MarkKind, glyphs: Glyphs) -> SafeText:
    match kind:
        case "failure":
            return glyphs.failure
        case "bookmark":
            return glyphs.bookmark
        case "fork":
            return glyphs.fork
        case "checkpoint":
            return glyphs.checkpoint
        case "hit":
            return glyphs.hit


def _ground(view: StripView, cells: Sequence[Cell], head: int | None, glyphs: Glyphs) -> list[Span]:
    line: list[Span] = []
    ticks = {cell_of(cells, tick.bucket) for tick in view.ticks}
    for index, cell in enumerate(cells):
        ahead = head is not None and index > head
        rule = glyphs.tick if index in ticks else glyphs.rule_ahead if ahead else glyphs.rule
        line.append(Span(cell.gap or rule, "faint"))
    line[0], line[-1] = Span(glyphs.start, "faint"), Span(glyphs.end, "faint")
    return line


def _times(view: StripView, cells: Sequence[Cell], head: int | None) -> list[Span]:
    line: list[Span | None] = [None] * len(cells)
    if head is not None and view.playhead_label:
        _write_time(line, head - len(view.playhead_label) // 2, view.playhead_label, "past")
    # The ends first: they say how long all of it took.
    for tick in (*view.ticks[:1], *view.ticks[-1:], *view.ticks[1:-1]):
        _write_time(line, cell_of(cells, tick.bucket), tick.label, "muted")
    return [char or Span(blank(1)) for char in line]


def _write_time(line: list[Span | None], start: int, label: SafeText, ink: Ink) -> None:
    start = max(0, min(start, len(line) - len(label)))
    stop = start + len(label)
    if cell_len(label) == len(label) <= len(line) and not any(line[max(0, start - 1) : stop + 1]):
        line[start:stop] = [Span(char, ink) for char in chars(label)]


def _merged(line: Iterable[Span]) -> list[Span]:
    """Neighbours of one ink in one span: a terminal is told each colour once."""
    runs = [list(run) for _, run in groupby(line, key=attrgetter("ink"))]
    return [Span(text_of(run), run[0].ink) for run in runs]
