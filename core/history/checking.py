"""Whether the log is what was recorded, and can be read: asked beside the work, over a connection of its own.

A screen that is shown is never held up by this: the newest events are looked at first, then all of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from core.events.registry import EVENT_TYPES
from core.log import EventLog
from core.log.chain import link, payload_digest
from core.log.rows import COLUMNS, Row, header

TAIL_EVENTS = 1_000


class Checked(Struct, frozen=True):
    """What was found."""

    first_bad: int | None = None
    """The first position that is not what was recorded."""
    reason: str = ""
    unknown: tuple[tuple[str, int], ...] = ()
    """Types this version does not know, and how many events are of each, the most frequent first."""


async def check(path: Path, tell: Callable[[Checked], None]) -> None:
    """Look at the newest events, then at all of them, and tell what is known after each.

    Raises:
        CannotOpen: the log cannot be read.
    """
    async with EventLog.open(path, read_only=True) as log:
        bad = await log.reader.run(_first_bad_of_the_last)
        tell(Checked(bad, "" if bad is None else "it, or an event just before it, was changed"))
        verdict = await log.verify()
        kinds = (await log.stats()).by_type
        unknown = tuple((kind, number) for kind, number in kinds.items() if kind not in EVENT_TYPES)
        tell(Checked(verdict.first_bad, verdict.reason, unknown))


def _first_bad_of_the_last(connection: sqlite3.Connection) -> int | None:
    """The first of the newest events that does not follow from the one before it on its branch."""
    rows: list[Row] = connection.execute(
        f"SELECT {COLUMNS} FROM events ORDER BY position DESC LIMIT ?",  # noqa: S608  constants
        (TAIL_EVENTS,),
    ).fetchall()
    newest: dict[str, bytes] = {}
    for row in reversed(rows):
        before = newest.get(row[1])
        if before is not None and link(before, header(row), payload_digest(row[14])) != row[13]:
            return row[0]
        newest[row[1]] = row[13]
    return None
