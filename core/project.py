"""A project on disk: where its log and everything else of ours lives.

All of it is in `.codewalkers/` of the project, which ignores itself, is private to its owner, and can be copied or
deleted as one. Forbidden here: anything about what the files contain.
"""

from __future__ import annotations

from pathlib import Path

from core.config import CONFIG_NAME
from core.errors import CannotOpen

OURS = ".codewalkers"


class Project:
    """The paths of one project."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project `start` belongs to: the nearest directory upwards with `.codewalkers/` or a configuration."""
        start = start.absolute()
        for directory in (start, *start.parents):
            if (directory / OURS).is_dir() or (directory / CONFIG_NAME).is_file():
                return cls(directory)
        return cls(start)

    @property
    def ours(self) -> Path:
        """The directory everything of ours is in."""
        return self.root / OURS

    @property
    def log(self) -> Path:
        """The event log."""
        return self.ours / "events.db"

    @property
    def artifacts(self) -> Path:
        """Content that events refer to by its hash."""
        return self.ours / "artifacts"

    @property
    def view(self) -> Path:
        """What the dashboard remembers about where the user looked."""
        return self.ours / "view.json"

    @property
    def crash(self) -> Path:
        """The traceback of the newest mistake of ours."""
        return self.ours / "run" / "crash.txt"

    @property
    def api_log(self) -> Path:
        """What went wrong while others were served."""
        return self.ours / "run" / "api.log"

    @property
    def control(self) -> Path:
        """Where the process that owns the log takes orders, while it runs a fleet."""
        return self.ours / "run" / "control.json"

    def prepare(self) -> None:
        """Make the directories, private to their owner.

        Raises:
            CannotOpen: it is no place for a project, or it cannot be written; nothing was changed.
        """
        if self.root in {Path("/"), Path.home()}:
            raise CannotOpen(str(self.root), "a home or root directory is no project; make a directory for it")
        if not self.root.is_dir():
            raise CannotOpen(str(self.root), "there is no such directory")
        try:
            self.ours.mkdir(mode=0o700, exist_ok=True)
            ignore = self.ours / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            for name in ("artifacts", "run"):
                (self.ours / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotOpen(str(self.ours), f"the directory cannot be written: {error.strerror}") from error
