"""What every test may ask for. Environment first: Textual reads some of it when imported."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

# The same examples every time, however slow the machine is; `--hypothesis-profile=default` looks for new ones.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("steady")

# COLUMNS and LINES come from readline in whoever started us, and would pass for the size of terminals we open.
OURS = {name for name in os.environ if name.startswith("CW_") and not name.startswith("CW_LIVE")}  # they configure us
for name in {"NO_COLOR", "TEXTUAL_THEME", "COLUMNS", "LINES"} | OURS:
    os.environ.pop(name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TZ"] = "UTC"
time.tzset()

from fakes.clock import FakeClock  # noqa: E402

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
