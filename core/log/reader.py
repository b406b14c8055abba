"""Reading: filtered pages of events, in order of position, forwards or backwards.

Invariant: every read transaction is short. A page covers a bounded window of positions, is fetched whole inside
one function in the reader's thread, and never stays open across an `await`, so that the write-ahead log can
always shrink, whatever the filter and however slow whoever iterates.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from core.clock import Clock
from core.events.envelope import StoredEvent
from core.log.branches import MAIN, Branches, Segment
from core.log.connection import Connection, open_error, read_within
from core.log.filters import EVERYTHING, Filter, Span
from core.log.rows import BARE_COLUMNS, COLUMNS, BarePage, bare, stored
from core.log.snapshots import Snapshot, load_snapshot
from core.log.statistics import LogStats, StreamSummary, log_stats, summaries
from core.log.transaction import lineage_head, load_branches, stream_version

PAGE_EVENTS = 500  # decoded in one go: more would hold the interpreter for too long
WINDOW_POSITIONS = 50_000  # looked at in one transaction when a filter lets few through

NARROW_POSITIONS = 5_000
"""Looking at all of so few takes less time than looking through a long stream for those that lie among them."""

LABELS_AT_ONCE = 20_000  # three small columns, about 10 ms

Label = tuple[int, int, str, str]
"""Position, microseconds since 1970, type, stream."""

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Reads on one read-only connection, one short transaction at a time."""

    def __init__(self, path: Path, connection: Connection, branches: Branches, clock: Clock) -> None:
        self._path, self._connection = path, connection
        self.branches, self.clock = branches, clock

    async def pages(
        self,
        *,
        branch: str | None,
        span: Span,
        where: Filter = EVERYTHING,
        backwards: bool = False,
        page_events: int = PAGE_EVENTS,
    ) -> AsyncIterator[list[StoredEvent]]:
        """Pages of the lineage's events (of all branches' when `branch` is None), none of them empty."""
        segments = (None,) if branch is None else self.branches.lineage(branch)
        for segment in reversed(segments) if backwards else segments:
            rest = clip(span, segment)
            while rest.after < rest.up_to:
                page, rest = await self.run(_page, segment, rest, where, backwards, page_events)
                if page:
                    yield page

    async def labels(self, *, branch: str, span: Span, limit: int = LABELS_AT_ONCE) -> AsyncIterator[list[Label]]:
        """What the lineage's events are labelled with, without their payloads; no page is empty."""
        for segment in self.branches.lineage(branch):
            rest = clip(span, segment)
            while rest.after < rest.up_to:
                page = await self.run(_labels, segment, rest, limit)
                rest = Span(page[-1][0] if len(page) == limit else rest.up_to, rest.up_to)
                if page:
                    yield page

    async def at(self, positions: Sequence[int]) -> list[StoredEvent]:
        """The events at these positions, in their order; at most `PAGE_EVENTS` of them."""
        return await self.run(_at, positions)

    async def head(self, branch: str | None, session_id: str | None = None) -> int:
        """The last position; 0 when there is none."""
        last = await self.run(last_position)
        if session_id is not None:
            found = self.pages(
                branch=branch, span=Span(0, last), where=Filter(session_id=session_id), backwards=True, page_events=1
            )
            async for page in found:
                return page[0].position
            return 0
        return last if branch is None else await self.run(lineage_head, self.branches.lineage(branch))

    async def version(self, stream: str, branch: str) -> int:
        """The stream's version on the branch's lineage; 0 when it does not exist."""
        return await self.run(stream_version, self.branches.lineage(branch), stream)

    async def streams(
        self, *, branch: str, aggregate_type: str | None, tenant_id: str | None, limit: int, offset: int
    ) -> list[StreamSummary]:
        """Streams by their newest event, newest first."""
        kinds = None if aggregate_type is None else (aggregate_type,)
        where = Filter(aggregate_types=kinds, tenant_id=tenant_id)
        span = Span(0, await self.run(last_position))
        newest: dict[str, StoredEvent] = {}
        async for page in self.pages(branch=branch, span=span, where=where, backwards=True):
            for event in page:
                newest.setdefault(event.stream, event)
            if len(newest) >= offset + limit:
                break
        wanted = list(newest.values())[offset : offset + limit]
        return await self.run(summaries, self.branches.lineage(branch), wanted)

    async def stats(self) -> LogStats:
        """The log in numbers; the counts look at every event."""
        return await self.run(log_stats, self._path)

    async def snapshot(self, stream: str) -> Snapshot | None:
        """The stored snapshot of a stream."""
        return await self.run(load_snapshot, stream)

    async def reload_branches(self) -> None:
        """Learn of branches another process made."""
        for branch in (await self.run(load_branches)).all():
            self.branches.add(branch)

    async def run(self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one read transaction in the reader's thread.

        Raises:
            CannotOpen: SQLite cannot read the log, or gave up after five seconds.
        """

        def within(connection: sqlite3.Connection) -> T:
            return read_within(connection, self.clock, lambda: read(connection, *args, **kwargs))

        try:
            return await self._connection.run(within)
        except sqlite3.Error as error:
            raise open_error(self._path, error) from error


def bare_page(
    connection: sqlite3.Connection, segment: Segment, span: Span, limit: int = PAGE_EVENTS
) -> tuple[BarePage, Span]:
    """Up to `limit` of the segment's events for a fold, and what of the span is left; see `Reader.run`."""
    window = _window(clip(span, segment), backwards=False)
    own, values = _own(segment)
    rows = connection.execute(
        f"SELECT {BARE_COLUMNS} FROM events WHERE position > ? AND position <= ? AND {own} ORDER BY position LIMIT ?",  # noqa: S608  constants
        (window.after, window.up_to, *values, limit),
    ).fetchall()
    return bare(rows), Span(rows[-1][0] if len(rows) == limit else window.up_to, span.up_to)


def clip(span: Span, segment: Segment | None) -> Span:
    """The part of the span that lies in the segment; of None, which stands for all branches, all of it."""
    if segment is None or segment.up_to is None:
        return span
    return Span(span.after, min(span.up_to, segment.up_to))


def _page(
    connection: sqlite3.Connection,
    segment: Segment | None,
    span: Span,
    where: Filter,
    backwards: bool,
    page_events: int,
) -> tuple[list[StoredEvent], Span]:
    """One page, and what of the span is left to read."""
    window = _window(span, backwards) if where.streams is None else span
    own, values = _own(segment)
    condition, more = where.condition(by_stream=window.up_to - window.after > NARROW_POSITIONS)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ? AND {own} AND {condition}"  # noqa: S608  constants
        f" ORDER BY position {'DESC' if backwards else 'ASC'} LIMIT ?",
        (window.after, window.up_to, *values, *more, page_events),
    ).fetchall()
    full = len(rows) == page_events
    if backwards:
        return stored(rows), Span(span.after, rows[-1][0] - 1 if full else window.after)
    return stored(rows), Span(rows[-1][0] if full else window.up_to, span.up_to)


def _labels(connection: sqlite3.Connection, segment: Segment, span: Span, limit: int) -> list[Label]:
    own, values = _own(segment)
    return connection.execute(
        f"SELECT position, recorded_at, type, stream FROM events WHERE position > ? AND position <= ? AND {own}"  # noqa: S608  constants
        " ORDER BY position LIMIT ?",
        (span.after, span.up_to, *values, limit),
    ).fetchall()


def _at(connection: sqlite3.Connection, positions: Sequence[int]) -> list[StoredEvent]:
    return stored(
        connection.execute(
            f"SELECT {COLUMNS} FROM events WHERE position IN ({', '.join('?' * len(positions))}) ORDER BY position",  # noqa: S608  constants
            tuple(positions),
        ).fetchall()
    )


def hash_at(connection: sqlite3.Connection, branch: str, position: int) -> bytes | None:
    """The hash of the branch's own event at the position; None when it has none there."""
    row = connection.execute("SELECT hash FROM events WHERE position = ? AND branch = ?", (position, branch)).fetchone()
    return None if row is None else row[0]


def _window(span: Span, backwards: bool) -> Span:
    if backwards:
        return Span(max(span.after, span.up_to - WINDOW_POSITIONS), span.up_to)
    return Span(span.after, min(span.up_to, span.after + WINDOW_POSITIONS))


def _own(segment: Segment | None) -> tuple[str, tuple[str, ...]]:
    if segment is None:
        return "TRUE", ()
    if segment.branch == MAIN:
        return "branch = 'main'", ()
    return "branch <> 'main' AND branch = ?", (segment.branch,)  # the shape the partial index answers


def last_position(connection: sqlite3.Connection) -> int:
    """The log's last position over all branches; 0 when it is empty."""
    return connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
