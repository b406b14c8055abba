"""Reading what the event list shows: only rows on the screen, and half a screen around them, are ever fetched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from core.events import StoredEvent
from tui.event_rows import EventRows, TimeStyle, positions_around
from tui.feed import Feed
from tui.look import Look
from tui.search import Search

ROWS_AT_ONCE = 400

Fetch = Callable[[Sequence[int]], Awaitable[list[StoredEvent]]]
Run = Callable[..., object]


class EventReading:
    """The rows of the event list, and what of them is in memory."""

    def __init__(self, feed: Feed, fetch: Fetch, run: Run, draw: Callable[[], None]) -> None:
        self._feed, self._fetch, self._run, self._draw = feed, fetch, run, draw
        self._loading = False

    def rows(self, look: Look, search: Search | None, style: TimeStyle, playhead: int | None) -> EventRows:
        """The rows, narrowed to what is searched for, as seen from the playhead; None: live."""
        listed = None if search is None else search.listed
        found = None if listed is None else listed.positions
        second = look.clock_us // 1_000_000 if style == "ago" else 0
        return EventRows(
            memory=self._feed.memory, index=self._feed.index, found=found,
            lines=len(self._feed.index.runs if found is None else found), head=self._feed.head, playhead=playhead,
            style=style, second=second, generation=self._feed.memory.generation,
            search=search, hits=0 if search is None else len(search.hits.positions),
        )  # fmt: skip

    def load(self, rows: EventRows, on_screen: range) -> None:
        """Get the events of rows that came onto the screen, and draw them then."""
        missing = self._feed.memory.missing(positions_around(rows, on_screen))
        if missing and not self._loading:
            self._loading = True
            self._run(partial(self._load, missing), group="rows")

    async def _load(self, positions: list[int]) -> None:
        try:
            await self.remember(positions)
        finally:
            self._loading = False
        self._draw()

    async def remember(self, positions: Sequence[int]) -> None:
        """Get the events of these positions that are not in memory."""
        missing = self._feed.memory.missing(positions)[:ROWS_AT_ONCE]
        if missing:
            self._feed.memory.keep(await self._fetch(missing))
