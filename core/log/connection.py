"""SQLite connections: one that writes and checkpoints, others that can do neither.

Invariant: a unit of work is one plain function run in the connection's own thread, so nothing interleaves with
it and cancelling whoever awaits it never leaves a transaction open. Database files are only ever opened by
SQLite: closing a file descriptor of our own would drop the process's POSIX locks on it.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import aiosqlite

from core.clock import Clock
from core.errors import CannotOpen, CodewalkersError, NewerSchema, NotOurDatabase, StorageFailed
from core.events.envelope import to_us
from core.ids import uuid7

APPLICATION_ID = 0x63776C67  # "cwlg", in the header of every log
SCHEMA = 1
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables

READ_LIMIT_S = 5.0  # one read transaction: a longer one would keep the write-ahead log from shrinking
BUSY_TIMEOUT_MS = 5_000
CHECKPOINT_PAGES = 4_000  # larger than SQLite's default: fewer checkpoints in the path of an append
WAL_LIMIT_BYTES = 64 * 1024 * 1024
_OPCODES_PER_CHECK = 100_000
NO_TEXT = "Could not decode to UTF-8"

_WRITER_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"journal_size_limit = {WAL_LIMIT_BYTES}",
    "cache_size = -65536",
    "temp_store = MEMORY",
    "foreign_keys = ON",
    "cell_size_check = ON",
    "trusted_schema = OFF",
    *(("fullfsync = ON", "checkpoint_fullfsync = ON") if sys.platform == "darwin" else ()),
)

_READER_PRAGMAS = ("query_only = 1", "cache_size = -65536")

P = ParamSpec("P")
T = TypeVar("T")


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that can run a whole function in its thread."""

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`function(connection, …)` in the connection's thread. It runs to its end even if the caller is cancelled."""
        result: T = await self._execute(function, self._conn, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]  aiosqlite does not annotate it
        return result


async def open_writer(path: Path) -> Connection:
    """The one connection of the one process that writes."""
    return await open_connection(f"{path.as_uri()}?mode=rw", _WRITER_PRAGMAS)


async def open_reader(path: Path) -> Connection:
    """A connection that can neither write nor checkpoint."""
    return await open_connection(f"{path.as_uri()}?mode=ro", _READER_PRAGMAS)


async def open_connection(uri: str, pragmas: tuple[str, ...]) -> Connection:
    """A connection with a thread of its own, to be closed by whoever opens it."""
    connection = Connection(lambda: _connect(uri), iter_chunk_size=64)
    await connection
    try:
        await connection.run(_set_pragmas, pragmas)
    except BaseException:
        await connection.close()  # its thread is not a daemon: left open, the program would never exit
        raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def _set_pragmas(connection: sqlite3.Connection, pragmas: tuple[str, ...]) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def read_within(connection: sqlite3.Connection, clock: Clock, read: Callable[[], T]) -> T:
    """Run one read transaction, interrupted after `READ_LIMIT_S`. Bytes that are no text are read as `�`.

    Raises:
        sqlite3.OperationalError: interrupted, or whatever the read itself raised.
    """
    deadline = clock.monotonic() + READ_LIMIT_S
    connection.set_progress_handler(lambda: int(clock.monotonic() > deadline), _OPCODES_PER_CHECK)
    try:
        return read()
    except sqlite3.OperationalError as error:
        if connection.text_factory is not str or NO_TEXT not in str(error):
            raise
        connection.text_factory = _legible  # only now: it is several times slower
        return read()
    finally:
        connection.set_progress_handler(None, 0)


def _legible(stored: bytes) -> str:
    return stored.decode(errors="replace")


def create(path: Path, clock: Clock) -> None:
    """Make a new log at `path`, whole or not at all, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    for left in ("", "-journal", "-wal", "-shm"):
        fresh.with_name(fresh.name + left).unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.executescript("BEGIN;" + resources.files("core.log").joinpath("schema/0001_log.sql").read_text())
        connection.execute("INSERT INTO meta(key, value) VALUES ('log_id', ?)", (str(uuid7()),))
        connection.execute("INSERT INTO meta(key, value) VALUES ('created_at', ?)", (str(to_us(clock.now())),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
        # Now, not when it is opened first: who dies in the change leaves a journal that readers cannot roll back.
        connection.execute("PRAGMA journal_mode = WAL")
    fresh.rename(path)


def check_identity(path: Path) -> None:
    """Look at an existing file, through a read-only connection, before anything is written.

    Raises:
        NotOurDatabase, NewerSchema, CannotOpen: nothing was changed.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise CannotOpen(str(path), f"SQLite {sqlite3.sqlite_version} is too old, 3.37 or newer is needed")
    try:
        with closing(_connect(f"{path.as_uri()}?mode=ro")) as connection:
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise open_error(path, error) from error
    if application_id != APPLICATION_ID:
        raise NotOurDatabase(str(path))
    if schema > SCHEMA:
        raise NewerSchema(str(path), schema, SCHEMA)


def open_error(path: Path, error: Exception) -> CodewalkersError:
    """The sentence for a failure to open."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB":
        return NotOurDatabase(str(path))
    if name == "SQLITE_INTERRUPT":
        return CannotOpen(str(path), f"a read took longer than {READ_LIMIT_S:.0f} seconds and was given up; try again")
    if name.startswith("SQLITE_CORRUPT"):
        return CannotOpen(str(path), "the file is damaged; `cw doctor` says more")
    return CannotOpen(str(path), _plain(error, name))


def write_error(path: Path, error: Exception) -> StorageFailed:
    """The sentence for a failure to write."""
    return StorageFailed(str(path), _plain(error, getattr(error, "sqlite_errorname", "")))


def _plain(error: Exception, name: str) -> str:
    if name == "SQLITE_FULL":
        return "the disk is full"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return "the directory or the file cannot be written by this user"
    return f"{error} ({name})" if name else str(error)
