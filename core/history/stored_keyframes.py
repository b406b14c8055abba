"""Keyframes in `index.db`: one small delta each, and now and then a whole state.

A keyframe is reached from the newest whole state before it, or from one in memory, by applying the deltas after that.
Whole states come as often as keeps the way there about as short as reading the state itself. Everything here runs in
a thread, with a connection to `index.db`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from msgspec import Struct

from core.history.index_file import meta, projections, transaction
from core.history.keyframes import KEYFRAME_EVENTS
from core.history.stretch import read_stretch
from core.log.branches import Lineage
from core.projections import State
from core.projections.delta import apply, encode_draft, encode_state, restore

DELTAS_PER_STATE = 0.5
"""A whole state is kept when the deltas since the last one weigh so much of it: both take about as long to read."""
SMALLEST_BYTES = 64 * 1024
"""Deltas that weigh less need no whole state."""
AT_ONCE = 100
"""Deltas applied in one go when there is no hurry: some 30 ms."""


class Keyframe(Struct, frozen=True):
    """A state that was kept, and what it takes beyond the one before."""

    branch: str
    state: State
    hash: bytes
    changes: int


def usable(connection: sqlite3.Connection) -> bool:
    """Whether the keyframes are of this version of the projections."""
    return meta(connection, "projections") == projections()


def way_to(connection: sqlite3.Connection, lineage: Lineage, base: State, up_to: int, like: State) -> list[Keyframe]:
    """The keyframes from the nearest state (`base` or a kept one) to the last one at or before `up_to`, in order.

    They share with `like` what they have in common.
    """
    if not usable(connection):
        return []
    way: list[Keyframe] = []
    whole = _newest_state(connection, lineage, base.position, up_to, like)
    if whole is not None:
        way.append(whole)
        base = whole.state
    way += _following(connection, lineage, base, up_to)
    return way


def next_ones(connection: sqlite3.Connection, lineage: Lineage, base: State, up_to: int) -> list[Keyframe]:
    """Some of the keyframes that follow `base`, which is one, or the empty state."""
    if not usable(connection):
        return []
    return [keyframe for keyframe, _ in zip(_following(connection, lineage, base, up_to), range(AT_ONCE), strict=False)]


def sample(connection: sqlite3.Connection, lineage: Lineage, up_to: int, number: int) -> list[int]:
    """The positions of up to so many of the lineage's keyframes, spread evenly, the first and the last among them."""
    if not usable(connection):
        return []
    kept: list[int] = []
    for segment in lineage:
        last = up_to if segment.up_to is None else min(up_to, segment.up_to)
        rows = connection.execute(
            "SELECT position FROM keyframes WHERE branch = ? AND position <= ? ORDER BY position",
            (segment.branch, last),
        )
        kept += [position for (position,) in rows]
    steps = min(number, len(kept)) - 1
    return [kept[step * (len(kept) - 1) // max(1, steps)] for step in range(steps + 1)]


class Chain:
    """The end of a lineage's keyframes, where the next one goes. For the log's owner alone."""

    def __init__(self, connection: sqlite3.Connection, lineage: Lineage, head: int) -> None:
        self._lineage = lineage
        self.kept = way_to(connection, lineage, State.empty(), head, State.empty())
        """The keyframes it was found by."""
        self._state = self.kept[-1].state if self.kept else State.empty()
        row = connection.execute(
            "SELECT position, length(state) FROM states WHERE branch = ? ORDER BY position DESC LIMIT 1",
            (lineage[-1].branch,),
        ).fetchone()
        position, self._state_bytes = row or (0, 0)
        (self._deltas_bytes,) = connection.execute(
            "SELECT coalesce(sum(length(delta)), 0) FROM keyframes WHERE branch = ? AND position > ?",
            (lineage[-1].branch, position),
        ).fetchone()

    def grow(self, connection: sqlite3.Connection, head: int) -> Keyframe | int:
        """Keep the next keyframe, if the lineage has the events up to `head`; else how many are missing."""
        stretch = read_stretch(connection, self._lineage, self._state, head)
        if not stretch.complete:
            return KEYFRAME_EVENTS - stretch.draft.events
        hash_ = connection.execute("SELECT hash FROM events WHERE position = ?", (stretch.state.position,)).fetchone()[
            0
        ]
        keyframe = Keyframe(stretch.owner, stretch.state, hash_, stretch.changes)
        self._keep(connection, keyframe, encode_draft(stretch.draft))
        self._state = keyframe.state
        return keyframe

    def _keep(self, connection: sqlite3.Connection, keyframe: Keyframe, delta: bytes) -> None:
        branch, position = keyframe.branch, keyframe.state.position
        self._deltas_bytes += len(delta)
        whole = None
        if self._deltas_bytes > max(self._state_bytes * DELTAS_PER_STATE, SMALLEST_BYTES):
            whole = encode_state(keyframe.state)
            self._state_bytes, self._deltas_bytes = len(whole), 0
        with transaction(connection):
            connection.execute(
                "INSERT INTO keyframes(branch, position, hash, delta) VALUES (?, ?, ?, ?)",
                (branch, position, keyframe.hash, delta),
            )
            if whole is not None:
                connection.execute(
                    "INSERT INTO states(branch, position, state) VALUES (?, ?, ?)", (branch, position, whole)
                )


def _newest_state(
    connection: sqlite3.Connection, lineage: Lineage, after: int, up_to: int, like: State
) -> Keyframe | None:
    for segment in reversed(lineage):
        last = up_to if segment.up_to is None else min(up_to, segment.up_to)
        row = connection.execute(
            "SELECT state, hash FROM states JOIN keyframes USING (branch, position)"
            " WHERE branch = ? AND position > ? AND position <= ? ORDER BY position DESC LIMIT 1",
            (segment.branch, after, last),
        ).fetchone()
        if row is not None:
            state, unshared = restore(row[0], like)
            return Keyframe(segment.branch, state, row[1], unshared)
    return None


def _following(connection: sqlite3.Connection, lineage: Lineage, base: State, up_to: int) -> Iterator[Keyframe]:
    state = base
    for segment in lineage:
        last = up_to if segment.up_to is None else min(up_to, segment.up_to)
        rows = connection.execute(
            "SELECT hash, delta FROM keyframes WHERE branch = ? AND position > ? AND position <= ? ORDER BY position",
            (segment.branch, state.position, last),
        )
        for hash_, delta in rows:
            before = state.totals.events
            state, changes = apply(state, delta)
            if state.totals.events - before != KEYFRAME_EVENTS:
                raise ValueError(f"keyframes before {state.position} are missing")
            yield Keyframe(segment.branch, state, hash_, changes)
