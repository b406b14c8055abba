"""Snapshots: one stream's cached fold each. They can be lost without loss."""

from __future__ import annotations

import sqlite3

import msgspec
from msgspec import Struct


class Snapshot(Struct, frozen=True):
    """One stream's cached fold."""

    stream: str
    version: int
    state: object
    created_us: int


def save_snapshot(
    connection: sqlite3.Connection, stream: str, version: int, now_us: int, is_json: bool, state: bytes
) -> None:
    """Store the snapshot in place of the one before; runs in the writer's thread."""
    connection.execute(
        "INSERT INTO snapshots(stream, version, created_at, is_json, state) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT(stream) DO UPDATE SET version = excluded.version, created_at = excluded.created_at,"
        " is_json = excluded.is_json, state = excluded.state",
        (stream, version, now_us, is_json, state),
    )


def load_snapshot(connection: sqlite3.Connection, stream: str) -> Snapshot | None:
    """The stored snapshot of a stream, if there is one."""
    row = connection.execute(
        "SELECT version, created_at, is_json, state FROM snapshots WHERE stream = ?", (stream,)
    ).fetchone()
    if row is None:
        return None
    version, created_us, is_json, state = row
    return Snapshot(stream, version, msgspec.json.decode(state) if is_json else state, created_us)
