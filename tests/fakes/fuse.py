"""A fuse in the log's writer: it blows between two steps of a transaction, and from then on nothing is written.

What the files were at that moment is what a killed process leaves: all it wrote, and no more.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

SUFFIXES = ("", "-wal", "-anchor")


class Fuse:
    """Counts the writer's steps; at the last one it copies the log's files and lets nothing happen any more."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._copy: tuple[Path, Path] | None = None
        self.blown = False

    def arm(self, steps: int | None, log: Path, copy: Path) -> None:
        """Blow after so many steps, or never; the files are copied to `copy`."""
        self._left, self._copy, self.blown = steps, (log, copy), False

    def step(self) -> None:
        """One more step is done, or about to be."""
        if self.blown:
            raise sqlite3.OperationalError("this process was killed")
        if self._left is None or self._copy is None:
            return
        self._left -= 1
        if self._left < 0:
            self.blow()
            raise sqlite3.OperationalError("this process was killed")

    def blow(self) -> None:
        """Be killed now."""
        assert self._copy is not None
        left_behind(*self._copy)
        self.blown = True


def left_behind(log: Path, copy: Path) -> None:
    """Copy what a process that is killed now leaves of its log."""
    copy.parent.mkdir(parents=True)
    for suffix in SUFFIXES:
        file = Path(f"{log}{suffix}")
        if file.exists():
            shutil.copy(file, f"{copy}{suffix}")


class Fused(sqlite3.Connection):
    """A connection whose steps the fuse counts."""

    fuse: ClassVar[Fuse]

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        writes = sql.startswith(("BEGIN", "COMMIT", "INSERT"))
        if writes:
            self.fuse.step()
        done = super().execute(sql, parameters)  # type: ignore[arg-type]
        if writes:
            self.fuse.step()
        return done

    def executemany(self, sql: str, parameters: Iterable[object], /) -> sqlite3.Cursor:
        for row in parameters:
            self.fuse.step()
            super().execute(sql, row)  # type: ignore[arg-type]
        return self.cursor()
