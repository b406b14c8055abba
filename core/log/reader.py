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
from core.log.branches import Branches, Lineage
from core.log.connection import Connection, open_error, read_within
from core.log.filters import EVERYTHING, Filter, Span
from core.log.pages import (
    PAGE_EVENTS,
    Label,
    causes_in,
    clip,
    event_page,
    events_at,
    label_page,
    last_position,
    position_page,
)
from core.log.snapshots import Snapshot, load_snapshot
from core.log.statistics import Counted, LogStats
from core.log.streams import StreamSummary, newest_streams, streams_back, summaries
from core.log.transaction import lineage_head, load_branches, stream_version

LABELS_AT_ONCE = 20_000  # three small columns, about 10 ms

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Reads on one read-only connection, one short transaction at a time."""

    def __init__(self, path: Path, connection: Connection, branches: Branches, clock: Clock) -> None:
        self._path, self._connection = path, connection
        self.branches, self.clock = branches, clock
        self._counted = Counted()

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
                page, rest = await self.run(event_page, segment, rest, where, backwards, page_events)
                if page:
                    yield page

    async def positions(
        self, *, branch: str, span: Span, where: Filter, backwards: bool = False, limit: int = PAGE_EVENTS
    ) -> AsyncIterator[list[int]]:
        """The positions of the lineage's events that are wanted, in pages, none of them empty."""
        segments = self.branches.lineage(branch)
        for segment in reversed(segments) if backwards else segments:
            rest = clip(span, segment)
            while rest.after < rest.up_to:
                page, rest = await self.run(position_page, segment, rest, where, backwards, limit)
                if page:
                    yield page

    async def labels(self, *, branch: str, span: Span, limit: int = LABELS_AT_ONCE) -> AsyncIterator[list[Label]]:
        """What the lineage's events are labelled with, without their payloads; no page is empty."""
        for segment in self.branches.lineage(branch):
            rest = clip(span, segment)
            while rest.after < rest.up_to:
                page, rest = await self.run(label_page, segment, rest, limit)
                if page:
                    yield page

    async def causes(self, *, branch: str, span: Span) -> list[tuple[int, int, str]]:
        """(position, that of its cause, type) of the lineage's events that have one; the span is read in one go."""
        found: list[tuple[int, int, str]] = []
        for segment in self.branches.lineage(branch):
            found += await self.run(causes_in, segment, clip(span, segment))
        return found

    async def at(self, positions: Sequence[int]) -> list[StoredEvent]:
        """The events at these positions, in order; at most `PAGE_EVENTS` of them."""
        return await self.run(events_at, positions)

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
        """Streams by their newest event, newest first; see `EventLog.streams`."""
        lineage, wanted = self.branches.lineage(branch), offset + limit
        newest = None
        if tenant_id is None:
            newest = await self.run(newest_streams, lineage, aggregate_type, wanted)
        if newest is None:
            kinds = None if aggregate_type is None else (aggregate_type,)
            newest = await self._streams_back(lineage, Filter(aggregate_types=kinds, tenant_id=tenant_id), wanted)
        return await self.run(summaries, lineage, newest[offset:wanted])

    async def _streams_back(self, lineage: Lineage, where: Filter, wanted: int) -> list[int]:
        """The positions of the newest events of so many streams, met by going back from the head."""
        met: dict[str, int] = {}
        head = await self.run(last_position)
        for segment in reversed(lineage):
            rest = clip(Span(0, head), segment)
            while rest.after < rest.up_to and len(met) < wanted:
                found, rest = await self.run(streams_back, segment, rest, where)
                for stream, position in found:
                    met.setdefault(stream, position)
        return list(met.values())

    async def stats(self) -> LogStats:
        """The log in numbers; what was counted before is not counted again."""
        head = await self.run(last_position)
        while self._counted.up_to < head:
            await self.run(self._counted.go_on, head)
        return await self.run(self._counted.stats, self._path)

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
