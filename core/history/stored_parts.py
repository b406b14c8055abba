"""Parts of a lineage's index in `index.db`, so that a million events are known without looking at each."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from core.history.index import Part

PART_EVENTS = 20_000
"""So many of a branch's own events make a part; reading as many labels takes about 20 ms."""


class KeptPart(Struct, frozen=True):
    """A part, and the event it ends with."""

    up_to: int
    hash: bytes
    part: Part


def parts_of(connection: sqlite3.Connection, branch: str, after: int, up_to: int) -> list[KeptPart]:
    """The parts of the branch's own events that follow each other from `after` (exclusive) to `up_to` at most."""
    rows = connection.execute(
        "SELECT after, up_to, hash, arrays FROM parts WHERE branch = ? AND after >= ? AND up_to <= ? ORDER BY after",
        (branch, after, up_to),
    )
    found: list[KeptPart] = []
    for begins, ends, hash_, arrays in rows:
        if begins != after:
            break
        found.append(KeptPart(ends, hash_, Part.decode(arrays)))
        after = ends
    return found


def parts_end(connection: sqlite3.Connection, branch: str) -> int | None:
    """Where the branch's last part ends; None when it has none."""
    return connection.execute("SELECT max(up_to) FROM parts WHERE branch = ?", (branch,)).fetchone()[0]


def keep_part(connection: sqlite3.Connection, branch: str, after: int, up_to: int, arrays: bytes) -> None:
    """Keep what `LineageIndex.part` gave of the branch's own events in the range; see `Indexer` for the connection."""
    connection.execute(
        "INSERT INTO parts(branch, after, up_to, hash, arrays)"
        " SELECT ?, ?, ?, hash, ? FROM events WHERE position = ? AND branch = ?",
        (branch, after, up_to, arrays, up_to, branch),
    )
