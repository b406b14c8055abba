"""What a shim reports on its status pipe: one JSON object a line.

Invariant: these types and `shim.py` change together; nobody else writes to that pipe. Forbidden here: judging.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct


class Started(Struct, frozen=True, tag="started"):
    """The agent runs its program."""

    pid: int
    started_at: int | None
    """None where only we can ask for it: not on Linux."""


class Failed(Struct, frozen=True, tag="failed"):
    """The agent could not be started."""

    step: str
    """`fork`, `session`, `cwd` or `program`."""
    errno: int


class Exited(Struct, frozen=True, tag="exited"):
    """The leader is dead; others of its tree may live."""

    code: int | None
    signal: str | None
    stopped: bool
    """Whether an order to stop or to kill found it alive."""


class Empty(Struct, frozen=True, tag="empty"):
    """The tree is dead but for the survivors: the last report."""

    survivors: tuple[int, ...]


Report = Started | Failed | Exited | Empty

_decoder = msgspec.json.Decoder(Report)


async def next_report(pipe: asyncio.StreamReader) -> Report | None:
    """Wait for the next report; None once the shim has let go of the pipe."""
    line = await pipe.readline()
    return _decoder.decode(line) if line.endswith(b"\n") else None
