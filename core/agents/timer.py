"""A time limit that stands still while paused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.clock import Clock


class Timer:
    """Calls `over` once the limit has passed, not counting the time it was paused. Made paused."""

    def __init__(self, clock: Clock, tasks: asyncio.TaskGroup, limit_s: float, over: Callable[[], None]) -> None:
        self._clock, self._tasks, self._left_s, self._over = clock, tasks, limit_s, over
        self._running: asyncio.Task[None] | None = None
        self._since = 0.0

    def resume(self) -> None:
        """Let time pass."""
        if self._running is None:
            self._since = self._clock.monotonic()
            self._running = self._tasks.create_task(self._wait(), name="time limit")

    def pause(self) -> None:
        """Let time stand still; for good when it is never resumed."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
            self._left_s -= self._clock.monotonic() - self._since

    async def _wait(self) -> None:
        await self._clock.sleep(self._left_s)
        self._over()
