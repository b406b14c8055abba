"""A mistake of ours: its traceback, with whatever secrets it holds, goes to a private file and never to the screen."""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

from core.project import Project


def keep(project: Project, error: BaseException) -> Path:
    """Write the traceback into the project, or beside temporary files when it has no place for it; where that is."""
    path = project.crash
    if not path.parent.is_dir():
        path = Path(tempfile.gettempdir()) / f"cw-crash-{os.getpid()}.txt"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return path
