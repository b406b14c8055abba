"""The whole benchmark: which sections there are, and where they are measured."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from tempfile import gettempdir

from msgspec import Struct

from core.errors import UsageError
from tui.bench import append, queue, seek, stream
from tui.bench.environment import Environment
from tui.bench.figures import Section
from tui.bench.rounds import Effort

Measure = Callable[[Effort], Section]


def _in_loop(measure: Callable[[Effort], Coroutine[None, None, Section]]) -> Measure:
    return lambda effort: asyncio.run(measure(effort))


SECTIONS: Mapping[str, Measure] = {
    "append": _in_loop(append.measure),
    "queue": _in_loop(queue.measure),
    "seek": _in_loop(seek.measure),
    "stream": stream.measure,
}
EVERYTHING = "all"


class Report(Struct, frozen=True, kw_only=True):
    """A whole run."""

    environment: Environment
    sections: tuple[Section, ...]


def chosen(what: str) -> list[str]:
    """The sections that are meant.

    Raises:
        UsageError: there is no such section.
    """
    if what != EVERYTHING and what not in SECTIONS:
        raise UsageError(f"there is no benchmark {what!r}; there are {', '.join(SECTIONS)} and {EVERYTHING}")
    return list(SECTIONS) if what == EVERYTHING else [what]


def place_for(directory: Path | None) -> Path:
    """Where to measure: there; else in `$TMPDIR`, or here, or where temporary files go when here cannot be written.

    Raises:
        UsageError: it is no directory, or nothing can be made in it.
    """
    if directory is None:
        here = Path.cwd()
        directory = Path(os.environ.get("TMPDIR") or (here if os.access(here, os.W_OK) else gettempdir()))
    if not (directory.is_dir() and os.access(directory, os.W_OK)):
        raise UsageError(f"nothing can be measured in {directory}: --dir wants a directory that can be written")
    return directory.absolute()
