"""Durable appends by so many producers at once, each waiting for its own: group commit beside bare transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from core.concurrency import task_group
from core.events import AgentOutput
from core.log import EventLog
from tui.bench.bare import BARE, events_per_second
from tui.bench.figures import Beside, Figure, Section, at_least, beside, figure
from tui.bench.peers import EVENT_STORES, TEXT, Peer, installed
from tui.bench.rounds import Contestant, Effort, clock, in_thread, take_turns

PRODUCERS = (1, 10, 100, 1000)
FLOORS = {1: at_least(0.5), 100: at_least(0.4)}
"""Of the bare transactions, by producers."""
EVENTSOURCE_FLOORS = {100: at_least(15)}
ABOUT = (
    "Events of about 100 bytes made durable (synchronous=FULL), each producer waiting for its own before the next; "
    "bare sqlite3 writes ready-made rows to the same tables, as many in a transaction as there are producers, and "
    "checks no version, hashes nothing and answers nobody"
)


async def measure(effort: Effort) -> Section:
    """Appends a second, at every number of producers."""
    began = clock.monotonic()
    peers, missing = await asyncio.to_thread(installed, EVENT_STORES) if effort.peers else ({}, ())
    figures = [await _at(producers, effort, peers) for producers in PRODUCERS]
    return Section(name="append", about=ABOUT, seconds=clock.monotonic() - began, figures=tuple(figures), notes=missing)


async def _at(producers: int, effort: Effort, peers: Mapping[str, Peer]) -> Figure:
    contestants: dict[str, Contestant] = {
        "ours": partial(_appending, producers, effort),
        BARE: in_thread(partial(events_per_second, effort, producers)),
        **{name: await asyncio.to_thread(peer.enter, producers, effort) for name, peer in peers.items()},
    }
    values = await take_turns(contestants, effort.rounds)
    ours = values.pop("ours")
    bases: list[Beside] = []
    for name, theirs in values.items():
        wanted = FLOORS if name == BARE else EVENTSOURCE_FLOORS if name.startswith("eventsource-py") else {}
        bases.append(beside(name, ours, theirs, wanted.get(producers)))
    return figure(f"{producers} producer{'s' * (producers > 1)}", "events/s", ours, *bases)


async def _appending(producers: int, effort: Effort) -> float:
    stored = 0

    async def produce(stream: str, until: float) -> None:
        nonlocal stored
        while clock.monotonic() < until:
            await log.append(stream, [AgentOutput(lines=(TEXT,))])
            stored += 1

    async with effort.room() as place, EventLog.open(place / "events.db") as log:
        began = clock.monotonic()
        async with task_group() as tasks:
            for number in range(producers):
                tasks.create_task(produce(f"agent/a-{number}", began + effort.seconds))
        return stored / (clock.monotonic() - began)
