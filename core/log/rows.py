"""Rows of the `events` table and what they become."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from core.events.envelope import BareEvent, StoredEvent
from core.events.registry import decode
from core.log.chain import Header

Row = tuple[
    int, str, str, int, bytes, str, int, int, str, str, bytes | None, int | None, str, bytes, str
]  # fmt: skip

Labels = tuple[
    int, str, str, int, bytes, str, int, int, str, str, bytes | None, int | None, str
]  # fmt: skip
"""A row without its hash and payload."""

COLUMNS = (
    "position, branch, stream, version, event_id, type, schema_version, recorded_at,"
    " session_id, tenant_id, correlation_id, causation_id, actor, hash, payload"
)

INSERT = f"INSERT INTO events({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  constants


def stored(rows: Iterable[Row]) -> list[StoredEvent]:
    """The events of some rows, payloads typed and upcast."""
    return [StoredEvent(*row[:14], decode(row[5], row[6], row[14])) for row in rows]


BareRow = tuple[int, str, int, int, str, int, str]

BARE_COLUMNS = "position, stream, version, recorded_at, type, schema_version, payload"


class BarePage(Struct, frozen=True):
    """Some events as folds take them."""

    events: list[BareEvent]
    characters: int
    """Of all their payloads."""


def bare(rows: list[BareRow]) -> BarePage:
    """The events of some rows as folds take them, payloads typed and upcast."""
    events = [
        BareEvent(position, stream, version, recorded_us, decode(kind, schema_version, payload))
        for position, stream, version, recorded_us, kind, schema_version, payload in rows
    ]
    return BarePage(events, sum([len(row[6]) for row in rows]))


def header(labels: Row | Labels) -> Header:
    """What the hash chain covers beside the payload."""
    (
        position, branch, stream, version, event_id, kind, schema_version, recorded_us, session_id, tenant_id,
        correlation, cause, actor,
    ) = labels[:13]  # fmt: skip
    return (
        position, branch, stream, version, event_id.hex(), kind, schema_version, recorded_us, session_id, tenant_id,
        None if correlation is None else correlation.hex(), cause, actor,
    )  # fmt: skip
