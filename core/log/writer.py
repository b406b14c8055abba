"""Group commit: whatever waits is written in one transaction, one thread hop, one fsync.

Invariant: a caller is answered only after its events are on disk, and in commit order. A request that is
refused fails alone; the rest of its batch is stored. A caller that stops waiting changes nothing: what was
handed over is stored whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from core.clock import Clock
from core.errors import LogClosed, LogError, LogVanished
from core.events.envelope import StoredEvent, to_us
from core.log.anchor import Anchor
from core.log.branches import Branch
from core.log.connection import Connection, write_error
from core.log.transaction import Outcome, Request, Transactions
from core.log.write_ahead import LOOK_EVERY_S, WriteAhead

BATCH_EVENTS = 1_000
BATCH_CHARACTERS = 1 << 20
IDLE_BEFORE_CHECKPOINT_S = 0.2  # a checkpoint in a pause costs nobody anything

T = TypeVar("T")
Answer = asyncio.Future[list[StoredEvent]]


class GroupCommit:
    """The writer: callers hand over requests, one task commits them."""

    def __init__(
        self, path: Path, inode: int, connection: Connection, transactions: Transactions, anchor: Anchor, clock: Clock,
        publish: Callable[[list[StoredEvent]], None],
    ) -> None:  # fmt: skip
        self._path, self._connection, self._transactions, self._clock = path, connection, transactions, clock
        self._anchor, self._publish = anchor, publish
        self.write_ahead = WriteAhead(path, clock)
        self._inode = inode
        self._waiting: deque[tuple[Request, Answer]] = deque()
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()
        self._closing = False
        self.failure: LogError | None = None

    async def append(self, request: Request) -> list[StoredEvent]:
        """The stored events, once they are durable.

        Raises:
            VersionConflict, DuplicateEvent, UnknownBranch, StorageFailed, LogClosed: nothing of it was stored.
        """
        self._refuse_if_over()
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._wake.set()
        return await answer

    async def fork(self, branch: Branch, request: Request) -> list[StoredEvent]:
        """Store a branch with its first event; see `Transactions.fork` for what it raises."""
        self._refuse_if_over()
        return await asyncio.shield(self._fork(branch, request))

    async def _fork(self, branch: Branch, request: Request) -> list[StoredEvent]:
        async with self._busy:
            events = await self.run(self._transactions.fork, branch, request, to_us(self._clock.now()))
            self._publish(events)
            return events

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Run one unit of work in the writer's thread.

        Raises:
            StorageFailed: SQLite refused.
        """
        self._refuse_if_over()
        try:
            return await self._connection.run(work, *args)
        except sqlite3.Error as error:
            raise write_error(self._path, error) from error

    def _refuse_if_over(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self._closing:
            raise LogClosed

    async def commit_until_closed(self) -> None:
        """The writer task: returns after `close`, when everything handed over is stored or refused."""
        try:
            while not (self._closing and not self._waiting):
                if not self._waiting and not await self._woken(IDLE_BEFORE_CHECKPOINT_S):
                    await self._checkpoint()
                    while self.write_ahead.overgrown and not await self._woken(LOOK_EVERY_S):
                        await self._checkpoint()
                    await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    async with self._busy:
                        await self._commit(self._take())
                    # Let those just answered hand over more, so that they share the next transaction.
                    await asyncio.sleep(0)
        finally:
            self._closing = True  # also when we are cancelled: nobody would answer any more
            self._refuse_waiting(self.failure or LogClosed())

    async def _woken(self, within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._wake.wait()
                return True
        return False

    def close(self) -> None:
        """Refuse new requests; `commit_until_closed` ends once those before are answered."""
        self._closing = True
        self._wake.set()

    def _take(self) -> list[tuple[Request, Answer]]:
        batch: list[tuple[Request, Answer]] = []
        events = characters = 0
        while self._waiting and events < BATCH_EVENTS and characters < BATCH_CHARACTERS:
            request, answer = self._waiting.popleft()
            if answer.cancelled():
                continue
            batch.append((request, answer))
            events += request.count()
            characters += request.size()
        return batch

    async def _commit(self, batch: list[tuple[Request, Answer]]) -> None:
        if not batch:
            return
        try:
            outcomes = await self._store([request for request, _ in batch])
        except LogVanished as vanished:
            self.failure = vanished
            self._settle(batch, [vanished] * len(batch))
            self._refuse_waiting(vanished)
        except sqlite3.Error as error:
            if len(batch) == 1:
                self._settle(batch, [write_error(self._path, error)])
            else:
                for one in batch:  # find the guilty one; the others are stored
                    await self._commit([one])
        else:
            self._settle(batch, outcomes)

    async def _store(self, requests: list[Request]) -> list[Outcome]:
        return await self._connection.run(self._commit_here, requests, to_us(self._clock.now()))

    def _commit_here(self, connection: sqlite3.Connection, requests: list[Request], now_us: int) -> list[Outcome]:
        if not self._file_is_ours():
            raise LogVanished(str(self._path), self._rescue(connection))
        outcomes = self._transactions.commit(connection, requests, now_us)
        self.write_ahead.look()
        return outcomes

    def _file_is_ours(self) -> bool:
        try:
            return os.stat(self._path).st_ino == self._inode  # noqa: PTH116  a stat is safe where an open is not
        except OSError:
            return False

    def _rescue(self, connection: sqlite3.Connection) -> str | None:
        rescue = self._path.with_name(f"rescued-{to_us(self._clock.now())}.db")
        try:
            rescue.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection.execute("VACUUM INTO ?", (str(rescue),))
            rescue.chmod(0o600)
        except (sqlite3.Error, OSError):
            return None
        return str(rescue)

    def _settle(self, batch: list[tuple[Request, Answer]], outcomes: list[Outcome]) -> None:
        fresh: list[StoredEvent] = []
        for (_, answer), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, LogError):
                if not answer.done():
                    answer.set_exception(outcome)
                continue
            fresh += outcome
            if not answer.done():
                answer.set_result(outcome)
        self._publish(fresh)

    def _refuse_waiting(self, reason: LogError) -> None:
        while self._waiting:
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(reason)

    async def _checkpoint(self) -> None:
        with suppress(sqlite3.Error):  # the next one does it; a reader or a full disk may be in its way
            await self._connection.run(self._checkpoint_here)

    def _checkpoint_here(self, connection: sqlite3.Connection) -> None:
        self._anchor.sync()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.write_ahead.look()
