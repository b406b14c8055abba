"""The configuration, read again whenever somebody changes it.

A change is in the log before it is in force. A bad one is told and changes nothing, and neither does a file that is
gone: an editor may just be about to put another one in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from core.config import CONFIG_NAME, Config
from core.errors import ConfigError, LogClosed, Mistake
from core.events import Append, ConfigLoaded, ConfigRejected, SwarmInitialized
from core.journal import Journal
from core.projections import State
from core.scheduling.policy import SWARM
from core.settings import Reading

SETTLED_MS = 100  # the file must be left alone for so long: some programs write it in pieces
LONGEST_MS = 1_000  # but then it is read all the same
WATCH_TIMEOUT_MS = 500
STREAM = f"config/{CONFIG_NAME}"
ACTOR = "config"


def limits(state: State, config: Config) -> list[Append]:
    """What has to be told of how many agents there may be."""
    swarm = state.swarm.get(SWARM)
    if swarm is not None and swarm.max_agents == config.max_agents:
        return []
    return [Append(f"swarm/{SWARM}", [SwarmInitialized(topology="pool", max_agents=config.max_agents)])]


async def tell_once(reading: Reading, journal: Journal) -> None:
    """Tell what is in force, unless it is what was told last."""
    told = journal.log.read(branch=journal.branch, streams=[STREAM], types=[ConfigLoaded.type], backwards=True, limit=1)
    last = await anext(told, None)
    known = last.payload.content_hash if last is not None and isinstance(last.payload, ConfigLoaded) else None
    if known != reading.content_hash and (reading.found or known is not None):
        await journal.record_fact(lambda _: [Append(STREAM, [_loaded(reading)])], actor=ACTOR)


class Reloading:
    """Follows the file that was read, and applies what it says."""

    def __init__(self, reading: Reading, journal: Journal, apply: Callable[[Config], None]) -> None:
        self._journal, self._apply = journal, apply
        self._reading = reading
        """What is in force."""
        self._refused = ""
        """Why what is there now is not in force."""

    @property
    def refused(self) -> str:
        """Why what the file says now is not in force; empty when it is."""
        return self._refused

    async def run(self) -> None:
        """Follow it until cancelled, or until nothing can be told any more."""
        with suppress(LogClosed):
            try:
                await self._follow()
            except (OSError, RuntimeError) as error:  # the system watches no more files for us
                sentence = f"its changes are seen only at the next start: {error}"
                await self._refuse(Mistake((), sentence, str(self._reading.source.file)))

    async def _follow(self) -> None:
        watchfiles = await asyncio.to_thread(import_module, "watchfiles")
        file, watching = self._reading.source.file, False
        changes: set[tuple[object, str]]
        async for changes in watchfiles.awatch(
            file.parent, recursive=False, step=SETTLED_MS, debounce=LONGEST_MS, rust_timeout=WATCH_TIMEOUT_MS,
            yield_on_timeout=True,
        ):  # fmt: skip
            # The first answer, even an empty one, proves the watch is set: what came before it was not seen.
            if not watching or any(Path(changed).name == file.name for _, changed in changes):
                watching = True
                await self._look()

    async def _look(self) -> None:
        try:
            reading = await asyncio.to_thread(self._reading.source.read)
        except ConfigError as error:
            await self._refuse(*error.mistakes)
            return
        if self._reading.found and not reading.found:
            await self._refuse(Mistake((), "the file is gone", str(self._reading.source.file)))
        elif reading.content_hash != self._reading.content_hash or self._refused:
            await self._accept(reading)

    async def _accept(self, reading: Reading) -> None:
        loaded = Append(STREAM, [_loaded(reading)])
        await self._journal.record_fact(lambda state: [loaded, *limits(state, reading.config)], actor=ACTOR)
        self._reading, self._refused = reading, ""
        self._apply(reading.config)

    async def _refuse(self, first: Mistake, *others: Mistake) -> None:
        sentence = str(ConfigError(first, *others))
        if sentence == self._refused:
            return
        rejected = Append(STREAM, [ConfigRejected(file=first.file, line=first.line, message=sentence)])
        await self._journal.record_fact(lambda _: [rejected], actor=ACTOR)
        self._refused = sentence


def _loaded(reading: Reading) -> ConfigLoaded:
    return ConfigLoaded(profiles=tuple(sorted(reading.config.profiles)), content_hash=reading.content_hash)
