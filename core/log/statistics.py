"""The log and its streams at a glance."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from core.events.envelope import EPOCH, MICROSECOND, StoredEvent
from core.log.branches import Lineage


class StreamSummary(Struct, frozen=True):
    """One stream at a glance."""

    stream: str
    version: int
    """Its newest version."""
    first_position: int
    last_position: int
    last_us: int

    @property
    def last_recorded_at(self) -> datetime:
        """When its newest event became durable."""
        return EPOCH + self.last_us * MICROSECOND


class LogStats(Struct, frozen=True):
    """The log in numbers."""

    events: int
    streams: int
    branches: int
    size_bytes: int
    """Of the database file."""
    wal_bytes: int
    """Of the write-ahead log beside it."""
    first_us: int | None
    last_us: int | None
    by_type: dict[str, int]


def summaries(connection: sqlite3.Connection, lineage: Lineage, newest: Sequence[StoredEvent]) -> list[StreamSummary]:
    """The summaries of the streams whose newest events are given, in their order."""
    names = [segment.branch for segment in lineage]
    query = f"SELECT min(position) FROM events WHERE stream = ? AND branch IN ({', '.join('?' * len(names))})"  # noqa: S608  constants
    return [
        StreamSummary(
            stream=event.stream,
            version=event.version,
            first_position=connection.execute(query, (event.stream, *names)).fetchone()[0],
            last_position=event.position,
            last_us=event.recorded_us,
        )
        for event in newest
    ]


def log_stats(connection: sqlite3.Connection, path: Path) -> LogStats:
    """The log in numbers; looks at every event."""
    (streams,) = connection.execute("SELECT count(DISTINCT stream) FROM events").fetchone()
    (branches,) = connection.execute("SELECT count(*) FROM branches").fetchone()
    by_type = connection.execute("SELECT type, count(*) FROM events GROUP BY type ORDER BY 2 DESC, 1").fetchall()
    ends = "SELECT recorded_at FROM events ORDER BY position {} LIMIT 1"
    first = connection.execute(ends.format("ASC")).fetchone()
    last = connection.execute(ends.format("DESC")).fetchone()
    wal = path.with_name(path.name + "-wal")
    return LogStats(
        events=connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0],
        streams=streams,
        branches=branches,
        size_bytes=path.stat().st_size,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        first_us=first[0] if first else None,
        last_us=last[0] if last else None,
        by_type=dict(by_type),
    )
