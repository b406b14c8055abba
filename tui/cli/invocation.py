"""What was asked for on the command line, before any command looks at it.

`-C DIR` may stand before or after the command, and everything behind `--` belongs to the program to run; both are
taken out here, so that no command has to know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.errors import UsageError
from core.project import Project


@dataclass(slots=True)
class Invocation:
    """One call of `cw`."""

    directory: Path | None = None
    """`-C`, when it was given."""
    rest: list[str] = field(default_factory=list[str])
    """What stood behind `--`."""
    has_rest: bool = False

    @property
    def project(self) -> Project:
        """The project that is meant: the directory of `-C`, or what is around the current directory.

        Raises:
            UsageError: `-C` names no directory.
        """
        if self.directory is None:
            return Project.find(Path.cwd())
        if not self.directory.is_dir():
            raise UsageError(f"-C {self.directory}: there is no such directory")
        return Project(self.directory.absolute())


current = Invocation()
"""The call this process was started for."""


def split(arguments: list[str]) -> list[str]:
    """Fill `current`, and return the arguments that are left for the command.

    Raises:
        UsageError: `-C` stands alone.
    """
    current.directory, current.rest, current.has_rest = None, [], False
    if "--" in arguments:
        at = arguments.index("--")
        arguments, current.rest, current.has_rest = arguments[:at], arguments[at + 1 :], True
    left: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "-C":
            directory = next(remaining, None)
            if directory is None:
                raise UsageError("-C needs a directory")
            current.directory = Path(directory)
        elif argument.startswith("-C") and not argument.startswith("--"):
            current.directory = Path(argument[2:])
        else:
            left.append(argument)
    return left
