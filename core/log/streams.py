"""The streams of a lineage, newest first, without looking at every event.

Few streams are walked through by the index, from name to name; many are met soon enough by going back from the head.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from core.events.envelope import EPOCH, MICROSECOND
from core.log.branches import Lineage, Segment
from core.log.filters import Filter, Span
from core.log.pages import WINDOW_POSITIONS, clip, own

FEW = 5_000
"""So many streams are visited one by one: some 50 ms."""
SNAPSHOT_EVERY = 500
"""Events of a stream after which a snapshot saves more than it costs: folding as many takes about a millisecond."""

_LAST_NAME = chr(0x10FFFF)
_FIRST = (
    "SELECT position FROM events WHERE stream = ?1 AND branch = ?2 AND (?3 IS NULL OR position <= ?3)"
    " ORDER BY version LIMIT 1"
)
_NEWEST = _FIRST.replace("BY version", "BY version DESC")


class StreamSummary(Struct, frozen=True):
    """One stream at a glance."""

    stream: str
    version: int
    """Its newest version: as many events as it has."""
    first_position: int
    last_position: int
    last_us: int
    since_snapshot: int
    """Events its stored snapshot does not cover."""

    @property
    def last_recorded_at(self) -> datetime:
        """When its newest event became durable."""
        return EPOCH + self.last_us * MICROSECOND

    @property
    def snapshot_due(self) -> bool:
        """Whether a fold of the stream would be worth keeping (`EventLog.save_snapshot`)."""
        return self.since_snapshot >= SNAPSHOT_EVERY


def newest_streams(
    connection: sqlite3.Connection, lineage: Lineage, aggregate_type: str | None, limit: int
) -> list[int] | None:
    """The positions of the newest event of each stream, newest first; None when there are too many to visit each."""
    low, high = ("", _LAST_NAME) if aggregate_type is None else (f"{aggregate_type}/", f"{aggregate_type}0")
    names = connection.execute(
        "WITH RECURSIVE names(name) AS ("
        " SELECT min(stream) FROM events WHERE stream >= ?1 AND stream < ?2"
        " UNION ALL SELECT (SELECT min(stream) FROM events WHERE stream > name AND stream < ?2) FROM names"
        "  WHERE name IS NOT NULL LIMIT ?3"
        ") SELECT name FROM names WHERE name IS NOT NULL",
        (low, high, FEW + 1),
    ).fetchall()
    if len(names) > FEW:
        return None
    ends = (_end(connection, lineage, name, newest=True) for (name,) in names)
    return sorted((end for end in ends if end), reverse=True)[:limit]


def streams_back(
    connection: sqlite3.Connection, segment: Segment, span: Span, where: Filter
) -> tuple[list[tuple[str, int]], Span]:
    """The streams met in the last window of the span with their newest position in it, and what of the span is left."""
    window = clip(Span(max(span.after, span.up_to - WINDOW_POSITIONS), span.up_to), segment)
    mine, values = own(segment)
    condition, more = where.condition(by_stream=False)
    met = connection.execute(
        f"SELECT stream, max(position) FROM events WHERE position > ? AND position <= ? AND {mine} AND {condition}"  # noqa: S608  constants
        " GROUP BY stream ORDER BY 2 DESC",
        (window.after, window.up_to, *values, *more),
    ).fetchall()
    return met, Span(span.after, window.after)


def summaries(connection: sqlite3.Connection, lineage: Lineage, newest: list[int]) -> list[StreamSummary]:
    """The summaries of the streams whose newest events are at these positions, in their order."""
    return list(_summaries(connection, lineage, newest))


def _summaries(connection: sqlite3.Connection, lineage: Lineage, newest: list[int]) -> Iterator[StreamSummary]:
    for position in newest:
        stream, version, recorded_us = connection.execute(
            "SELECT stream, version, recorded_at FROM events WHERE position = ?", (position,)
        ).fetchone()
        kept = connection.execute("SELECT version FROM snapshots WHERE stream = ?", (stream,)).fetchone()
        yield StreamSummary(
            stream=stream,
            version=version,
            first_position=_end(connection, lineage, stream, newest=False),
            last_position=position,
            last_us=recorded_us,
            since_snapshot=max(0, version - (kept[0] if kept else 0)),
        )


def _end(connection: sqlite3.Connection, lineage: Lineage, stream: str, *, newest: bool) -> int:
    """The position of the stream's newest, or first, event on the lineage; 0 when it has none."""
    for segment in reversed(lineage) if newest else lineage:
        row = connection.execute(_NEWEST if newest else _FIRST, (stream, segment.branch, segment.up_to)).fetchone()
        if row is not None:
            return row[0]
    return 0
