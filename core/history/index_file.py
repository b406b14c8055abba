"""`index.db` beside the log: what can be rebuilt from it, kept so that it need not be.

Invariant: nothing in the file is the only copy of anything. It belongs to one log (by the log's id, and by the hashes
of the events its rows end with), to one layout, and its keyframes to one version of the projections; whatever does not
fit is ignored by those who read, and dropped and made again by the log's owner, who alone writes. Reading opens a
connection for each question, so that a file that is deleted or replaced is simply no longer, or newly, there.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from core.log import EventLog
from core.log.connection import BUSY_TIMEOUT_MS

NAME = "index.db"
APPLICATION_ID = 0x63776978  # "cwix"
LAYOUT = 1
"""Raise it when the tables, or what is in them, change."""
TEXTS = "CREATE VIRTUAL TABLE texts USING fts5(said, content = '', tokenize = 'trigram', detail = none, columnsize = 0)"

P = ParamSpec("P")
T = TypeVar("T")


class IndexFile:
    """The file as those see it who only read."""

    def __init__(self, log: EventLog) -> None:
        self._log_id = log.log_id
        self.path = log.path.with_name(NAME)
        self.trouble: str | None = None
        """Why the file was no help the last time, in a sentence; None when it was, or when there is none."""

    async def read(
        self, question: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """`question(connection, …)` in a thread of its own; None when there is no file that can answer."""
        return await asyncio.to_thread(self._ask, lambda connection: question(connection, *args, **kwargs))

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        if not self.path.exists():
            return None
        try:
            with closing(
                sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None)
            ) as connection:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
                self.trouble = whose(connection, self._log_id)
                return question(connection) if self.trouble is None else None
        except (sqlite3.Error, ValueError) as error:
            self.trouble = f"{NAME} cannot be used: {error}"
            return None


def whose(connection: sqlite3.Connection, log_id: str) -> str | None:
    """Why the file is not this log's, or not of this layout; None when it is."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        return f"{NAME} is no index of a log"
    if layout != LAYOUT:
        return f"{NAME} is of another version"
    if meta(connection, "log_id") != log_id:
        return f"{NAME} belongs to another log"
    return None


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    """A value the file says about itself."""
    row = connection.execute("SELECT value FROM main.meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """All of what is written inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create(path: Path, log_id: str) -> None:
    """Make an empty index in place of whatever is there, readable by its owner only."""
    for old in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
        old.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("BEGIN;" + resources.files("core.history").joinpath("index.sql").read_text())
        connection.execute(
            "INSERT INTO meta(key, value) VALUES ('log_id', ?), ('projections', ?)", (log_id, projections())
        )
        with suppress(sqlite3.OperationalError):  # built without full-text search: searches look through the log
            connection.execute(TEXTS)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("COMMIT")


@cache
def projections() -> str:
    """Which version of the projections this is: what their source and the events' says, so nobody has to remember."""
    digest = hashlib.sha256()
    for package in ("core.events", "core.projections"):
        for source in sorted(resources.files(package).iterdir(), key=lambda source: source.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    return digest.hexdigest()
