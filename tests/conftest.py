"""What every test may ask for. Environment first: Textual reads some of it when imported."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from blockbuster import BlockBuster

for name in ("NO_COLOR", "TEXTUAL_THEME", "CW_RUN_ID", "CW_AGENT_ID"):
    os.environ.pop(name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"

from core.log import EventLog  # noqa: E402


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """Any call of ours that would block the event loop raises."""
    guard = BlockBuster(scanned_modules=["core", "tui"])
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


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


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
async def log(log_path: Path) -> AsyncIterator[EventLog]:
    async with EventLog.open(log_path) as log:
        yield log
