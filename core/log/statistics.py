"""The log in numbers, counted window by window, and from where the last count ended."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from msgspec import Struct

from core.log.pages import WINDOW_POSITIONS


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
    """Events of each type, the most frequent first."""


class Counted:
    """What was counted so far; the log only grows, so it stays true."""

    def __init__(self) -> None:
        self.up_to = 0
        self._by_type: Counter[str] = Counter()
        self._streams = 0
        """Of main."""
        self._born_on_forks: set[str] = set()

    def go_on(self, connection: sqlite3.Connection, head: int) -> None:
        """Count the next window of positions, all of it or, when the read is given up, nothing."""
        window = (self.up_to, max(self.up_to, min(head, self.up_to + WINDOW_POSITIONS)))
        kinds = connection.execute(
            "SELECT type, count(*), sum(version = 1 AND branch = 'main') FROM events"
            " WHERE position > ? AND position <= ? GROUP BY type",
            window,
        ).fetchall()
        born = connection.execute(
            "SELECT stream FROM events WHERE branch <> 'main' AND version = 1 AND position > ? AND position <= ?",
            window,
        ).fetchall()
        for kind, events, begun in kinds:
            self._by_type[kind] += events
            self._streams += begun
        self._born_on_forks.update(name for (name,) in born)
        self.up_to = window[1]

    def stats(self, connection: sqlite3.Connection, path: Path) -> LogStats:
        """The numbers up to there."""
        (branches,) = connection.execute("SELECT count(*) FROM branches").fetchone()
        time_at = "SELECT recorded_at FROM events WHERE position = ?"
        first, last = (connection.execute(time_at, (position,)).fetchone() for position in (1, self.up_to))
        wal = path.with_name(path.name + "-wal")
        return LogStats(
            events=self.up_to,
            streams=self._streams + sum(not _is_in_main(connection, name) for name in self._born_on_forks),
            branches=branches,
            size_bytes=path.stat().st_size,
            wal_bytes=wal.stat().st_size if wal.exists() else 0,
            first_us=first[0] if first else None,
            last_us=last[0] if last else None,
            by_type=dict(sorted(self._by_type.items(), key=lambda item: (-item[1], item[0]))),
        )


def _is_in_main(connection: sqlite3.Connection, stream: str) -> bool:
    query = "SELECT 1 FROM events WHERE stream = ? AND branch = 'main' AND version = 1"
    return connection.execute(query, (stream,)).fetchone() is not None
