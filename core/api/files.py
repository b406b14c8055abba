"""Reading a file for an agent: only regular files of the project, of bounded size."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from core.errors import Refused
from core.project import OURS

AGENTS_PLACES = ("worktrees",)
"""Directories of ours in which agents work."""


async def read_file(root: Path, workspace: str, path: str, limit_bytes: int) -> bytes:
    """The content of a file of the project at `root`; a relative path counts from the workspace.

    Raises:
        Refused: it is none that may be read, or it is too large.
    """
    return await asyncio.to_thread(_read, root, workspace, path, limit_bytes)


def _read(root: Path, workspace: str, path: str, limit_bytes: int) -> bytes:
    try:
        root = root.resolve()
        found = (root / workspace / path).resolve()
        if not _may_be_read(root, found):
            raise Refused(f"{path!r} is not in the project")
        descriptor = os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)  # a pipe must not make us wait
        try:
            return _content(descriptor, path, limit_bytes)
        finally:
            os.close(descriptor)
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, or no path at all
        raise Refused(f"{path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _content(descriptor: int, path: str, limit_bytes: int) -> bytes:
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        raise Refused(f"{path!r} is not a file")
    if about.st_size > limit_bytes:
        raise Refused(f"an artifact may have {limit_bytes:,} bytes, and {path!r} has {about.st_size:,}")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(limit_bytes + 1)


def _may_be_read(root: Path, found: Path) -> bool:
    ours = root / OURS
    if found.is_relative_to(ours):
        return any(found.is_relative_to(ours / place) for place in AGENTS_PLACES)
    return found.is_relative_to(root)
