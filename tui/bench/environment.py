"""What the numbers were measured on: without it none of them means anything."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile

from msgspec import Struct

from tui.bench.figures import percentile
from tui.bench.rounds import clock

SYNCS = 200
PAGE = b"\x5a" * 4096


class Environment(Struct, frozen=True, kw_only=True):
    """The machine, the versions, and what a durable write costs here."""

    codewalkers: str
    python: str
    sqlite: str
    textual: str
    system: str
    cpus: int
    """That this process may use."""
    load: float
    """How many processes wanted a CPU, over the last minute, before it began."""
    sync_us: float
    """What it costs to make one more page of a file durable: the median. Durable appends cannot be faster than that
    alone; where it is next to nothing, a disk or a virtual machine promises more than it keeps."""


def look_around(directory: Path) -> Environment:
    """The environment, for measurements in this directory."""
    return Environment(
        codewalkers=version("codewalkers"),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        sqlite=sqlite3.sqlite_version,
        textual=version("textual"),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=os.getloadavg()[0],
        sync_us=_sync_us(directory),
    )


def _sync_us(directory: Path) -> float:
    with TemporaryFile(dir=directory) as file:
        took: list[float] = []
        for _ in range(SYNCS):
            file.write(PAGE)
            file.flush()
            began = clock.monotonic()
            os.fsync(file.fileno())
            took.append((clock.monotonic() - began) * 1e6)
    return percentile(took, 0.5)
