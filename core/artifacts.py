"""Artifacts: content kept beside the log, which only refers to it by its hash.

Content is on disk before anything refers to it. The same content is kept once; nothing here is ever changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

from core.errors import NotFound, StorageFailed


class Artifacts:
    """The content of one project."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def keep(self, content: bytes) -> str:
        """Keep the content, durably; its hash, the SHA-256 in hexadecimal.

        Raises:
            StorageFailed: nothing was kept.
        """
        return await asyncio.to_thread(self._keep, content)

    async def read(self, content_hash: str) -> bytes:
        """The content of that hash.

        Raises:
            NotFound
        """
        try:
            return await asyncio.to_thread(self.path(content_hash).read_bytes)
        except OSError as error:
            raise NotFound("artifact", content_hash) from error

    def path(self, content_hash: str) -> Path:
        """Where the content of that hash is, if it is kept."""
        return self._directory / content_hash[:2] / content_hash

    def _keep(self, content: bytes) -> str:
        content_hash = hashlib.sha256(content).hexdigest()
        path = self.path(content_hash)
        try:
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(path, content)
        except OSError as error:
            raise StorageFailed(str(path), error.strerror or str(error)) from error
        return content_hash


def _write(path: Path, content: bytes) -> None:
    """All of it under that name, or nothing, whatever happens meanwhile."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
