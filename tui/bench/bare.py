"""The base of what is durable: SQLite alone, on the tables of the log, writing rows that are ready to be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from core.events import AgentOutput
from core.events.envelope import to_us
from core.events.registry import encode
from core.ids import uuid7_bytes
from core.log.connection import CHECKPOINT_PAGES, create
from core.log.rows import INSERT, Row
from tui.bench.peers import TEXT
from tui.bench.rounds import Effort, Stopwatch, clock

BARE = "bare sqlite3"


def events_per_second(effort: Effort, together: int) -> float:
    """Ready-made events written durably, so many in a transaction."""
    stopwatch, stored = Stopwatch(), 0
    with effort.place() as place, closing(_open(place / "events.db")) as connection:
        for rows in _rows(together):
            stopwatch.start()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")
            stopwatch.stop()
            stored += len(rows)
            if stopwatch.seconds >= effort.seconds:
                break
    return stored / stopwatch.seconds


def _open(path: Path) -> sqlite3.Connection:
    """A new log in the hands of SQLite alone, set as our writer sets it."""
    create(path, clock)
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in (
        "journal_mode = WAL", "synchronous = FULL", f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        "cache_size = -65536", "foreign_keys = ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _rows(together: int) -> Iterator[list[Row]]:
    """Batches that need nothing any more but to be written."""
    text, event = encode(AgentOutput(lines=(TEXT,)))
    now_us = to_us(clock.now())
    for version in count(1):
        first = (version - 1) * together + 1
        yield [
            (
                first + number, "main", f"agent/a-{number}", version, uuid7_bytes(), event.type, event.schema_version,
                now_us, "", "local", None, None, "user", bytes(32), text,
            )
            for number in range(together)
        ]  # fmt: skip
