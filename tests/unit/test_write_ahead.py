"""The write-ahead log can always shrink, however slow who reads; and who is in its way is named."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fakes.clock import FakeClock

from core.errors import CannotOpen
from core.events import AgentOutput, TaskQueued
from core.log import EventLog, write_ahead
from core.log.tail import TAIL_EVENTS
from core.log.write_ahead import LOOK_EVERY_S, Holder, Overgrown, holders, locking, overgrown

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells who holds a lock")

READS = """
import sqlite3, sys
connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM events").fetchall()
print("reading", flush=True)
sys.stdin.read()
"""


@contextmanager
def somebody_reading(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that stays in a read transaction."""
    with subprocess.Popen(
        [sys.executable, "-c", READS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "reading\n"
        yield process
        process.stdin.close()


def left_in_write_ahead(path: Path) -> int:
    """Pages a checkpoint could not move, as a stranger who reads nothing sees it."""
    with closing(sqlite3.connect(path)) as stranger:
        _, written, moved = stranger.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return written - moved


async def test_a_slow_subscriber_holds_nothing_and_misses_nothing(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    following = log.subscribe()
    positions = [(await anext(following)).position]
    for _ in range(TAIL_EVENTS // 100 + 20):  # more than the tail in memory holds
        await log.append("task/a", [AgentOutput(lines=("x" * 200,))] * 100)
    assert left_in_write_ahead(log_path) == 0
    head = await log.head()
    while positions[-1] < head:
        positions.append((await anext(following)).position)
        if positions[-1] % 1_000 == 7:
            await log.append("task/b", [TaskQueued()])
            head += 1
            assert left_in_write_ahead(log_path) == 0
    assert positions == list(range(1, head + 1))


async def test_a_read_that_takes_too_long_is_given_up_in_a_sentence(log_path: Path) -> None:
    clock = FakeClock()
    async with EventLog.open(log_path, clock=clock) as log:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

        def read(connection: sqlite3.Connection) -> object:
            # Time passes once the read has begun.
            connection.create_function("pass_time", 0, lambda: clock.advance(6))
            return connection.execute(f"SELECT pass_time(), ({endless})").fetchone()

        with pytest.raises(CannotOpen, match="took longer than 5 seconds and was given up"):
            await log.reader.run(read)
        assert await log.head() == 0


@LINUX
async def test_who_reads_is_named_and_nobody_else(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    assert await asyncio.to_thread(holders, log_path) == []
    with somebody_reading(log_path) as process:
        (holder,) = await asyncio.to_thread(holders, log_path)
        assert holder.pid == process.pid
        assert holder.name.startswith("python")
    assert await asyncio.to_thread(holders, log_path) == []


@LINUX
async def test_past_the_limit_whoever_keeps_it_from_shrinking_is_named_until_they_are_gone(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead, "WAL_LIMIT_BYTES", 100_000)
    clock = FakeClock()
    async with EventLog.open(log_path, clock=clock) as log:
        assert log.overgrown is None
        await log.append("task/a", [TaskQueued()])
        with somebody_reading(log_path) as process:
            for _ in range(3):
                await log.append("task/a", [AgentOutput(lines=("x" * 100_000,))])
            clock.advance(LOOK_EVERY_S)
            await log.append("task/a", [TaskQueued()])
            found = log.overgrown
            assert found is not None
            assert [holder.pid for holder in found.holders] == [process.pid]
            assert f"(process {process.pid}) keeps reading the log" in found.sentence
        clock.advance(LOOK_EVERY_S)
        await log.append("task/a", [TaskQueued()])
        assert log.overgrown is None


async def test_a_write_ahead_log_within_its_limit_is_no_matter(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    assert await asyncio.to_thread(overgrown, log_path) is None
    assert await asyncio.to_thread(overgrown, log_path.with_name("never.db")) is None


def test_what_is_wrong_is_told_in_a_sentence() -> None:
    both = Overgrown(80 * 2**20, (Holder(7, "sqlite3"), Holder(9, "python3")))
    assert both.sentence.startswith(
        "the write-ahead log has grown to 80 MB, because sqlite3 (process 7), python3 (process 9) keeps reading"
    )
    assert "the next write" in Overgrown(80 * 2**20, ()).sentence


def test_of_the_systems_locks_only_those_of_readers_count() -> None:
    lines = [
        "1: POSIX  ADVISORY  READ 11 fe:00:7 128 128",  # has it open
        "2: POSIX  ADVISORY  READ 12 fe:00:7 124 124",
        "3: POSIX  ADVISORY  READ 13 fe:00:77 124 124",  # another file
        "4: FLOCK  ADVISORY  WRITE 14 fe:00:7 0 EOF",
        "5: POSIX  ADVISORY  WRITE 15 fe:00:7 120 120",  # writes
        "6: -> POSIX  ADVISORY  WRITE 16 fe:00:7 123 123",  # waits
        "7: POSIX  ADVISORY  WRITE 17 00:2f:7 123 EOF",
        "nonsense",
    ]
    assert list(locking(lines, 7)) == [12, 17]
