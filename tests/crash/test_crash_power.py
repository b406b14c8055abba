"""The power is cut: whatever was acknowledged is on the disk, and what is on it is a whole log.

    CW_POWER_CUTS=2000 pytest -n 0 tests/crash/test_crash_power.py

The log's own writer runs on a disk that remembers every write and sync; then the power is cut at random places, and
the log is opened with what is left. `CW_SEED` chooses other places.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from bisect import bisect_right
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.events import AgentOutput, Append, TaskCreated, TaskQueued
from core.log import EventLog, event_log
from core.log import anchor as anchors
from core.log import connection as connections
from core.log.connection import Connection

apsw = pytest.importorskip("apsw", reason="the recording disk needs it: pip install -e '.[dev]'")

if TYPE_CHECKING:
    from fakes.power import Disk

CUTS = int(os.environ.get("CW_POWER_CUTS", "60"))
SEED = int(os.environ.get("CW_SEED", "7"))
ROUNDS = 150


class Recorded:
    """What happened on the disk, and what was acknowledged when."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.acknowledged: list[tuple[int, int]] = []
        """How much had been done to the disk when a position was acknowledged."""
        self.anchors: list[tuple[int, bytes]] = []
        """How much had been done when the anchor said this; any of those since its last sync may be found."""

    def acknowledged_by(self, cut: int) -> int:
        number = bisect_right(self.acknowledged, cut, key=lambda one: one[0])
        return self.acknowledged[number - 1][1] if number else 0


class _OnTheWritersConnection:
    """Reads where the writer writes: a VFS of ours has no shared memory, so that nobody else could."""

    def __init__(self, writer: Connection) -> None:
        self.run = writer.run

    async def close(self) -> None:
        """The writer closes it."""


@pytest.fixture
def synchronous() -> str:
    return "FULL"


@pytest.fixture
async def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synchronous: str) -> AsyncIterator[Recorded]:
    """A log written on a disk that remembers, with small checkpoints so that there are many."""
    from fakes.power import NAME, Disk, Remembering

    disk = Disk()
    remembering = Remembering(disk)
    recorded = Recorded(disk)
    path = tmp_path / "written" / "events.db"
    path.parent.mkdir()
    writers: list[Connection] = []
    open_connection = connections.open_connection

    def connected(uri: str) -> object:
        made = apsw.Connection(uri, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI, vfs=NAME)
        made.execute("PRAGMA locking_mode = EXCLUSIVE")
        return made

    async def open_writer(log_path: Path) -> Connection:
        monkeypatch.setattr(connections, "_connect", connected)
        assert "synchronous = FULL" in connections._WRITER_PRAGMAS
        pragmas = (*connections._WRITER_PRAGMAS, "wal_autocheckpoint = 30", f"synchronous = {synchronous}")
        writers.append(await open_connection(f"{log_path.as_uri()}?mode=rw", pragmas))
        monkeypatch.undo()
        return writers[0]

    async def open_reader(_log_path: Path) -> object:
        return _OnTheWritersConnection(writers[0])

    def advance(self: anchors.Anchor, head: anchors.Head) -> None:
        really_advance(self, head)
        recorded.anchors.append((len(disk.done), anchors.anchor_path(path).read_bytes()))

    really_advance = anchors.Anchor.advance
    await asyncio.to_thread(_made_through, path, disk)
    with monkeypatch.context() as patch:
        patch.setattr(event_log, "open_writer", open_writer)
        patch.setattr(event_log, "open_reader", open_reader)
        patch.setattr(anchors.Anchor, "advance", advance)
        async with EventLog.open(path) as log:
            await _write(log, recorded)
    yield recorded
    remembering.unregister()


def _made_through(path: Path, disk: Disk) -> None:
    """A new log, and what it is made of on the disk."""
    from fakes.clock import FakeClock
    from fakes.power import Written

    connections.create(path, FakeClock())
    disk.done += [Written("write", str(path), 0, path.read_bytes()), Written("sync", str(path))]


async def _write(log: EventLog, recorded: Recorded) -> None:
    """Appends of every size, some together, and forks; what was answered is noted."""
    chance = random.Random(SEED)
    branches = ["main"]
    for number in range(ROUNDS):
        branch = chance.choice(branches)
        if number % 25 == 24:
            await log.fork(f"fork-{number}", parent=branch, at=await log.head(branch))
            branches.append(f"fork-{number}")
        calls = [
            log.append_many(
                [
                    Append("task/a", [TaskCreated(title=f"{number}.{call}"), TaskQueued()]),
                    Append("agent/a", [AgentOutput(lines=("x" * chance.randrange(4_000),))]),
                ],
                branch=branch,
            )
            for call in range(chance.choice((1, 1, 3)))
        ]
        stored = await asyncio.gather(*calls)
        recorded.acknowledged.append((len(recorded.disk.done), max(events[-1].position for events in stored)))


async def test_whenever_the_power_is_cut_nothing_acknowledged_is_lost(recorded: Recorded, tmp_path: Path) -> None:
    done = recorded.disk.done
    assert sum(one.doing == "sync" and one.file.endswith("-wal") for one in done) >= ROUNDS
    assert sum(one.doing == "sync" and one.file.endswith(".db") for one in done) > 5  # checkpoints
    async for cut, log in _cuts(recorded, tmp_path, CUTS):
        verified = await log.verify()
        assert verified.good, f"cut after {cut} of {len(done)} (seed {SEED}): {verified.reason}"
        assert verified.events >= recorded.acknowledged_by(cut)
        intact = await log.reader.run(lambda connection: connection.execute("PRAGMA integrity_check").fetchone())
        assert intact == ("ok",)
        await log.append("task/after", [TaskQueued()])
        assert (await log.verify()).good


@pytest.mark.parametrize("synchronous", ["NORMAL"])
async def test_a_log_that_does_not_wait_for_the_disk_loses_what_it_acknowledged_and_the_anchor_tells(
    recorded: Recorded, tmp_path: Path
) -> None:
    lost = noticed = 0
    async for cut, log in _cuts(recorded, tmp_path, CUTS // 2):
        verified = await log.verify()
        lost += verified.events < recorded.acknowledged_by(cut)
        noticed += verified.lost
    assert lost > 0
    assert noticed > 0


async def _cuts(recorded: Recorded, tmp_path: Path, number: int) -> AsyncIterator[tuple[int, EventLog]]:
    """So many cuts, each with the log that is found then."""
    chance = random.Random(SEED)
    for trial in range(number):
        cut = chance.randint(recorded.acknowledged[0][0], len(recorded.disk.done))
        found = tmp_path / str(trial)
        await asyncio.to_thread(_found, recorded, cut, found, chance)
        async with EventLog.open(found / "events.db") as log:
            yield cut, log
        await asyncio.to_thread(shutil.rmtree, found)


def _found(recorded: Recorded, cut: int, directory: Path, chance: random.Random) -> None:
    """What somebody finds who turns the power on again."""
    directory.mkdir()
    recorded.disk.cut(cut, directory, chance)
    said = [content for at, content in recorded.anchors if at <= cut]
    if said:
        (directory / "events.db-anchor").write_bytes(chance.choice(said))
