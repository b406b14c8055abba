"""Other libraries that do a part of what this project does, each used as it is meant to be, where it is installed.

`pip install 'codewalkers[bench]'` brings them. They are loaded by name, since nobody needs them for anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from typing import NamedTuple
from uuid import UUID, uuid4

from core.concurrency import task_group
from tui.bench.rounds import Contestant, Effort, clock, in_thread

TEXT = "tests/test_parser.py::test_an_empty_file_is_an_empty_tree PASSED [ 42%]"


class Peer(NamedTuple):
    """A library, and how it takes part."""

    package: str
    manner: str
    enter: Callable[[int, Effort], Contestant]
    """Makes a contestant: with so many producers, or so many tasks in flight."""


def installed(known: Iterable[Peer]) -> tuple[dict[str, Peer], tuple[str, ...]]:
    """Those that are there, by name and version, and a sentence about each that is not."""
    found: dict[str, Peer] = {}
    missing: list[str] = []
    for peer in known:
        try:
            found[f"{peer.package} {version(peer.package)}, {peer.manner}"] = peer
        except PackageNotFoundError:
            missing.append(f"{peer.package} is not installed; pip install 'codewalkers[bench]' brings it")
    return found, tuple(missing)


# -- event stores -----------------------------------------------------------------------------------------------------


def _eventsource_py(producers: int, effort: Effort) -> Contestant:
    library, domain = import_module("eventsource"), import_module("eventsource.domain")
    anywhere = import_module("eventsource.ports.positions").ExpectedVersion.any_()
    printed = import_module("pydantic").create_model(
        "Printed", __base__=library.DomainEvent, aggregate_type=(str, "Agent"), line=(str, TEXT)
    )

    async def contest() -> float:
        stored = 0

        async def append(agent: UUID) -> None:
            await store.append(domain.StreamId(agent, "Agent"), [printed(aggregate_id=agent)], anywhere)

        async def produce(until: float) -> None:
            nonlocal stored
            agent = uuid4()
            while clock.monotonic() < until:
                await append(agent)
                stored += 1

        async with effort.room() as place:
            store = library.SQLiteEventStore(str(place / "events.db"))
            try:
                await append(uuid4())  # the first one makes the tables
                began = clock.monotonic()
                async with task_group() as tasks:
                    for _ in range(producers):
                        tasks.create_task(produce(began + effort.seconds))
                return stored / (clock.monotonic() - began)
            finally:
                await store.close()

    return contest


def _eventsourcing(producers: int, effort: Effort) -> Contestant:
    library, persistence = import_module("eventsourcing.sqlite"), import_module("eventsourcing.persistence")
    state = TEXT.encode()

    def contest() -> float:
        agents = [uuid4() for _ in range(producers)]
        with effort.place() as place:
            datastore = library.SQLiteDatastore(str(place / "events.db"))
            try:
                recorder = library.SQLiteApplicationRecorder(datastore)
                recorder.create_table()
                began, stored = clock.monotonic(), 0
                for version_ in count(1):
                    for agent in agents:
                        recorder.insert_events([persistence.StoredEvent(agent, version_, "agent:output", state)])
                        stored += 1
                        if clock.monotonic() - began >= effort.seconds:
                            return stored / (clock.monotonic() - began)
            finally:
                datastore.close()
        raise AssertionError("it counts for ever")

    return in_thread(contest)


EVENT_STORES = (
    Peer("eventsource-py", "one store, durable", _eventsource_py),
    Peer("eventsourcing", "its recorder, synchronous, durable", _eventsourcing),
)


# -- queues -----------------------------------------------------------------------------------------------------------


def _cycles(effort: Effort, together: int, cycle: Callable[[int], None]) -> float:
    """Whole cycles a second, `together` of them at a time."""
    began, done = clock.monotonic(), 0
    while clock.monotonic() - began < effort.seconds:
        cycle(together)
        done += together
    return done / (clock.monotonic() - began)


def _huey(in_flight: int, effort: Effort) -> Contestant:
    library = import_module("huey")
    logging.getLogger("huey").setLevel(logging.ERROR)

    def contest() -> float:
        with effort.place() as place:
            queue = library.SqliteHuey(filename=str(place / "queue.db"), fsync=True)
            try:

                @queue.task()
                def work(text: str) -> None:
                    del text

                def cycle(together: int) -> None:
                    for _ in range(together):
                        work(TEXT)
                    for _ in range(together):
                        queue.execute(queue.dequeue())

                return _cycles(effort, in_flight, cycle)
            finally:
                queue.storage.close()

    return in_thread(contest)


def _litequeue(in_flight: int, effort: Effort) -> Contestant:
    library = import_module("litequeue")

    def contest() -> float:
        with effort.place() as place:
            queue = library.LiteQueue(place / "queue.db")
            try:

                def cycle(together: int) -> None:
                    for _ in range(together):
                        queue.put(TEXT)
                    for message in [queue.pop() for _ in range(together)]:
                        queue.done(message.message_id)

                return _cycles(effort, in_flight, cycle)
            finally:
                queue.close()

    return in_thread(contest)


QUEUES = (
    Peer("huey", "SqliteHuey with fsync, one worker", _huey),
    Peer("litequeue", "its default, one worker, not durable", _litequeue),
)
