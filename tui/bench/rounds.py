"""Taking turns: whoever is compared runs in every round, each time in another order."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from core.clock import SystemClock

T = TypeVar("T")

Contestant = Callable[[], Awaitable[float]]
"""Does its part once, and says how well: events a second, milliseconds …"""

USUAL_SECONDS = 0.4

clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    directory: Path
    """Where files may be made; removed by whoever made it."""
    events: int = 1_000_000
    """Of the log that is travelled through."""
    rounds: int = 5
    seconds: float = USUAL_SECONDS
    """How long a contestant does what it can do over and over, in each round."""
    peers: bool = False
    """Whether other libraries take part, where they are installed."""

    def times(self, usual: int) -> int:
        """How often something is done that is usually done so often in a round; less in shorter rounds."""
        return max(2, round(usual * min(1.0, self.seconds / USUAL_SECONDS)))

    @contextmanager
    def place(self) -> Generator[Path, None, None]:
        """A directory for one contestant in one round; gone afterwards."""
        with TemporaryDirectory(dir=self.directory) as path:
            yield Path(path)

    @asynccontextmanager
    async def room(self) -> AsyncGenerator[Path, None]:
        """The same for a contestant that runs in the event loop, which no disk shall hold up."""
        made = await asyncio.to_thread(TemporaryDirectory, dir=self.directory)
        try:
            yield Path(made.name)
        finally:
            await asyncio.to_thread(made.cleanup)


async def take_turns(contestants: Mapping[str, Callable[[], Awaitable[T]]], rounds: int) -> dict[str, list[T]]:
    """Let each contestant run once in every round; their answers, by round."""
    values: dict[str, list[T]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            gc.collect()  # nobody pays for what another one left
            values[name].append(await contestants[name]())
    return values


def in_thread(work: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    """A contestant that blocks: a program without an event loop."""

    async def contest() -> T:
        return await asyncio.to_thread(work)

    return contest


class Stopwatch:
    """Runs only between `start` and `stop`, so that preparing the next piece of work is not counted."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0

    def start(self) -> None:
        """Go on."""
        self._since = clock.monotonic()

    def stop(self) -> None:
        """Stand still."""
        self.seconds += clock.monotonic() - self._since
