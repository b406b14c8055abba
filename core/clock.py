"""Time, asked for in one place so that tests can own it.

Wall time only labels and schedules; order is always the log's position. Nothing else in the project calls
`datetime.now`, `time.time` or `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the core knows about time."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. May jump, also backwards."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time; at once when not positive."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))
