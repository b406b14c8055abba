"""Who may write: an advisory lock on a file beside the log, held while the process lives.

The lock is `flock`: the kernel drops it with the process, however that ends, so a stale file means nothing. The
file's text only names the owner for others to read. The descriptor is not inherited by children.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from core.errors import CannotOpen, LogOwned


class Owner(msgspec.Struct, frozen=True):
    """What the lock file says about the process that holds it."""

    pid: int


class OwnerLock:
    """The right to write one log."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @classmethod
    def acquire(cls, log_path: Path) -> OwnerLock:
        """Take the lock of the log at `log_path` without waiting.

        Raises:
            LogOwned: another process, or another handle of this one, holds it.
            CannotOpen: the lock file cannot be made.
        """
        path = lock_path(log_path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotOpen(str(log_path), f"{path.name} cannot be made: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LogOwned(str(log_path), owner_pid(log_path)) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(Owner(pid=os.getpid())), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the right to write back."""
        os.truncate(self._descriptor, 0)
        os.close(self._descriptor)


def lock_path(log_path: Path) -> Path:
    """The file whose lock guards the log."""
    return log_path.with_name(log_path.name + "-lock")


def owner_pid(log_path: Path) -> int | None:
    """The process the lock file names; None when it names none. Only the lock itself says whether it lives."""
    try:
        return msgspec.json.decode(lock_path(log_path).read_bytes(), type=Owner).pid
    except (OSError, msgspec.MsgspecError):
        return None
