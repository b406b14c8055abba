"""A disk that remembers: every write and sync of a database goes through it, and the power can be cut after any.

SQLite's own files are written through a recording VFS (apsw brings its own SQLite, with the same code). What was
synced is on the disk. Of what was not, each write is there, lost or torn by sectors, by chance. The first sync of a
new file syncs the directory, too, as SQLite does it; so then files that were deleted before stay away.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

NAME = "remembering"
SECTOR = 512


class Written(NamedTuple):
    """What was done to a file."""

    doing: str
    """`write`, `truncate`, `sync` or `delete`."""
    file: str
    offset: int = 0
    content: bytes = b""


class Disk:
    """What was done to all files, in order."""

    def __init__(self) -> None:
        self.done: list[Written] = []

    def cut(self, after: int, into: Path, chance: random.Random) -> None:
        """The files as they are found when the power is cut after so many doings."""
        done = self.done[:after]
        synced = {one.file: number for number, one in enumerate(done) if one.doing == "sync"}
        directory = max(_first_syncs(done), default=-1)
        files: defaultdict[str, bytearray] = defaultdict(bytearray)
        for number, one in enumerate(done):
            safe = number <= (directory if one.doing == "delete" else synced.get(one.file, -1))
            if one.doing == "sync" or (not safe and chance.random() < 0.5):
                continue
            if one.doing == "delete":
                files.pop(one.file, None)
            elif one.doing == "truncate":
                del files[one.file][one.offset :]
            else:
                for offset, content in _pieces(one, safe, chance):
                    _put(files[one.file], offset, content)
        for name, content in files.items():
            (into / Path(name).name).write_bytes(content)


def _first_syncs(done: list[Written]) -> Iterator[int]:
    """Where a file that had not been there was synced."""
    known: set[str] = set()
    for number, one in enumerate(done):
        if one.doing == "delete":
            known.discard(one.file)
        elif one.doing == "sync" and one.file not in known:
            known.add(one.file)
            yield number


def _pieces(one: Written, safe: bool, chance: random.Random) -> list[tuple[int, bytes]]:
    if safe or len(one.content) <= SECTOR:
        return [(one.offset, one.content)]
    sectors = range(0, len(one.content), SECTOR)
    return [(one.offset + at, one.content[at : at + SECTOR]) for at in sectors if chance.random() < 0.5]


def _put(file: bytearray, offset: int, content: bytes) -> None:
    file.extend(bytes(max(0, offset + len(content) - len(file))))
    file[offset : offset + len(content)] = content


class RememberedFile(apsw.VFSFile):
    """A file of the disk."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name or "unnamed"
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  apsw's names
        self._disk.done.append(Written("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.done.append(Written("truncate", self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.done.append(Written("sync", self._name))
        super().xSync(flags)


class Remembering(apsw.VFS):
    """The disk as SQLite sees it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(NAME, "", maxpathname=0)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> RememberedFile:  # noqa: N802
        return RememberedFile(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.done.append(Written("delete", filename))
        super().xDelete(filename, syncdir)
