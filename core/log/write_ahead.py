"""The write-ahead log: how large it has grown, and who keeps it from shrinking.

What commits write is moved into the log's file by checkpoints, and those stop at whatever the oldest read transaction
of any process still sees. Our own are over within seconds; a shell that was left open in a transaction is not. Linux
tells who holds SQLite's read locks; elsewhere whoever has the file open is suspected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct

from core.clock import Clock
from core.log.connection import WAL_LIMIT_BYTES

LOOK_EVERY_S = 10.0
"""Asking who holds a lock takes some milliseconds of the writer's time, or much more where all processes are asked."""
_READ_LOCKS = range(123, 128)
"""Bytes of the shared-memory file that readers lock while in a transaction: https://sqlite.org/walformat.html."""
_LOCKS = Path("/proc/locks")


class Holder(Struct, frozen=True):
    """A process that reads the log, or may."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


class Overgrown(Struct, frozen=True):
    """A write-ahead log that cannot shrink."""

    size_bytes: int
    holders: tuple[Holder, ...]

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        who = ", ".join(map(str, self.holders))
        size = f"the write-ahead log has grown to {self.size_bytes // 2**20} MB"
        if not who:
            return f"{size}: the next write that finds nobody reading shrinks it"
        return f"{size}, because {who} keeps reading the log; close it, or let it end its transaction"


def overgrown(log_path: Path) -> Overgrown | None:
    """What has become of a write-ahead log past its limit; None while it is within."""
    size = _size(log_path)
    return Overgrown(size, tuple(holders(log_path))) if size > WAL_LIMIT_BYTES else None


def holders(log_path: Path) -> list[Holder]:
    """The other processes in a read transaction on the log, or, where that cannot be known, that have it open."""
    pids = _locking(log_path) if sys.platform == "linux" and _LOCKS.exists() else _opening(log_path)
    return [Holder(pid, _name(pid)) for pid in sorted(set(pids) - {os.getpid()})]


class WriteAhead:
    """The write-ahead log as its writer sees it after each commit, in the writer's thread."""

    def __init__(self, log_path: Path, clock: Clock) -> None:
        self._path, self._clock = log_path, clock
        self._looked_at: float | None = None
        self.overgrown: Overgrown | None = None
        """While somebody keeps it from shrinking."""

    def look(self) -> None:
        """See how large it is, and now and then who is in its way."""
        if _size(self._path) <= WAL_LIMIT_BYTES:
            self.overgrown = self._looked_at = None
            return
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            found = overgrown(self._path)
            self.overgrown = found if found is not None and found.holders else None


def _size(log_path: Path) -> int:
    try:
        return os.stat(f"{log_path}-wal").st_size  # noqa: PTH116  once a commit
    except OSError:
        return 0


def _locking(log_path: Path) -> Iterator[int]:
    with suppress(OSError):
        inode = os.stat(f"{log_path}-shm").st_ino  # noqa: PTH116
        yield from locking(_LOCKS.read_text().splitlines(), inode)


def locking(lines: Iterable[str], inode: int) -> Iterator[int]:
    """The processes in a read transaction, of `/proc/locks`: `1: POSIX ADVISORY READ 4711 fe:00:3015518 124 124`.

    The device is not compared: some file systems tell another one here.
    """
    for line in lines:
        words = line.split()
        if len(words) == 8 and words[1] == "POSIX" and words[5].endswith(f":{inode}"):
            first, last = words[6], words[7]
            if any(int(first) <= byte and (last == "EOF" or byte <= int(last)) for byte in _READ_LOCKS):
                yield int(words[4])


def _opening(log_path: Path) -> Iterator[int]:
    names = {str(log_path), f"{log_path}-wal"}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(file.path in names for file in process.open_files()):
                yield process.pid


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a program"
