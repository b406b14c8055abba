"""Searching: `type:task agent:shell-* task:T-3 "some words"`.

One rule: terms, which have a colon, choose which events are listed; words are looked for in everything ever recorded,
and one goes from hit to hit. With both, only what is listed is looked at. Terms of one name are alternatives, different
names and all words must hold. `*` stands for anything; a type without a colon means all of that kind. The same search
is asked of the log in SQL and of new events here.
"""

from __future__ import annotations

import re
import shlex
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from core.errors import UsageError
from core.events import StoredEvent
from core.events.said import around, says
from core.history.index import following, preceding
from core.log.filters import Filter
from tui.text import SafeText, count, join, label, literal, part
from tui.theme.ink import Ink
from tui.widgets.spans import Span

_NAMES = ("type", "agent", "task", "stream", "session")
SNIPPETS_KEPT = 1_000
LEAD = 8
"""Characters before a hit: the list is narrow."""


class Query(Struct, frozen=True):
    """What is searched for."""

    text: str
    types: tuple[str, ...]
    streams: tuple[str, ...]
    session: str | None
    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Query:
        """The query somebody typed.

        Raises:
            UsageError: a quote is open, or a name is not known.
        """
        try:
            return cls.of(shlex.split(text), text)
        except ValueError:
            raise UsageError("a quote is not closed") from None

    @classmethod
    def of(cls, tokens: Iterable[str], text: str) -> Query:
        """The query of terms and words that are apart already.

        Raises:
            UsageError: a name is not known.
        """
        types: list[str] = []
        streams: list[str] = []
        words: list[str] = []
        session = None
        for token in tokens:
            name, colon, value = token.partition(":")
            if not colon or not value or " " in name:
                words.append(token)
            elif name == "type":
                types.append(value if ":" in value else f"{value}:*")
            elif name in {"agent", "task"}:
                streams.append(f"{name}/{value}")
            elif name == "stream":
                streams.append(value)
            elif name == "session":
                session = value
            else:
                raise UsageError(f"{name}: is not known here; there are {', '.join(f'{known}:' for known in _NAMES)}")
        return cls(text, tuple(types), tuple(streams), session, tuple(word for word in words if word))

    @property
    def terms(self) -> Query | None:
        """The query without its words; None when it has no terms."""
        return msgspec.structs.replace(self, words=()) if self.types or self.streams or self.session else None

    @property
    def filter(self) -> Filter:
        """The query for the log."""
        return Filter(
            types=self.types or None, stream_globs=self.streams or None, session_id=self.session, words=self.words
        )

    def matches(self, event: StoredEvent) -> bool:
        """The query asked of one event."""
        return (
            (not self.types or any(fnmatchcase(event.type, pattern) for pattern in self.types))
            and (not self.streams or any(fnmatchcase(event.stream, pattern) for pattern in self.streams))
            and (self.session is None or event.session_id == self.session)
            and says(event.payload, self.words)
        )


class Found:
    """A query and the positions it has found so far, in order."""

    def __init__(self, query: Query, head: int) -> None:
        self.query = query
        self.positions = array("q")
        self.read_to = 0
        """Everything up to here was looked at."""
        self.head = head
        """Where the log ended when this began."""

    @property
    def looked_at(self) -> float:
        """The share, 0 to 1, of what there was that was looked at."""
        return min(1.0, self.read_to / self.head) if self.head else 1.0

    def take(self, events: list[StoredEvent]) -> None:
        """Look at new events, once everything before them was looked at."""
        for event in events:
            if event.position > self.read_to >= self.head:
                if self.query.matches(event):
                    self.positions.append(event.position)
                self.read_to = event.position

    def place(self, position: int) -> int | None:
        """Which of those found the position is, from 1 on; None when it is none of them."""
        at = bisect_left(self.positions, position)
        return at + 1 if at < len(self.positions) and self.positions[at] == position else None

    def up_to(self, position: int) -> int:
        """How many of those found lie at the position or before it."""
        return bisect_right(self.positions, position)

    @property
    def under_way(self) -> bool:
        """Whether something is still to be looked at."""
        return self.read_to < self.head

    def nearest(self, position: int, *, backwards: bool) -> int | None:
        """The next one found over the position, or the last one under it."""
        return preceding(self.positions, position) if backwards else following(self.positions, position)


class Search:
    """What is listed, and what is looked for among it."""

    def __init__(self, query: Query, head: int) -> None:
        self.query = query
        terms = query.terms
        self.hits = Found(query, head)
        """What the keys go from one to the next of."""
        self.listed = None if terms is None else Found(terms, head) if query.words else self.hits
        """What the event list shows; None: everything."""
        words = sorted(map(re.escape, query.words), key=len, reverse=True)
        self._word = re.compile("|".join(words), re.ASCII | re.IGNORECASE) if words else None
        self._snippets: dict[int, tuple[Span, ...]] = {}

    @property
    def _both(self) -> list[Found]:
        return [self.hits] if self.listed is None or self.listed is self.hits else [self.listed, self.hits]

    @property
    def under_way(self) -> list[Found]:
        """What is still being looked for, the list first."""
        return [found for found in self._both if found.under_way]

    def reach(self, head: int) -> None:
        """Let everything up to there be looked at."""
        for found in self._both:
            found.head = max(found.head, head)

    def take(self, events: list[StoredEvent]) -> None:
        """Look at new events."""
        for found in self._both:
            found.take(events)

    def last_hit(self, position: int) -> int | None:
        """The last hit of its words up to the position; None when there is none, or no words are searched for."""
        number = self.hits.up_to(position) if self.query.words else 0
        return self.hits.positions[number - 1] if number else None

    def note(self, position: int) -> tuple[Span, ...]:
        """What is searched for, how many there are, and which of them is at the position."""
        total, place, under_way = len(self.hits.positions), self.hits.place(position), self.under_way
        word = literal(" hits") if self.query.words else literal(" found")
        found = join((count(total), word))
        if place is not None:
            found = join((count(place), literal(" of "), found))
        parts = [Span(join((literal("/ "), label(self.query.text, 40))), "match"), Span(literal("  "))]
        parts.append(Span(found, "accent" if total else "muted" if under_way else "warn"))
        if under_way:
            looked_at = min(one.looked_at for one in under_way)
            parts.append(Span(join((literal(" so far, "), count(int(100 * looked_at)), literal("%"))), "muted"))
        return tuple(parts)

    def snippet(self, event: StoredEvent, ink: Ink) -> tuple[Span, ...] | None:
        """What a hit says around the words, on one line, with the words marked; None when it is no hit."""
        if self._word is None or self.hits.place(event.position) is None:
            return None
        known = self._snippets.get(event.position)
        if known is None:
            if len(self._snippets) >= SNIPPETS_KEPT:
                self._snippets.clear()
            text = label(around(event.payload, self.query.words, lead=LEAD), 300)
            known = self._snippets[event.position] = tuple(_marked(text, self._word))
        return tuple(span if span.ink == "match" else Span(span.text, ink) for span in known)


def _marked(text: SafeText, word: re.Pattern[str]) -> Iterable[Span]:
    end = 0
    for match in word.finditer(text):
        if match.start() > end:
            yield Span(part(text, end, match.start()))
        yield Span(part(text, match.start(), match.end()), "match")
        end = match.end()
    if end < len(text):
        yield Span(part(text, end, len(text)))
