"""Travelling in time: where the playhead goes, and getting what the screen then shows.

Seeking is a loop that always heads for the newest wish: keys that come faster than states can be folded are skipped
over, none is queued, and something is painted on the way. Viewing never executes anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from core.clock import Clock
from core.history.index import LineageIndex, following, preceding
from core.projections import State
from core.queries import Queries
from tui.playhead import Playhead

FRAME_S = 0.05  # playing draws at most twenty frames a second
LONGEST_WAIT_S = 2.0  # of screen time between two events, however long nothing happened

Show = Callable[[State, int], Awaitable[None]]
"""Draw the state of a past position, once the events around it are in memory."""
Say = Callable[[str], None]


class Travel:
    """Moves the playhead."""

    def __init__(
        self, playhead: Playhead, index: LineageIndex, queries: Queries, clock: Clock, show: Show, say: Say,
        go_live: Callable[[], None],
    ) -> None:  # fmt: skip
        self.playhead, self._index, self._queries, self._clock = playhead, index, queries, clock
        self._show, self._say, self._go_live = show, say, go_live
        self._seeking = False
        self._film = 0
        """Which playing is the current one: an older one that was paused ends when it wakes."""

    @property
    def position(self) -> int:
        """Where the screen is; the head when live."""
        return self._index.head if self.playhead.position is None else self.playhead.position

    # -- seeking ----------------------------------------------------------------------------------------------

    async def seek(self) -> None:
        """Show what the playhead wishes for; returns when it does, or when another call is already at it."""
        if self._seeking:
            return
        self._seeking = True
        try:
            shown = None
            while (wish := self.playhead.position) is not None and wish != shown:
                await self._show(await self._queries.state_at(wish), wish)
                shown = wish
                if self.playhead.position == wish:
                    await self._queries.look_around(wish)
        finally:
            self._seeking = False

    async def jump(self, position: int) -> None:
        """Go somewhere else; the way back is kept."""
        self.playhead.playing = False
        self.playhead.jump_to(max(0, min(position, self._index.head)))
        await self.seek()

    async def step(self, position: int | None) -> None:
        """Go to a neighbour; live when there is none ahead."""
        self.playhead.playing = False
        if position is None or position >= self._index.head:
            self.live()
            return
        self.playhead.step_to(position)
        await self.seek()

    def live(self) -> None:
        """Back to now."""
        self.playhead.go_live()
        self._go_live()

    async def enter(self) -> None:
        """Into the past: where the screen was last, or here."""
        last = self.playhead.last
        position = self._index.head if last is None else min(last, self._index.head)
        self.playhead.step_to(position)
        await self.seek()

    async def freeze(self) -> None:
        """Stop the screen at the head; the run goes on."""
        self.playhead.jump_to(self._index.head)
        await self.seek()

    async def return_to(self, *, redo: bool) -> None:
        """Undo or redo the last jump."""
        self.playhead.playing = False
        if not (self.playhead.jump_again() if redo else self.playhead.jump_back()):
            self._say("there is no jump to redo" if redo else "there is no jump to undo")
        elif self.playhead.live:
            self._go_live()
        else:
            await self.seek()

    # -- neighbours -------------------------------------------------------------------------------------------

    async def event(self, direction: int) -> None:
        """Exactly one event on."""
        if direction > 0:
            await self.step(following(self._index.positions, self.position))
        else:
            await self.step(preceding(self._index.positions, self.position) or 0)

    async def along(self, positions: Sequence[int], direction: int, missing: str) -> None:
        """To the next of the sorted positions; what is `missing` is said when there is none."""
        found = following(positions, self.position) if direction > 0 else preceding(positions, self.position)
        if found is None:
            self._say(f"no {missing} {'after' if direction > 0 else 'before'} this")
        else:
            await self.jump(found)

    async def find(self, kind: str, direction: int, missing: str) -> None:
        """To the next place where something of the kind happened: see `Timeline.find`."""
        towards = "next" if direction > 0 else "previous"
        found = await self._queries.find(kind, after=self.position, direction=towards)
        await self.along([] if found is None else [found], direction, missing)

    async def boundary(self, direction: int) -> None:
        """To where a task started or ended."""
        await self.along(self._index.boundaries, direction, "task started or ended")

    async def failure(self, direction: int) -> None:
        """To the next failure; past the last one it begins again at the other end."""
        faults = self._index.faults
        if not faults:
            self._say("nothing has failed")
            return
        found = following(faults, self.position) if direction > 0 else preceding(faults, self.position)
        if found is None:
            found = faults[0] if direction > 0 else faults[-1]
            self._say("no failure after this one: back at the first" if direction > 0 else "back at the last failure")
        await self.jump(found)

    # -- playing ----------------------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play on from here until paused or until now; event time ÷ speed, long waits cut short."""
        self.playhead.playing = True
        self._film += 1
        film, moment_us, waited = self._film, self._time_at(self.position), 0.0
        before = self._clock.monotonic()
        while self.playhead.playing and self._film == film and (here := self.playhead.position) is not None:
            await self._clock.sleep(FRAME_S)
            now = self._clock.monotonic()
            moment_us += int((now - before) * self.playhead.speed * 1e6)
            waited, before = waited + now - before, now
            upcoming = following(self._index.positions, here)
            if upcoming is None:
                self.live()
                return
            if waited >= LONGEST_WAIT_S:
                moment_us = max(moment_us, self._time_at(upcoming))
            if moment_us >= self._time_at(upcoming) and self.playhead.playing and self.playhead.position == here:
                waited = 0.0
                self.playhead.step_to(self._index.at_time(moment_us))
                await self.seek()

    def _time_at(self, position: int) -> int:
        times = self._index.times_us
        return self._index.time_at(position) or (times[0] if times else 0)
