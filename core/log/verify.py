"""Verification: does the log still say what was written?

The chain is followed along every lineage: a branch that shares nothing with what was changed is good, one that does is
bad from the same place on. What the chain cannot know, that its end is missing, the anchor does (see `anchor`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from core.log.anchor import Anchored, read_anchor
from core.log.branches import MAIN, Branch, Branches
from core.log.chain import GENESIS, link, payload_digest
from core.log.reader import Reader
from core.log.rows import COLUMNS, Row, header
from core.log.transaction import lineage_head, load_branches

SLICE_EVENTS = 2_000  # hashed in one go, about 10 ms


class Lineage(Struct, frozen=True):
    """What was found along one branch, its parents' part included."""

    branch: str
    head: int
    """The last position that was looked at."""
    first_bad: int | None = None
    reason: str = ""


class Verification(Struct, frozen=True):
    """What looking at every event found."""

    events: int
    """How many were looked at."""
    first_bad: int | None = None
    """The first position, of any branch, whose hash, or whose place, is not what was written."""
    reason: str = ""
    head_hash: str = ""
    """Of the log's last event, in hex."""
    anchored: int | None = None
    """The position up to which the anchor vouches that nothing was cut off; None: there is no anchor."""
    lost: bool = False
    """Whether the anchor names events that are not, or once were not, in the log."""
    lineages: tuple[Lineage, ...] = ()
    """Every branch, oldest first."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_bad is None


async def verify(reader: Reader, path: Path, log_id: str) -> Verification:
    """Follow the hash chain along every lineage, from the first event to the last."""
    anchored = await asyncio.to_thread(read_anchor, path, log_id)  # first: the log is ahead of it, never behind
    check = _Check(await reader.run(load_branches), await reader.run(_forks), anchored)
    while rows := await reader.run(_slice, check.position):
        await reader.run(_follow, check, rows)  # in the reader's thread: hashing blocks nobody
    return check.verdict()


class _Bad(Struct, frozen=True):
    position: int
    reason: str


class _Check:
    """How far the chain was followed, and how it stands with every branch."""

    def __init__(self, branches: Branches, forks: dict[int, list[str]], anchored: Anchored | None) -> None:
        self.position = 0
        self._events = 0
        self._branches, self._forks = branches, forks
        self._ends: dict[str, bytes | _Bad] = {MAIN: GENESIS, **dict.fromkeys(forks.get(0, ()), GENESIS)}
        """Branch → the hash of its newest event, or what is bad about it."""
        self._heads: dict[str, int] = {}
        self._missing: list[int] = []
        """The first position of every gap."""
        self._bad: list[_Bad] = []
        self._lost: list[_Bad] = []
        self._last_hash = GENESIS
        self._head = None if anchored is None else anchored.head
        self._loss = None if anchored is None else anchored.loss

    def follow(self, row: Row) -> None:
        """Check the next row."""
        position, branch, hash_ = row[0], row[1], row[13]
        if position != self.position + 1:
            self._missing.append(self.position + 1)
            self._bad.append(_Bad(self.position + 1, f"the event is missing; the next one is {position}"))
        end = self._ends.get(branch)
        if end is None:
            self._bad.append(_Bad(position, f"its branch {branch!r} does not exist here yet"))
        elif isinstance(end, bytes):
            self._ends[branch] = self._linked(row, end)
        self._heads[branch] = position
        for fork in self._forks.get(position, ()):
            self._ends[fork] = self._ends.get(branch, hash_)
            self._heads[fork] = position
        if self._head is not None and self._head.position == position and self._head.hash != hash_:
            self._lost.append(_Bad(position, "another event had been acknowledged here"))
        self.position, self._last_hash = position, hash_
        self._events += 1

    def _linked(self, row: Row, previous: bytes) -> bytes | _Bad:
        if link(previous, header(row), payload_digest(row[14])) == row[13]:
            return row[13]
        before = self._heads.get(row[1], 0)
        gap = next((missing for missing in self._missing if missing > before), None)
        if gap is not None:
            return _Bad(gap, "an event is missing")
        return _Bad(row[0], "its hash does not match: it, or an event before it, was changed")

    def verdict(self) -> Verification:
        """What was found."""
        self._lost += self._gone()
        self._bad += self._lost
        ends = [(branch.name, self._ends.get(branch.name, GENESIS)) for branch in self._branches.all()]
        self._bad += [end for _, end in ends if isinstance(end, _Bad)]
        first = min(self._bad, key=lambda bad: bad.position, default=None)
        return Verification(
            events=self._events,
            first_bad=None if first is None else first.position,
            reason="" if first is None else first.reason,
            head_hash=self._last_hash.hex(),
            anchored=None if self._head is None else self._head.position,
            lost=bool(self._lost),
            lineages=tuple(self._lineage(name, end) for name, end in ends),
        )

    def _lineage(self, branch: str, end: bytes | _Bad) -> Lineage:
        head = self._heads.get(branch, 0)
        return Lineage(branch, head) if isinstance(end, bytes) else Lineage(branch, head, end.position, end.reason)

    def _gone(self) -> Iterator[_Bad]:
        if self._loss is not None:
            first = min(self._loss.ended_at + 1, self._loss.head.position)
            yield _Bad(first, f"events up to {self._loss.head.position} had been acknowledged, and once were gone")
        if self._head is not None and self._head.position > self.position:
            yield _Bad(self.position + 1, f"its end is cut off: events up to {self._head.position} were acknowledged")


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
