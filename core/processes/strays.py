"""Processes that an earlier run of ours left behind: find them, end them, report.

They carry `CW_RUN_ID` in their environment, or descend from one that does, or their identity was written down when
they were started. Invariants: neither we nor an ancestor of ours is ever a stray; nothing is signalled that is not
one of those three. Forbidden here: walking the process table in the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable

import psutil
from msgspec import Struct

from core.processes import shim
from core.processes.identity import Identity, identify, is_alive, send_signal

ROUND_S = 0.1
"""How long we wait for ends before we look again; less when all have ended."""
SHIM_ROUNDS = 80
"""A shim whose dashboard died empties its own tree within 6 s, and more thoroughly than we can."""
KILL_ROUNDS = 30
"""How often KILL is repeated: for what was born meanwhile."""

_SHIM_PATH = "core/processes/shim.py"


class Stray(Struct, frozen=True, kw_only=True):
    """A process that should have ended."""

    identity: Identity
    marker: str
    """Its `CW_RUN_ID`; empty when its environment does not tell and it is known otherwise."""
    is_shim: bool
    command: str


class Swept(Struct, frozen=True, kw_only=True):
    """What became of the strays."""

    ended: tuple[Stray, ...] = ()
    remaining: tuple[Stray, ...] = ()
    """Alive still: they belong to another user or hang in the kernel."""


class _Marker(Struct, frozen=True):
    """Which runs are meant: one by its name, or all whose names begin alike."""

    text: str
    prefix: bool

    def means(self, marker: str) -> bool:
        return marker.startswith(self.text) if self.prefix else marker == self.text


class _Row(Struct, frozen=True):
    """One line of the process table."""

    identity: Identity
    parent: int
    marker: str


def find_strays(marker_prefix: str, recorded: Iterable[Identity] = ()) -> tuple[Stray, ...]:
    """The live processes of runs whose marker begins with `marker_prefix`, and the recorded ones. Blocks.

    Look before starting runs under that prefix: running ones are not told from strays.

    Raises:
        ValueError: the prefix is empty, which would mean everybody's runs.
    """
    return _find(_prefix(marker_prefix), frozenset(recorded))


async def end_strays(marker_prefix: str, recorded: Iterable[Identity] = ()) -> Swept:
    """End what `find_strays` finds: wait for shims, 8 s at most, then kill what is left.

    Raises:
        ValueError: as `find_strays`.
    """
    return await asyncio.to_thread(_end, _prefix(marker_prefix), frozenset(recorded), SHIM_ROUNDS)


async def end_run(marker: str, recorded: Iterable[Identity] = ()) -> Swept:
    """Kill the tree of one run whose shim is dead or does not answer."""
    return await asyncio.to_thread(_end, _Marker(marker, prefix=False), frozenset(recorded), 0)


def _prefix(text: str) -> _Marker:
    if not text:
        raise ValueError("an empty prefix would mean everybody's runs")
    return _Marker(text, prefix=True)


def _end(marker: _Marker, recorded: frozenset[Identity], shim_rounds: int) -> Swept:
    known = {stray.identity: stray for stray in _find(marker, recorded)}
    _wait_for([stray for stray in known.values() if stray.is_shim], shim_rounds)
    for _ in range(KILL_ROUNDS):
        found = _find(marker, recorded)
        known |= {stray.identity: stray for stray in found}
        if not found:
            break
        for stray in found:
            send_signal(stray.identity, signal.SIGKILL)
        _wait_for(found, 1)
    remaining = _find(marker, recorded)
    alive = {stray.identity for stray in remaining}
    return Swept(ended=tuple(stray for stray in known.values() if stray.identity not in alive), remaining=remaining)


def _wait_for(strays: Iterable[Stray], rounds: int) -> None:
    """Return when none of them lives, or after so many rounds."""
    for _ in range(rounds):
        living = [process for stray in strays if is_alive(stray.identity) and (process := _process(stray.identity.pid))]
        if not living:
            return
        psutil.wait_procs(living, timeout=ROUND_S)  # which also waits for a parent to bury its dead: hence the rounds


def _find(marker: _Marker, recorded: frozenset[Identity]) -> tuple[Stray, ...]:
    table = {row.identity.pid: row for pid in psutil.pids() if (row := _row(pid))}
    spared = _ourselves_and_ancestors(table)
    roots = [row for row in table.values() if (row.marker and marker.means(row.marker)) or row.identity in recorded]
    found = _descendants([row for row in roots if row.identity.pid not in spared], table, spared)
    return tuple(_stray(row) for row in found)


def _descendants(roots: list[_Row], table: dict[int, _Row], spared: set[int]) -> list[_Row]:
    """The roots and everything below them; a parent that is younger than its child merely reuses a number."""
    found = {row.identity: row for row in roots}
    grown = True
    while grown:
        children = [
            row
            for row in table.values()
            if row.identity not in found
            and row.identity.pid not in spared
            and (parent := table.get(row.parent))
            and parent.identity in found
            and parent.identity.pid_started_at <= row.identity.pid_started_at
        ]
        found |= {row.identity: row for row in children}
        grown = bool(children)
    return sorted(found.values(), key=lambda row: (row.identity.pid_started_at, row.identity.pid))


def _ourselves_and_ancestors(table: dict[int, _Row]) -> set[int]:
    pid, spared = os.getpid(), {os.getpid()}
    while (row := table.get(pid)) and row.parent not in spared:
        pid = row.parent
        spared.add(pid)
    return spared


def _row(pid: int) -> _Row | None:
    """One live process; None for zombies and for what ended meanwhile."""
    identity = identify(pid)  # first of all: should the pid change hands now, no signal will reach the new owner
    process = _process(pid)
    if identity is None or process is None or not is_alive(identity):
        return None
    try:
        return _Row(identity, process.ppid(), _marker(process))
    except psutil.Error:  # it ended just now
        return None


def _marker(process: psutil.Process) -> str:
    """The marker of a process of our own user, or nothing."""
    try:
        own = process.uids().real == os.getuid()
        return process.environ().get(shim.MARKER, "") if own else ""
    except psutil.Error:  # it has rights that we lack, or no first thread any more; descent may still lead to it
        return ""


def _stray(row: _Row) -> Stray:
    words = _command(row.identity.pid)
    return Stray(
        identity=row.identity,
        marker=row.marker,
        is_shim=any(word.endswith(_SHIM_PATH) for word in words),
        command=" ".join(words),
    )


def _command(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:  # it ended, or hides; the command only labels it
        return []


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:  # it ended
        return None
