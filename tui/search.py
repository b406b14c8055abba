"""Searching the events: `type:task agent:shell-* task:T-3 "some words"`.

Kinds of one name are alternatives, different names and words must all hold. `*` stands for anything; a type without a
colon means all of that kind. The same search is asked of the log in SQL and of new events here.
"""

from __future__ import annotations

import shlex
from array import array
from fnmatch import fnmatchcase

from msgspec import Struct

from core.errors import UsageError
from core.events import StoredEvent
from core.events.said import says
from core.log.filters import Filter

_NAMES = ("type", "agent", "task", "stream", "session")


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
            tokens = shlex.split(text)
        except ValueError:
            raise UsageError("a quote is not closed") from None
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
        return cls(text, tuple(types), tuple(streams), session, tuple(words))

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


class Search:
    """A query and the positions it has found so far, in order."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.found = array("q")
        self.read_to = 0
        """Everything up to here was looked at."""

    def take(self, events: list[StoredEvent]) -> None:
        """Look at new events, once everything before them was looked at."""
        for event in events:
            if event.position > self.read_to:
                if self.query.matches(event):
                    self.found.append(event.position)
                self.read_to = event.position
