"""Searching on the dashboard: going from hit to hit, over everything ever recorded.

The nearest hit is asked for first and the screen goes there; how many there are is counted behind it, from the first
event on, and goes on with what happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.search import Found, Query, Search
from tui.text import count

if TYPE_CHECKING:
    from core.history.timeline import Direction
    from tui.screens.dashboard import DashboardScreen

EVENTS_AT_ONCE = 20_000
"""Looked at between two looks at whether somebody still wants to know."""
SLOW_EVENTS = 50_000
"""So many that no index covers are worth a word."""


class Searching:
    """The search of the dashboard it belongs to."""

    def __init__(self, screen: DashboardScreen) -> None:
        self._screen = screen

    async def begin(self, text: str) -> str | None:
        """Search for what was typed; with words the screen goes to the nearest hit.

        Raises:
            UsageError: the text means nothing.
        """
        screen = self._screen
        search = screen.search = Search(Query.parse(text), screen.feed.head)
        screen.focus_panel("events")
        if search.query.words:
            screen.say(await self._pace())
            await self._nearest(search)
        elif screen.look.live:
            screen.events.list.set_follow(True)
        await self.go_on()
        if screen.search is search and not search.hits.positions:
            return "nothing found; esc ends the search"
        return None

    async def resume(self, text: str) -> None:
        """Search as when the dashboard was closed; the screen stays where it is.

        Raises:
            UsageError: the text means nothing.
        """
        self._screen.search = Search(Query.parse(text), self._screen.feed.head)
        await self.go_on()

    async def hit(self, by: int) -> str | None:
        """To the next hit after the playhead, or the one before it; why not, if there is none."""
        screen, search = self._screen, self._screen.search
        if search is None:
            return "nothing is searched for"
        if await self._go(search, "next" if by > 0 else "previous"):
            return None
        if not screen.playhead.live or by < 0:
            return "no more hits after this one; N goes back" if by > 0 else "no more hits before this one; n goes on"
        return "no hit after now; N goes back"

    async def go_on(self) -> None:
        """Look at what was not looked at yet, up to now."""
        screen, search = self._screen, self._screen.search
        if search is None:
            return
        search.reach(screen.feed.head)
        for found in search.under_way:
            while found.read_to < found.head and screen.search is search:
                await self._look_on(found)
        screen.paint()

    async def _look_on(self, found: Found) -> None:
        screen, start = self._screen, found.read_to
        end = min(found.head, start + EVENTS_AT_ONCE)
        pages = screen.engine.timeline.matches(
            found.query.filter, after=start, up_to=end, branch=screen.engine.journal.branch
        )
        positions = [position async for page in pages for position in page]
        if found.read_to == start:  # nobody else looked at it meanwhile
            found.positions.extend(positions)
            found.read_to = end
            found.head = max(found.head, screen.feed.head)

    async def _nearest(self, search: Search) -> None:
        """To the next hit, or where there is none to the last one up to here, if there is any."""
        if self._screen.playhead.live or not await self._go(search, "next"):
            await self._go(search, "previous", up_to_here=True)

    async def _go(self, search: Search, direction: Direction, *, up_to_here: bool = False) -> bool:
        screen = self._screen
        here = screen.travel.position
        if direction == "previous" and (up_to_here or screen.playhead.live):
            here += 1  # live, what happened last has happened
        position = await self._beside(search, here, direction)
        if position is None or screen.search is not search:
            return False
        await screen.travel.jump(position)
        return True

    async def _beside(self, search: Search, here: int, direction: Direction) -> int | None:
        """The nearest hit: of those that were counted once all are, until then the log is asked."""
        if not search.hits.under_way:
            return search.hits.nearest(here, backwards=direction == "previous")
        return await self._screen.engine.timeline.nearest(
            search.query.filter, after=here, direction=direction, branch=self._screen.engine.journal.branch
        )

    async def _pace(self) -> str:
        """A word about a search that will take a while; nothing when it will not."""
        head = self._screen.feed.head
        indexed = await self._screen.engine.timeline.searchable()
        if head - indexed < SLOW_EVENTS:
            return ""
        return f"texts of {count(indexed)} of {count(head)} events are indexed so far: the others are looked through"
