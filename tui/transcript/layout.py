"""A conversation laid out: every line of it at one width, as rows of a list.

Invariant: an entry is laid out again only when it, the width, its fold or, while it goes on, the second changed; so
what a new event costs is one entry, however long the conversation is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from tui.text import SafeText, literal
from tui.transcript.blocks import NO_LIMIT, Line, broken, plain
from tui.transcript.drawing import apart, draw, foldable, opens, ticks
from tui.transcript.entries import Entry, Message, Thought
from tui.transcript.markdown import markdown
from tui.transcript.scene import Scene
from tui.widgets.spans import Span

EARLIER = (Span(literal("reading what was before this"), "faint"),)
FULL = (Span(literal("what was before this is read from an earlier moment: t goes there"), "faint"),)
_ABOVE = -2
"""The line number of what stands above the first entry: once there is more above, that entry's first line is meant."""


READABLE_CELLS = 110
"""Nobody finds the next line of a longer one."""


class Laid(NamedTuple):
    """An entry as lines, the first `lead` of them empty, to keep it apart."""

    key: str
    lines: tuple[Line, ...]
    lead: int = 0


@dataclass(frozen=True)
class TranscriptRows:
    """The lines as rows; a row's key is its entry and its number in it, from 0 where the entry begins."""

    laid: tuple[Laid, ...]
    above: tuple[Line, ...] = ()
    """What stands above the first entry."""

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def key(self, index: int) -> tuple[str, int]:
        place, line = self._place(index)
        if place < 0:
            return self.laid[0].key, _ABOVE
        laid = self.laid[place]
        return laid.key, line - laid.lead

    def row(self, index: int) -> Line:
        place, line = self._place(index)
        return self.above[line] if place < 0 else self.laid[place].lines[line]

    def find(self, key: object) -> int | None:
        match key:
            case (str() as entry, int() as line) if entry in self._places:
                place = self._places[entry]
                laid = self.laid[place]
                return self._start(place) + max(0, min(line + laid.lead, len(laid.lines) - 1))
            case _:
                return None

    def last_of(self, entry: str) -> int | None:
        """The row of an entry's last line."""
        place = self._places.get(entry)
        return None if place is None else self._ends[place] - 1

    def _place(self, index: int) -> tuple[int, int]:
        if index < len(self.above):
            return -1, index
        place = bisect_right(self._ends, index)
        return place, index - self._start(place)

    def _start(self, place: int) -> int:
        return self._ends[place - 1] if place else len(self.above)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate((len(laid.lines) for laid in self.laid), initial=len(self.above)))[1:]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {laid.key: place for place, laid in enumerate(self.laid)}


class _Stamp(NamedTuple):
    """What a layout was made of. Entries are compared by identity: they may be large."""

    entry: int
    width: int
    is_open: bool
    apart: bool
    live: bool
    second: int


class Typesetter:
    """Lays out a conversation, remembering what it laid out before."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Stamp, Entry, Laid]] = {}
        self.toggled: frozenset[str] = frozenset()
        """Entries that are not as they are at first: folded ones opened, open ones folded."""

    def lay_out(self, entries: tuple[Entry, ...], scene: Scene, width: int, above: Line = ()) -> TranscriptRows:
        """All of it at this width, below a line about what there is no more of."""
        known: dict[str, tuple[_Stamp, Entry, Laid]] = {}
        before: Entry | None = None
        for entry in entries:
            stamp = _Stamp(
                id(entry), width, self.is_open(entry), apart(before, entry), scene.live,
                scene.now_us // 1_000_000 if ticks(entry) else 0,
            )  # fmt: skip
            old = self._known.get(entry.key)
            if old is not None and old[0] == stamp:
                known[entry.key] = old
            else:
                known[entry.key] = stamp, entry, _laid(entry, scene, stamp)
            before = entry
        self._known = known
        return TranscriptRows(tuple(kept[2] for kept in known.values()), (above, ()) if above and entries else ())

    def is_open(self, entry: Entry) -> bool:
        """Whether all of it is shown."""
        return opens(entry) != (entry.key in self.toggled)

    def toggle(self, entry: Entry) -> None:
        """Open it, or fold it."""
        self.toggled ^= {entry.key}

    def set_all(self, entries: Iterable[Entry], *, is_open: bool) -> None:
        """Open or fold everything that can be."""
        self.toggled = frozenset(entry.key for entry in entries if foldable(entry) and opens(entry) != is_open)


def _laid(entry: Entry, scene: Scene, stamp: _Stamp) -> Laid:
    readable = READABLE_CELLS if isinstance(entry, Message | Thought) else NO_LIMIT
    lines = broken(draw(entry, scene, is_open=stamp.is_open), stamp.width, readable=readable)
    return Laid(entry.key, (*([()] if stamp.apart else []), *lines), int(stamp.apart))


def warm(entries: Iterable[Entry], scene: Scene) -> None:
    """Read the Markdown that will be drawn, in whatever thread this runs: it is what takes time."""
    for entry in entries:
        if isinstance(entry, Message) and not entry.by:
            markdown(entry.text, scene.glyphs)


def text_of_all(entries: tuple[Entry, ...], scene: Scene, width: int) -> SafeText:
    """Everything, opened, as plain text."""
    typesetter = Typesetter()
    typesetter.set_all(entries, is_open=True)
    return plain(line for laid in typesetter.lay_out(entries, scene, width).laid for line in laid.lines)
