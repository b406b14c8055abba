"""What a reader's thread asks the database: one short query each, by ranges of positions.

Every function takes the connection first and is meant for `Reader.run`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from core.events.envelope import StoredEvent
from core.log.branches import MAIN, Lineage, Segment
from core.log.filters import EVERYTHING, Filter, Span
from core.log.rows import BARE_COLUMNS, COLUMNS, BarePage, bare, stored

PAGE_EVENTS = 500  # decoded in one go: more would hold the interpreter for too long
WINDOW_POSITIONS = 50_000  # looked at in one transaction when a filter lets few through
WINDOW_TEXTS = 5_000
"""The same when their payloads are looked through, which may be long."""

NARROW_POSITIONS = 5_000
"""Looking at all of so few takes less time than looking through a long stream for those that lie among them."""

Label = tuple[int, int, str, str]
"""Position, microseconds since 1970, type, stream."""


def event_page(
    connection: sqlite3.Connection, segment: Segment | None, span: Span, where: Filter, backwards: bool, limit: int
) -> tuple[list[StoredEvent], Span]:
    """Up to `limit` events, and what of the span is left to read."""
    rows, rest = _rows(connection, COLUMNS, segment, span, where, backwards, limit)
    return stored(rows), rest


def bare_page(
    connection: sqlite3.Connection, segment: Segment, span: Span, limit: int = PAGE_EVENTS
) -> tuple[BarePage, Span]:
    """Up to `limit` of the segment's events for a fold, and what of the span is left."""
    rows, rest = _rows(connection, BARE_COLUMNS, segment, clip(span, segment), EVERYTHING, False, limit)
    return bare(rows), Span(rest.after, span.up_to)


def position_page(
    connection: sqlite3.Connection, segment: Segment | None, span: Span, where: Filter, backwards: bool, limit: int
) -> tuple[list[int], Span]:
    """Up to `limit` positions of events, and what of the span is left to read."""
    rows, rest = _rows(connection, "position", segment, span, where, backwards, limit)
    return [position for (position,) in rows], rest


def label_page(connection: sqlite3.Connection, segment: Segment, span: Span, limit: int) -> tuple[list[Label], Span]:
    """Up to `limit` labels of events, and what of the span is left to read."""
    mine, values = own(segment)
    labels = connection.execute(
        f"SELECT position, recorded_at, type, stream FROM events WHERE position > ? AND position <= ? AND {mine}"  # noqa: S608  constants
        " ORDER BY position LIMIT ?",
        (span.after, span.up_to, *values, limit),
    ).fetchall()
    return labels, Span(labels[-1][0] if len(labels) == limit else span.up_to, span.up_to)


def _rows(
    connection: sqlite3.Connection, columns: str, segment: Segment | None, span: Span, where: Filter, backwards: bool,
    limit: int,
) -> tuple[list[Any], Span]:  # fmt: skip
    window = span if where.streams is not None else _window(span, backwards, WINDOW_TEXTS if where.words else None)
    mine, values = own(segment)
    condition, more = where.condition(by_stream=window.up_to - window.after > NARROW_POSITIONS)
    rows = connection.execute(
        f"SELECT {columns} FROM events WHERE position > ? AND position <= ? AND {mine} AND {condition}"  # noqa: S608  constants
        f" ORDER BY position {'DESC' if backwards else 'ASC'} LIMIT ?",
        (window.after, window.up_to, *values, *more, limit),
    ).fetchall()
    full = len(rows) == limit
    if backwards:
        return rows, Span(span.after, rows[-1][0] - 1 if full else window.after)
    return rows, Span(rows[-1][0] if full else window.up_to, span.up_to)


def causes_in(connection: sqlite3.Connection, segment: Segment, span: Span) -> list[tuple[int, int, str]]:
    """(position, that of its cause, type) of the segment's events that have one."""
    mine, values = own(segment)
    return connection.execute(
        "SELECT position, causation_id, type FROM events WHERE position > ? AND position <= ?"  # noqa: S608  constants
        f" AND causation_id IS NOT NULL AND {mine} ORDER BY position",
        (span.after, span.up_to, *values),
    ).fetchall()


def events_at(connection: sqlite3.Connection, positions: Sequence[int]) -> list[StoredEvent]:
    """The events at these positions, in order."""
    places = ", ".join("?" * len(positions))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE position IN ({places}) ORDER BY position",  # noqa: S608  constants
        tuple(positions),
    ).fetchall()
    return stored(rows)


def among(connection: sqlite3.Connection, lineage: Lineage, positions: Sequence[int], where: Filter) -> list[int]:
    """Those of the positions, in order, whose events are the lineage's and wanted."""
    places = ", ".join("?" * len(positions))
    condition, more = where.condition(by_stream=False)
    found: list[int] = []
    for segment in lineage:
        mine, values = own(segment)
        rows = connection.execute(
            f"SELECT position FROM events WHERE position IN ({places}) AND {mine} AND (? IS NULL OR position <= ?)"  # noqa: S608  constants
            f" AND {condition} ORDER BY position",
            (*positions, *values, segment.up_to, segment.up_to, *more),
        )
        found += [position for (position,) in rows]
    return found


def hash_at(connection: sqlite3.Connection, branch: str, position: int) -> bytes | None:
    """The hash of the branch's own event at the position; None when it has none there."""
    row = connection.execute("SELECT hash FROM events WHERE position = ? AND branch = ?", (position, branch)).fetchone()
    return None if row is None else row[0]


def owner_at(connection: sqlite3.Connection, position: int, hash_: bytes) -> str | None:
    """The branch whose event is at the position, if it has this hash."""
    row = connection.execute("SELECT branch FROM events WHERE position = ? AND hash = ?", (position, hash_)).fetchone()
    return None if row is None else row[0]


def last_position(connection: sqlite3.Connection) -> int:
    """The log's last position over all branches; 0 when it is empty."""
    return connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]


def clip(span: Span, segment: Segment | None) -> Span:
    """The part of the span that lies in the segment; of None, which stands for all branches, all of it."""
    if segment is None or segment.up_to is None:
        return span
    return Span(span.after, min(span.up_to, segment.up_to))


def _window(span: Span, backwards: bool, positions: int | None) -> Span:
    wide = positions or WINDOW_POSITIONS
    if backwards:
        return Span(max(span.after, span.up_to - wide), span.up_to)
    return Span(span.after, min(span.up_to, span.after + wide))


def own(segment: Segment | None) -> tuple[str, tuple[str, ...]]:
    """The condition that an event is the segment's branch's own, and its parameters."""
    if segment is None:
        return "TRUE", ()
    if segment.branch == MAIN:
        return "branch = 'main'", ()
    return "branch <> 'main' AND branch = ?", (segment.branch,)  # the shape the partial index answers
