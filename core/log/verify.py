"""Verification: does the log still say what was written?"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from core.log.branches import MAIN, Branch, Branches
from core.log.chain import GENESIS, link, payload_digest
from core.log.reader import Reader
from core.log.rows import COLUMNS, Row, header
from core.log.transaction import lineage_head, load_branches

SLICE_EVENTS = 2_000  # hashed in one go, about 10 ms


class Verification(Struct, frozen=True):
    """What looking at every event found."""

    events: int
    """How many were looked at."""
    first_bad: int | None = None
    """The first position whose hash, or whose place, is not what was written."""
    reason: str = ""
    head_hash: str = ""
    """Of the last good event, in hex."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_bad is None


async def verify(reader: Reader) -> Verification:
    """Follow the hash chain along every lineage, from the first event to the last."""
    check = _Check(await reader.run(_forks))
    while not check.done:
        rows = await reader.run(_slice, check.position)
        if not rows:
            break
        await reader.run(_follow, check, rows)  # in the reader's thread: hashing blocks nobody
    return check.verdict()


class _Check:
    """How far the chain was followed, and the newest hash of every branch."""

    def __init__(self, forks: dict[int, list[str]]) -> None:
        self.position = 0
        self._hashes = {MAIN: GENESIS, **dict.fromkeys(forks.get(0, ()), GENESIS)}
        self._forks = forks
        self._last_hash = GENESIS
        self._bad: tuple[int, str] | None = None

    @property
    def done(self) -> bool:
        """Whether something bad was found: what follows it proves nothing."""
        return self._bad is not None

    def follow(self, row: Row) -> None:
        """Check the next row."""
        position, branch = row[0], row[1]
        if position != self.position + 1:
            self._bad = (self.position + 1, f"the event is missing; the next one is {position}")
            return
        previous = self._hashes.get(branch)
        if previous is None:
            self._bad = (position, f"its branch {branch!r} does not exist here yet")
            return
        if link(previous, header(row), payload_digest(row[14])) != row[13]:
            self._bad = (position, "its hash does not match: it, or an event before it, was changed")
            return
        self._hashes[branch] = self._last_hash = row[13]
        for fork in self._forks.get(position, ()):
            self._hashes[fork] = row[13]
        self.position = position

    def verdict(self) -> Verification:
        """What was found."""
        bad, reason = self._bad or (None, "")
        return Verification(self.position, bad, reason, self._last_hash.hex())


def _forks(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Position of a branch's last shared event → the branches that begin after it."""
    branches = load_branches(connection)
    forks: dict[int, list[str]] = {}
    for branch in branches.all():
        if branch.parent is not None:
            forks.setdefault(_shared(connection, branches, branch), []).append(branch.name)
    return forks


def _shared(connection: sqlite3.Connection, branches: Branches, branch: Branch) -> int:
    return lineage_head(connection, branches.lineage(branch.name)[:-1])


def _slice(connection: sqlite3.Connection, after: int) -> list[Row]:
    return connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?",  # noqa: S608  constants
        (after, SLICE_EVENTS),
    ).fetchall()


def _follow(_connection: sqlite3.Connection, check: _Check, rows: list[Row]) -> None:
    for row in rows:
        check.follow(row)
        if check.done:
            return
