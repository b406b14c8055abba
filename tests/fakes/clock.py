"""A clock that tests own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        due = self._elapsed + seconds
        if due <= self._elapsed:
            return
        woken = asyncio.Event()
        self._sleepers.append((due, woken))
        await woken.wait()

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        for due, woken in self._sleepers:
            if due <= self._elapsed:
                woken.set()
        self._sleepers = [(due, woken) for due, woken in self._sleepers if not woken.is_set()]
