"""The anchor: where the log ended, in a file beside it, so that a cut end is noticed.

Rows cannot tell that the newest of them are gone: with the write-ahead log deleted, or an older copy put back, what is
left is a whole chain. So after every commit the last position and its hash are written here. That costs no second
fsync: after a power cut the anchor may be older than the log, but it is never ahead of what the log had on disk. It
comes to the disk in pauses and at the end. A log that does not hold what its anchor names has lost something; the
anchor then keeps that in mind until somebody removes the file. It makes loss evident, not impossible: whoever can
write the log can write the anchor.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

_HEADER_BYTES = 512
_HEAD, _CHECK = struct.Struct(">Q32s"), struct.Struct(">I")
_SLOTS = (512, 576)
"""Written in turn: of the two at most the newer one is torn."""


class Head(Struct, frozen=True):
    """An event the log has had: its position and hash."""

    position: int
    hash: bytes


class Loss(Struct, frozen=True):
    """What the log did not hold any more when it was opened."""

    head: Head
    ended_at: int
    """The log's last position then."""


class Anchored(Struct, frozen=True):
    """What an anchor says."""

    log_id: str
    head: Head | None
    loss: Loss | None


def anchor_path(log_path: Path) -> Path:
    """The anchor of the log at that path."""
    return log_path.with_name(log_path.name + "-anchor")


def read_anchor(log_path: Path, log_id: str) -> Anchored | None:
    """What the log's anchor says; None when it has none, or one that cannot be read or is another log's."""
    try:
        content = anchor_path(log_path).read_bytes()
        about = msgspec.json.decode(content[:_HEADER_BYTES].rstrip(b"\0"), type=_About)
    except (OSError, msgspec.MsgspecError):
        return None
    if about.log_id != log_id:
        return None
    heads = [head for head in (_unpacked(content[at:]) for at in _SLOTS) if head is not None]
    return Anchored(log_id, max(heads, key=lambda head: head.position, default=None), about.loss)


class _About(Struct, frozen=True):
    log_id: str
    loss: Loss | None


def _packed(head: Head) -> bytes:
    content = _HEAD.pack(head.position, head.hash)
    return content + _CHECK.pack(crc32(content))


def _unpacked(content: bytes) -> Head | None:
    """The head in a slot; None when there is none, or only part of one."""
    try:
        head = Head(*_HEAD.unpack_from(content))
        (check,) = _CHECK.unpack_from(content, _HEAD.size)
    except struct.error:
        return None
    return head if head.position and check == crc32(content[: _HEAD.size]) else None


class Anchor:
    """The anchor of the log's owner, who alone writes it, in the writer's thread. Trouble with it is no trouble."""

    def __init__(self, connection: sqlite3.Connection, log_path: Path, log_id: str) -> None:
        """Take it over, and notice what the log has lost."""
        self._path, self._log_id = anchor_path(log_path), log_id
        known = read_anchor(log_path, log_id)
        self._head = last_event(connection)
        self.loss = None if known is None else known.loss or _loss(connection, known.head, self._head)
        self._file: int | None = None
        self._turn = 0
        self._make()

    def advance(self, head: Head) -> None:
        """The log ends here now, and that is on disk."""
        self._head = head
        self._turn ^= 1
        if self._file is not None:
            with suppress(OSError):  # what it says stays true, it is only older
                os.pwrite(self._file, _packed(head), _SLOTS[self._turn])

    def sync(self) -> None:
        """Have it on disk; where somebody removed it, it is there again."""
        try:
            if self._file is None or os.stat(self._path).st_ino != os.fstat(self._file).st_ino:  # noqa: PTH116
                self._make()
            else:
                os.fsync(self._file)
        except OSError:
            self._make()

    def close(self) -> None:
        """Write no more."""
        self.sync()
        self._drop()

    def _make(self) -> None:
        self._drop()
        content = msgspec.json.encode(_About(self._log_id, self.loss)).ljust(_HEADER_BYTES, b"\0")
        slot = b"" if self._head is None else _packed(self._head)
        fresh = self._path.with_name(f".{self._path.name}.new")
        with suppress(OSError):
            file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            self._file = file
            os.pwrite(file, content + slot.ljust(_SLOTS[1] - _SLOTS[0], b"\0") * 2, 0)
            os.fsync(file)
            fresh.replace(self._path)

    def _drop(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def last_event(connection: sqlite3.Connection) -> Head | None:
    """Where the log ends; None when it is empty."""
    row = connection.execute("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return None if row is None else Head(*row)


def _loss(connection: sqlite3.Connection, known: Head | None, last: Head | None) -> Loss | None:
    if known is None:
        return None
    row = connection.execute("SELECT hash FROM events WHERE position = ?", (known.position,)).fetchone()
    if row is not None and row[0] == known.hash:
        return None
    return Loss(known, 0 if last is None else last.position)
