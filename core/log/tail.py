"""The newest events in memory, and the wake-up of those who wait for more.

A wake-up is only a hint; the position is the truth. Whoever is woken reads from its own position, so it misses
nothing and repeats nothing, however slow it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from importlib import import_module
from itertools import islice
from pathlib import Path

from core.events.envelope import StoredEvent

TAIL_EVENTS = 4_096
WATCH_TIMEOUT_MS = 500


class Tail:
    """A bounded run of the log's end, without a gap."""

    def __init__(self, head: int) -> None:
        self.head = head
        """The log's last position, over all branches."""
        self._events: deque[StoredEvent] = deque(maxlen=TAIL_EVENTS)
        self._grown = asyncio.Event()
        self._observers: list[Callable[[list[StoredEvent]], None]] = []

    def observe(self, observer: Callable[[list[StoredEvent]], None]) -> None:
        """Call `observer` with every committed batch, in order, before the appenders are answered.

        It must be quick, must not raise and must not append; anything else follows the log by position.
        """
        self._observers.append(observer)

    def publish(self, events: list[StoredEvent]) -> None:
        """Add committed events, tell the observers and wake everybody. Known ones (a repeated request) are skipped."""
        fresh: list[StoredEvent] = []
        for event in events:
            if event.position == self.head + 1:
                fresh.append(event)
                self.head = event.position
        if fresh:
            self._events.extend(fresh)
            for observer in self._observers:
                observer(fresh)
            self.announce()

    def announce(self) -> None:
        """Wake everybody: there may be more to read."""
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def arm(self) -> asyncio.Event:
        """The event that the next growth sets. Take it before reading, wait for it after reading nothing."""
        return self._grown

    def since(self, after: int) -> list[StoredEvent] | None:
        """All events, of every branch, with a position over `after`; None when some are no longer in memory."""
        missing = self.head - after
        if missing <= 0:
            return []
        if missing > len(self._events):
            return None
        newest = list(islice(reversed(self._events), missing))
        newest.reverse()
        return newest


async def announce_growth(path: Path, tail: Tail) -> None:
    """Wake subscribers of a read-only log when its owner writes: the files beside it change. Never ends."""
    watchfiles = await asyncio.to_thread(import_module, "watchfiles")
    names = {path.name, f"{path.name}-wal"}
    watching = False
    changes: set[tuple[object, str]]
    async for changes in watchfiles.awatch(
        path.parent, recursive=False, step=20, rust_timeout=WATCH_TIMEOUT_MS, yield_on_timeout=True
    ):
        # The first answer, even an empty one, proves the watch is set: what came before it was not seen.
        if not watching or any(Path(changed).name in names for _, changed in changes):
            watching = True
            tail.announce()
