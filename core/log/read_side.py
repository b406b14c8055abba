"""The reading half of the log: what an owner and any number of observers do alike.

Nothing here writes. A log that is open for reading only learns from the files beside it that its owner wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path

from core.events import StoredEvent
from core.log.branches import MAIN, Branch
from core.log.filters import Filter, Span
from core.log.pages import PAGE_EVENTS, last_position
from core.log.reader import Reader
from core.log.snapshots import Snapshot
from core.log.statistics import LogStats
from core.log.streams import StreamSummary
from core.log.tail import Tail, announce_growth
from core.log.verify import Verification, verify


class ReadSide:
    """Read, follow and look over events."""

    def __init__(
        self, path: Path, log_id: str, reader: Reader, tail: Tail, tasks: asyncio.TaskGroup, *, owned: bool
    ) -> None:
        self.path, self.log_id = path, log_id
        self.tail = tail
        """The newest events in memory; in a read-only log only the wake-up."""
        self.reader = reader
        """For rooms that look at the log in bulk."""
        self._tasks, self._owned = tasks, owned
        self._watching: asyncio.Task[None] | None = None

    async def read(
        self,
        *,
        branch: str | None = MAIN,
        after: int = 0,
        up_to: int | None = None,
        streams: Iterable[str] | None = None,
        aggregate_types: Iterable[str] | None = None,
        types: Iterable[str] | None = None,
        session_id: str | None = None,
        tenant_id: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> AsyncIterator[StoredEvent]:
        """The lineage's events by position; of all branches when `branch` is None.

        `after` is exclusive, `up_to` inclusive (None: the head at the call); `since` inclusive and `before`
        exclusive compare recording times; `types` accepts `task:*`. What is appended meanwhile is not read.

        Raises:
            UnknownBranch
        """
        await self._know(branch)
        where = Filter.of(
            streams=streams, aggregate_types=aggregate_types, types=types, session_id=session_id,
            tenant_id=tenant_id, since=since, before=before,
        )  # fmt: skip
        span = Span(after, await self.reader.run(last_position) if up_to is None else up_to)
        left = limit
        if left is not None and left <= 0:
            return
        size = PAGE_EVENTS if left is None else min(left, PAGE_EVENTS)
        pages = self.reader.pages(branch=branch, span=span, where=where, backwards=backwards, page_events=size)
        async for page in pages:
            for event in page if left is None else page[:left]:
                yield event
            if left is not None:
                left -= len(page)
                if left <= 0:
                    return

    async def subscribe(
        self,
        *,
        branch: str | None = MAIN,
        after: int = 0,
        streams: Iterable[str] | None = None,
        aggregate_types: Iterable[str] | None = None,
        types: Iterable[str] | None = None,
        session_id: str | None = None,
        tenant_id: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> AsyncIterator[StoredEvent]:
        """Everything after `after`, then everything as it is appended; no gap, no duplicate, never ends.

        It reads from its own position, so a slow consumer holds no memory and misses nothing.

        Raises:
            UnknownBranch
        """
        await self._know(branch)
        where = Filter.of(
            streams=streams, aggregate_types=aggregate_types, types=types, session_id=session_id,
            tenant_id=tenant_id, since=since, before=before,
        )  # fmt: skip
        self._watch()
        while True:
            grown = self.tail.arm()
            head = await self.reader.run(last_position)
            async for page in self.reader.pages(branch=branch, span=Span(after, head), where=where):
                for event in page:
                    yield event
            if head <= after:
                await grown.wait()
            after = max(after, head)

    async def head(self, branch: str | None = MAIN, session_id: str | None = None) -> int:
        """The last position on the lineage (of that session); 0 when there is none."""
        await self._know(branch)
        return await self.reader.head(branch, session_id)

    async def version(self, stream: str, branch: str = MAIN) -> int:
        """The stream's version; 0 when it does not exist on that branch."""
        await self._know(branch)
        return await self.reader.version(stream, branch)

    async def streams(
        self,
        *,
        aggregate_type: str | None = None,
        tenant_id: str | None = None,
        limit: int = 100,
        offset: int = 0,
        branch: str = MAIN,
    ) -> list[StreamSummary]:
        """The branch's streams, the one with the newest event first."""
        await self._know(branch)
        return await self.reader.streams(
            branch=branch, aggregate_type=aggregate_type, tenant_id=tenant_id, limit=limit, offset=offset
        )

    async def branches(self) -> list[Branch]:
        """All branches, oldest first."""
        if not self._owned:
            await self.reader.reload_branches()
        return self.reader.branches.all()

    async def load_snapshot(self, stream: str) -> Snapshot | None:
        """The stream's stored snapshot, if there is one."""
        return await self.reader.snapshot(stream)

    async def verify(self) -> Verification:
        """Follow the hash chain over every event."""
        return await verify(self.reader, self.path, self.log_id)

    async def stats(self) -> LogStats:
        """The log in numbers."""
        return await self.reader.stats()

    def _watch(self) -> None:
        """See what another process appends; our own appends announce themselves."""
        if not self._owned and self._watching is None:
            self._watching = self._tasks.create_task(announce_growth(self.path, self.tail), name="watch the log")

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _know(self, branch: str | None) -> None:
        """Make sure a branch that another process may have made is known."""
        if branch is not None and not self._owned and not self.reader.branches.knows(branch):
            await self.reader.reload_branches()
