"""The event log: one append-only SQLite file, one writer, any number of readers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from core.clock import Clock, SystemClock
from core.concurrency import task_group
from core.errors import CannotOpen, LogReadOnly
from core.events import Append, BranchRequested, Payload, StoredEvent, encode
from core.events.envelope import to_us
from core.ids import uuid7
from core.log.anchor import Anchor
from core.log.branches import MAIN, Branch
from core.log.connection import check_identity, create, open_reader, open_writer
from core.log.lock import OwnerLock
from core.log.pages import last_position
from core.log.read_side import ReadSide
from core.log.reader import Reader
from core.log.snapshots import save_snapshot
from core.log.tail import Tail
from core.log.transaction import Fact, Request, StreamAppend, Transactions, load_branches
from core.log.write_ahead import Overgrown
from core.log.writer import GroupCommit


class EventLog(ReadSide):
    """Append, read and follow events. Made by `open`."""

    def __init__(
        self, path: Path, log_id: str, reader: Reader, tail: Tail, writer: GroupCommit | None,
        tasks: asyncio.TaskGroup,
    ) -> None:  # fmt: skip
        super().__init__(path, log_id, reader, tail, tasks, owned=writer is not None)
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: str | Path, *, read_only: bool = False, clock: Clock | None = None
    ) -> AsyncGenerator[EventLog, None]:
        """Open the log at `path` for the length of an `async with`; make it when it does not exist (0600).

        For writing, this process becomes the log's only owner. With `read_only` nothing is ever written, and
        any number of processes may do the same beside an owner.

        Raises:
            LogOwned: another process owns it.
            NotOurDatabase, NewerSchema, CannotOpen: nothing was changed.
        """
        clock = clock or SystemClock()
        path, lock = await asyncio.to_thread(_claim, path, read_only, clock)
        try:
            async with cls._connected(path, read_only, clock) as log:
                yield log
        finally:
            if lock is not None:
                lock.release()

    @classmethod
    @asynccontextmanager
    async def _connected(cls, path: Path, read_only: bool, clock: Clock) -> AsyncGenerator[EventLog, None]:
        async with AsyncExitStack() as stack:
            # The writer opens first and closes last: it alone may make and remove the files beside the log.
            connection = None
            if not read_only:
                connection = await open_writer(path)
                stack.push_async_callback(connection.close)
            reading = await open_reader(path)
            stack.push_async_callback(reading.close)
            reader = Reader(path, reading, await reading.run(load_branches), clock)
            log_id = await reader.run(_log_id)
            tail = Tail(await reader.run(last_position))
            tasks = await stack.enter_async_context(task_group())
            if connection is None:
                log = cls(path, log_id, reader, tail, None, tasks)
                stack.callback(log._stop_watching)
                yield log
                return
            anchor = await connection.run(Anchor, path, log_id)
            stack.push_async_callback(connection.run, _closing, anchor)
            transactions = await connection.run(Transactions, anchor.advance)
            reader.branches = transactions.branches
            inode = (await asyncio.to_thread(path.stat)).st_ino
            writer = GroupCommit(path, inode, connection, transactions, anchor, clock, tail.publish)
            writing = tasks.create_task(writer.commit_until_closed(), name="write the log")
            try:
                yield cls(path, log_id, reader, tail, writer, tasks)
            finally:
                writer.close()
                await writing

    # -- writing ----------------------------------------------------------------------------------------------

    async def append(
        self,
        stream: str,
        events: Sequence[Payload],
        *,
        branch: str = MAIN,
        expected_version: int | None = None,
        event_ids: Sequence[UUID] | None = None,
        actor: str = "user",
        session_id: str = "",
        tenant_id: str = "local",
        correlation_id: UUID | None = None,
        causation_id: int | None = None,
    ) -> list[StoredEvent]:
        """Append all of `events` to `stream`, or none; they are durable (fsynced) on return.

        Versions are consecutive. `expected_version`: None any, 0 the stream must not exist, n exactly n.
        With `event_ids` that are all stored already, on this stream and in this order, the stored events come
        back and nothing is written. The first event gets `causation_id`, each later one is caused by the one
        before it. A caller that is cancelled does not know whether the events were stored.

        Raises:
            VersionConflict: the stream is elsewhere.
            DuplicateEvent: some of the ids are known, or known for something else.
            InvalidEvent, PayloadTooLarge: an event cannot be stored as it is.
            UnknownBranch, LogReadOnly, StorageFailed, LogClosed
        """
        return await self.append_many(
            [Append(stream, list(events), expected_version)],
            branch=branch,
            event_ids=event_ids,
            actor=actor,
            session_id=session_id,
            tenant_id=tenant_id,
            correlation_id=correlation_id,
            causation_id=causation_id,
        )

    async def append_many(
        self,
        appends: Sequence[Append],
        *,
        branch: str = MAIN,
        event_ids: Sequence[UUID] | None = None,
        actor: str = "user",
        session_id: str = "",
        tenant_id: str = "local",
        correlation_id: UUID | None = None,
        causation_id: int | None = None,
    ) -> list[StoredEvent]:
        """Append to several streams in one transaction, versions checked together; all or nothing.

        `event_ids` name the events of all appends in order; the first event of each append gets the append's
        own cause, or `causation_id`. Otherwise as `append`.
        """
        writer = self._writing()
        prepared = [
            StreamAppend(
                _checked(append.stream),
                [_fact(event) for event in append.events],
                append.expected_version,
                append.cause,
            )
            for append in appends
        ]
        request = Request(
            prepared,
            branch,
            None if event_ids is None else [event_id.bytes for event_id in event_ids],
            actor,
            session_id,
            tenant_id,
            None if correlation_id is None else correlation_id.bytes,
            causation_id,
        )
        if event_ids is not None and len(event_ids) != request.count():
            raise ValueError(f"{len(event_ids)} event ids for {request.count()} events")
        return await writer.append(request) if request.count() else []

    async def fork(
        self, name: str, *, parent: str = MAIN, at: int, request_id: str | None = None, actor: str = "user"
    ) -> Branch:
        """A new branch that shares `parent`'s events up to `at` (inclusive); nothing is copied.

        Its first own event is `branch:requested`, stored in the same transaction. The same `request_id` again
        returns the branch it made.

        Raises:
            BranchExists, UnknownBranch: nothing was stored.
            ValueError: `at` is beyond the parent's head.
        """
        writer = self._writing()
        request_id = request_id or str(uuid7())
        made = self.reader.branches.by_request(request_id)
        if made is not None:
            return made
        head = await self.head(parent)
        if not 0 <= at <= head:
            raise ValueError(f"{parent} ends at {head}: it cannot be forked at {at}")
        requested = _fact(BranchRequested(request_id=request_id, parent=parent, at=at))
        append = StreamAppend(f"branch/{name}", [requested], None, None)
        branch = Branch(name, parent, at, request_id, to_us(self.reader.clock.now()))
        await writer.fork(branch, Request([append], name, None, actor, "", "local", None, at or None))
        return branch

    async def save_snapshot(self, stream: str, version: int, state: object) -> None:
        """Keep one stream's cached fold: bytes as they are, anything else as JSON. Replaces the one before."""
        raw = state if isinstance(state, bytes) else msgspec.json.encode(state)
        now_us = to_us(self.reader.clock.now())
        await self._writing().run(save_snapshot, stream, version, now_us, not isinstance(state, bytes), raw)

    @property
    def overgrown(self) -> Overgrown | None:
        """What the write-ahead log has grown to while somebody keeps it from shrinking; the owner alone knows."""
        return None if self._writer is None else self._writer.write_ahead.overgrown

    def _writing(self) -> GroupCommit:
        if self._writer is None:
            raise LogReadOnly(str(self.path))
        return self._writer


def _claim(path: str | Path, read_only: bool, clock: Clock) -> tuple[Path, OwnerLock | None]:
    """Become the owner if it is for writing, and make sure a log of ours is there."""
    path = Path(path).absolute()
    if not path.parent.is_dir():
        raise CannotOpen(str(path), "there is no such directory")
    if read_only:
        if not path.exists():
            raise CannotOpen(str(path), "there is no log here yet")
        check_identity(path)
        return path, None
    lock = OwnerLock.acquire(path)
    try:
        if path.exists():
            check_identity(path)
        else:
            create(path, clock)
    except BaseException:
        lock.release()
        raise
    return path, lock


def _checked(stream: str) -> str:
    kind, slash, name = stream.partition("/")
    if not (kind and slash and name):
        raise ValueError(f"a stream is named aggregate_type/aggregate_id, not {stream!r}")
    return stream


def _fact(event: Payload) -> Fact:
    text, payload = encode(event)
    return Fact(text, payload)


def _log_id(connection: sqlite3.Connection) -> str:
    return connection.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()[0]


def _closing(_connection: sqlite3.Connection, anchor: Anchor) -> None:
    anchor.close()
