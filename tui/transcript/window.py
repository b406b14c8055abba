"""The window on the log a conversation is read through: its newest events up to a position, and more when asked.

Invariant: what is held is bounded, by number and by size; moving on reads only what is new; and the window shows any
moment that it covers. Forbidden here: what the events mean.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from core.events import StoredEvent, UnknownEvent
from core.events.registry import MAX_PAYLOAD_BYTES
from core.queries import Queries

PAGE_EVENTS = 200
EARLIER_EVENTS = 600
NEAR_POSITIONS = 5_000
AHEAD_EVENTS = 1_000
"""When more than this is new, reading backwards from there is less work."""
KEPT_EVENTS = 4_000
KEPT_BYTES = 16 * 1024 * 1024
STREAMS_AT_ONCE = 50


class Window:
    """Events of a growing list of streams, each of which begins after the one before it has ended; oldest first."""

    def __init__(self, queries: Queries, always: Sequence[str] = ()) -> None:
        """`always` are read together with whichever streams are."""
        self._queries = queries
        self._always = list(always)
        self._streams: list[str] = []
        self._oldest = 0
        """Streams before this one were not looked at."""
        self._begins = 0
        """All of the streams is held that lies after this position …"""
        self._reaches = -1
        """… and not after this one."""
        self._sizes: list[int] = []
        self.events: list[StoredEvent] = []
        self.generation = 0
        """Rises when something else than new events at the end changed."""

    @property
    def more(self) -> bool:
        """Whether there may be earlier events."""
        return self._begins > 0

    @property
    def full(self) -> bool:
        """Whether no more can be held."""
        return len(self.events) >= KEPT_EVENTS or sum(self._sizes) >= KEPT_BYTES

    async def reach(self, streams: Sequence[str], position: int) -> None:
        """Hold what happened up to `position`; `streams` are those that had begun by then."""
        known = set(self._streams)
        self._streams += [stream for stream in streams if stream not in known]
        if position < self._begins or self._reaches < 0:
            await self._start(position)
        elif position > self._reaches:
            await self._go_on(position)

    async def earlier(self) -> None:
        """Hold one page more, while there is room."""
        if not self.more or self.full:
            return
        page = await self._read_back(self._begins, EARLIER_EVENTS)
        self.events = [*page, *self.events]
        self._sizes = [*map(_size, page), *self._sizes]
        self._begin_before(page, EARLIER_EVENTS)
        self.generation += 1

    def up_to(self, position: int) -> list[StoredEvent]:
        """What is held of what had happened by then."""
        return self.events[: bisect_right(self.events, position, key=lambda event: event.position)]

    async def _start(self, position: int) -> None:
        self._oldest = max(0, len(self._streams) - STREAMS_AT_ONCE)
        page = await self._read_back(position, PAGE_EVENTS)
        self.events, self._sizes = page, list(map(_size, page))
        self._reaches = position
        self._begin_before(page, PAGE_EVENTS)
        self.generation += 1

    async def _go_on(self, position: int) -> None:
        page = await self._read(self._streams[-STREAMS_AT_ONCE:], self._reaches, position, limit=AHEAD_EVENTS)
        if len(page) == AHEAD_EVENTS:
            await self._start(position)
            return
        self.events += page
        self._sizes += map(_size, page)
        self._reaches = position
        if len(self.events) > KEPT_EVENTS or sum(self._sizes) > KEPT_BYTES:
            self._forget()

    def _forget(self) -> None:
        """Let the oldest go, a quarter more than must be: what is made of the rest is made anew each time."""
        number, size = len(self.events), sum(self._sizes)
        gone = 0
        while (number - gone > KEPT_EVENTS * 3 // 4 or size > KEPT_BYTES * 3 // 4) and gone < number - 1:
            size -= self._sizes[gone]
            gone += 1
        self._begins = self.events[gone - 1].position
        del self.events[:gone], self._sizes[:gone]
        self.generation += 1

    @property
    def _group(self) -> list[str]:
        """The streams that are read backwards at the moment."""
        return self._streams[self._oldest : self._oldest + STREAMS_AT_ONCE]

    def _begin_before(self, page: list[StoredEvent], asked: int) -> None:
        if len(page) == asked:
            self._begins = page[0].position - 1
        elif self._oldest:
            self._begins = page[0].position - 1 if page else self._begins
            self._oldest = max(0, self._oldest - STREAMS_AT_ONCE)
        else:
            self._begins = 0

    async def _read_back(self, up_to: int, limit: int) -> list[StoredEvent]:
        """A page that ends at a position: mostly it lies near it, and there it is found at once."""
        near = max(0, up_to - NEAR_POSITIONS)
        page = await self._read(self._group, near, up_to, limit=limit, backwards=True)
        if near and len(page) < limit:
            page = [*await self._read(self._group, 0, near, limit=limit - len(page), backwards=True), *page]
        return page

    async def _read(
        self, streams: list[str], after: int, up_to: int, *, limit: int, backwards: bool = False
    ) -> list[StoredEvent]:
        names = [*streams, *self._always]
        return await self._queries.streams(names, after=after, up_to=up_to, limit=limit, backwards=backwards)


def _size(event: StoredEvent) -> int:
    payload = event.payload
    try:
        return len(payload.raw if isinstance(payload, UnknownEvent) else msgspec.json.encode(payload))
    except RecursionError:  # it was read with more room on the stack
        return MAX_PAYLOAD_BYTES
