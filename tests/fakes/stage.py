"""An engine on a stage: opened on a project of its own, followed through its journal, read from its log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import psutil

from core.agents.output import BATCH_EVERY_S
from core.clock import Clock
from core.config import Config, Profile, Retry
from core.engine import Engine
from core.events import AgentOutput, Payload, StoredEvent
from core.journal import Journal
from core.log import EventLog
from core.projections import State
from core.scheduling.scheduler import SHORTEST_NAP_S

PATIENCE_S = 40.0
"""How long a test waits for what must come; only a test that fails ever waits that long."""

OVER = frozenset({"completed", "cancelled", "dead-lettered", "lost"})
"""Nothing more happens to such a task by itself, unless it is idempotent."""

AT_ONCE = Retry(backoff=0, max_backoff=0)
"""A backoff nobody has to wait for."""

P = TypeVar("P", bound=Payload)
Predicate = Callable[[State], object]


class SteppedClock:
    """Time that passes only when a test says so, except for naps that only let others have their turn."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self._elapsed = 0.0
        self._naps: dict[asyncio.Event, float] = {}
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= SHORTEST_NAP_S or seconds == BATCH_EVERY_S:
            await asyncio.sleep(0)
            return
        over = asyncio.Event()
        self._naps[over] = self._elapsed + seconds
        self._changed.set()
        try:
            await over.wait()
        finally:
            del self._naps[over]

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        for over, due in self._naps.items():
            if due <= self._elapsed:
                over.set()

    def jump(self, seconds: float) -> None:
        """The wall clock is set; no time passes."""
        self._now += timedelta(seconds=seconds)

    async def until_somebody_naps(self, shortest: float, longest: float | None = None) -> None:
        """Return once somebody sleeps for about that long from now."""
        longest = shortest if longest is None else longest
        async with asyncio.timeout(PATIENCE_S):
            while not any(shortest <= round(due - self._elapsed, 2) <= longest for due in self._naps.values()):
                self._changed.clear()
                await self._changed.wait()

    @asynccontextmanager
    async def going_on_after(self, seconds: float) -> AsyncIterator[None]:
        """Whoever sleeps for about that long is woken."""

        async def go_on() -> None:
            while True:
                await self.until_somebody_naps(seconds)
                self.advance(seconds)

        going = asyncio.create_task(go_on())
        try:
            yield
        finally:
            going.cancel()


class Gate:
    """A named pipe, `gate` in the project: a shell that runs `WAIT` goes on when it is opened, one for each opening."""

    WAIT = "read -r opened < gate"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def open(self, times: int = 1) -> None:
        os.write(self._descriptor, b"\n" * times)


def is_shim(process: psutil.Process) -> bool:
    return any(word.endswith("core/processes/shim.py") for word in process.cmdline())


def profiles(**settings: Profile) -> dict[str, Profile]:
    return {name.replace("_", "-"): profile for name, profile in settings.items()}


@asynccontextmanager
async def opened(
    project: Path,
    *,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
    max_agents: int = 4,
    retry: Retry = AT_ONCE,
    **agents: Profile,
) -> AsyncIterator[Engine]:
    """An engine on the project; keywords that are profiles configure them."""
    project.mkdir(exist_ok=True)
    config = Config(max_agents=max_agents, retry=retry, profiles=profiles(**agents))
    environment = {"PATH": os.environ["PATH"]} if environment is None else environment
    async with Engine.open(project, config=config, clock=clock, environment=environment) as engine:
        yield engine


async def until(stage: Engine | Journal, predicate: Predicate) -> State:
    """The state as soon as the predicate holds of it."""
    journal = stage.journal if isinstance(stage, Engine) else stage
    after = journal.state.position
    if predicate(journal.state):
        return journal.state
    async with asyncio.timeout(PATIENCE_S):
        async for _ in journal.follow(after):
            if predicate(journal.state):
                return journal.state
    raise AssertionError("the journal never ends")


async def until_status(stage: Engine | Journal, status: str | Collection[str], *task_ids: str) -> State:
    """The state as soon as all these tasks are in (one of) the status."""
    wanted = {status} if isinstance(status, str) else set(status)
    return await until(stage, lambda state: all(state.task_outcome(task_id) in wanted for task_id in task_ids))


async def until_over(stage: Engine | Journal, *task_ids: str) -> State:
    return await until_status(stage, OVER, *task_ids)


async def until_printed(engine: Engine, text: str) -> StoredEvent:
    """The output event that has this text in it."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in engine.journal.log.subscribe(types=[AgentOutput.type]):
            if isinstance(event.payload, AgentOutput) and text in "\n".join(event.payload.lines):
                return event
    raise AssertionError("the log never ends")


async def history(stage: Engine | EventLog, *streams: str, types: Collection[str] | None = None) -> list[StoredEvent]:
    """All events, or those of some streams or types, in order."""
    log = stage.journal.log if isinstance(stage, Engine) else stage
    return [event async for event in log.read(streams=streams or None, types=types)]


async def kinds(stage: Engine | EventLog, *streams: str) -> list[str]:
    """The types of all events, or those of some streams, in order."""
    return [event.type for event in await history(stage, *streams)]


async def payloads(stage: Engine | EventLog, kind: type[P], *streams: str) -> list[P]:
    events = await history(stage, *streams, types=[kind.type])
    return [event.payload for event in events if isinstance(event.payload, kind)]


async def printed(engine: Engine, task_id: str, channel: str = "stdout") -> list[str]:
    """Everything a task's attempts printed on a channel."""
    outputs = await payloads(engine, AgentOutput)
    mine = [output for output in outputs if output.task_id == task_id and output.channel == channel]
    return [line for output in mine for line in output.lines]
