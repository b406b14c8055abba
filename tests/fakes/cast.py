"""The fakes by name, and how to start one so that its traces can be found again."""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from core.processes import Graces, RunSpec

HERE = Path(__file__).parent
SHORT = Graces(int_s=0.15, term_s=0.15)
"""Enough for the polite ones, little to wait for the others."""


def argv_of(name: str, token: str, *more: str) -> tuple[str, ...]:
    if (script := HERE / f"{name}.sh").exists():
        return ("sh", str(script), token, *more)
    return (sys.executable, "-S", str(HERE / f"{name}.py"), token, *more)


@dataclass(frozen=True)
class Part:
    """One fake with a token of its own: its processes carry it as an argument, as their marker, or both."""

    name: str
    token: str = field(default_factory=lambda: f"{uuid.uuid4().int % 10**15:015}")

    def spec(self, *more: str, stdin: bool = True, graces: Graces = SHORT) -> RunSpec:
        return RunSpec(
            argv=argv_of(self.name, self.token, *more),
            cwd="/",
            env={"PATH": os.environ["PATH"]},
            marker=f"test-{self.token}",
            stdin=stdin,
            graces=graces,
        )


ROGUES = [
    "plain",
    "background_child",
    "setsid_grandchild",
    "double_fork_daemon",
    "cleared_environment",
    "stubborn_child",
    "ignores_signals",
    "respawner",
    "stops_itself",
    "flood",
]
"""Ended by every runner, in every way."""

ONLY_A_SUBREAPER_FINDS = ["cleared_daemon"]
"""No parent, no environment: without a subreaper nothing tells whose it is."""

CANNOT_EXIT = {"stops_itself"}
"""Do not read `exit`."""
