"""The indexer: keeps `index.db` up to the log, from its own position, in its own thread.

The log's owner has one. It never delays an append and nothing waits for it; what it has not reached yet is folded, or
looked through, from the log. Trouble with the file costs speed, never truth: a damaged file is made again, and when
that does not help the indexer says why and rests.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from core.history.index_file import NAME, create, meta, projections, transaction, whose
from core.history.stored_keyframes import Chain
from core.history.stored_parts import PART_EVENTS, keep_part, parts_end
from core.history.texts import index_some, searchable
from core.history.timeline import Timeline
from core.log import EventLog
from core.log.branches import MAIN
from core.log.connection import Connection, open_connection

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",  # the newest rows may be lost with the power, nothing else
    "journal_size_limit = 16777216",
    "cache_size = -16384",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
)

TEXTS_BEHIND = 1_000
"""So many events are looked through in no time: their texts are indexed together, once there are more."""
_OF_THE_DISK = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_BUSY")


class Indexer:
    """Fills the index of one log. Made by `open`."""

    def __init__(self, log: EventLog, timeline: Timeline) -> None:
        self._log, self._timeline = log, timeline
        self._path = timeline.file.path
        self._connection: Connection | None = None
        self._writing = asyncio.Lock()
        self._chains: dict[str, Chain] = {}
        self._due: dict[str, int] = {}
        """Branch → the log's head from which on there may be enough for its next keyframe."""
        self._parts_end: dict[str, int] = {}
        self._searchable = 0
        self.trouble: str | None = None
        """Why nothing is kept, in a sentence; None while all is well."""

    @classmethod
    @asynccontextmanager
    async def open(cls, log: EventLog, timeline: Timeline) -> AsyncGenerator[Indexer, None]:
        """The indexer for the length of an `async with`: with its file ready, or with `trouble`."""
        indexer = cls(log, timeline)
        try:
            await indexer._try(_nothing)
            yield indexer
        finally:
            await indexer._disconnect()

    async def catch_up(self, branch: str = MAIN) -> None:
        """Keep the branch's keyframes up to the log's head; they are in the timeline's memory, too."""
        async with self._writing:
            await self._try(lambda connection: self._keyframes(connection, branch))

    async def run(self, branches: Iterable[str] = (MAIN,)) -> None:
        """Keep everything of these branches up to the log, for ever; returns when there is trouble."""
        for branch in branches:
            await self._timeline.fill(branch)
        while self.trouble is None:
            grown = self._log.tail.arm()
            for branch in branches:
                await self.advance(branch)
            if self._log.tail.head - self._searchable < TEXTS_BEHIND or not await self.advance_texts():
                await grown.wait()

    async def advance(self, branch: str = MAIN) -> None:
        """Keep everything of the branch up to the log's head."""
        async with self._writing:
            await self._try(lambda connection: self._keyframes(connection, branch))
            await self._try(lambda connection: self._parts(connection, branch))

    async def advance_texts(self) -> bool:
        """Index some more of what events say; whether there is more."""
        async with self._writing:
            await self._try(self._texts)
        return self.trouble is None and self._searchable < self._log.tail.head

    # -- keyframes and parts ----------------------------------------------------------------------------------

    async def _keyframes(self, connection: Connection, branch: str) -> None:
        head = self._log.tail.head
        chain = self._chains.get(branch)
        if chain is None:
            lineage = self._log.reader.branches.lineage(branch)
            chain = self._chains[branch] = await connection.run(Chain, lineage, head)
            for keyframe in chain.kept:
                self._timeline.keep(keyframe)
            chain.kept.clear()
        while self._due.get(branch, 0) <= head:
            grown = await connection.run(chain.grow, head)
            if isinstance(grown, int):
                self._due[branch] = head + grown
            else:
                self._timeline.keep(grown)

    async def _parts(self, connection: Connection, branch: str) -> None:
        head = self._log.tail.head
        if head - self._parts_end.get(branch, 0) < PART_EVENTS:
            return
        index = await self._timeline.index(branch)
        end = self._parts_end.get(branch)
        if end is None:
            fork = self._log.reader.branches[branch].at
            end = await connection.run(parts_end, branch) or index.last_before(fork + 1)
        place = index.place(end) + PART_EVENTS
        while place <= len(index.positions):
            up_to = index.positions[place - 1]
            await connection.run(keep_part, branch, end, up_to, index.part(end, up_to))
            end, place = up_to, place + PART_EVENTS
        self._parts_end[branch] = end

    async def _texts(self, connection: Connection) -> None:
        self._searchable = await connection.run(index_some, self._log.tail.head)

    # -- the file ---------------------------------------------------------------------------------------------

    async def _try(self, work: Callable[[Connection], Awaitable[None]]) -> None:
        """Do it with the file; when that is damaged, once more with a new one. Then there is `trouble`."""
        for afresh in (False, True):
            if self.trouble is not None:
                return
            try:
                await work(await self._connected(afresh))
            except (sqlite3.Error, ValueError, OSError) as error:
                await self._disconnect()
                if afresh or _not_its_fault(error):
                    self.trouble = f"{NAME} cannot be kept: {error}"
            else:
                return

    async def _connected(self, afresh: bool) -> Connection:
        if self._connection is None:
            await asyncio.to_thread(_make_sure, self._path, self._log.log_id, afresh)
            self._connection = await open_connection(f"{self._path.as_uri()}?mode=rw", _PRAGMAS)
            await self._connection.run(_attach, self._log.path)
            if not await self._connection.run(_of_this_history):
                raise ValueError("it was made of another history")
            await self._connection.run(_of_these_projections)
        return self._connection

    async def _disconnect(self) -> None:
        self._chains.clear()
        self._due.clear()
        self._parts_end.clear()
        self._searchable = 0
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _not_its_fault(error: Exception) -> bool:
    """Whether a new file would fare no better."""
    return isinstance(error, OSError) or getattr(error, "sqlite_errorname", "").startswith(_OF_THE_DISK)


async def _nothing(_connection: Connection) -> None:
    """To be ready is enough."""


def _make_sure(path: Path, log_id: str, afresh: bool) -> None:
    """Make sure a file of ours is there; a new one, if it shall be made afresh."""
    if path.exists() and not afresh:
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                if whose(connection, log_id) is None:
                    return
        except sqlite3.DatabaseError:
            pass  # whatever it is, it is not ours: it is made anew
    create(path, log_id)


def _attach(connection: sqlite3.Connection, log_path: Path) -> None:
    """Let the connection read the log; it can neither write nor checkpoint it."""
    connection.execute("ATTACH ? AS log", (f"{log_path.as_uri()}?mode=ro",))


def _of_this_history(connection: sqlite3.Connection) -> bool:
    """Whether the newest rows of every branch end with events that are in the log."""
    for table, column in (("keyframes", "position"), ("parts", "up_to")):
        (strange,) = connection.execute(
            f"SELECT count(*) FROM (SELECT branch, max({column}) AS position, hash FROM {table} GROUP BY 1) AS kept"  # noqa: S608  constants
            " LEFT JOIN log.events AS event ON event.position = kept.position AND event.branch = kept.branch"
            " WHERE event.hash IS NOT kept.hash"
        ).fetchone()
        if strange:
            return False
    position, hash_ = searchable(connection)
    row = connection.execute("SELECT hash FROM log.events WHERE position = ?", (position,)).fetchone()
    return not position or (row is not None and row[0] == hash_)


def _of_these_projections(connection: sqlite3.Connection) -> None:
    """Drop keyframes that another version of the projections made."""
    if meta(connection, "projections") == projections():
        return
    with transaction(connection):
        connection.execute("DELETE FROM keyframes")
        connection.execute("DELETE FROM states")
        connection.execute("UPDATE main.meta SET value = ? WHERE key = 'projections'", (projections(),))
