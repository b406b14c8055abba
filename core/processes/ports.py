"""The runner port: everything the rest of the program knows about processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Graces(Struct, frozen=True, kw_only=True):
    """How long each rung of the stop ladder waits for the whole tree before the next; seconds."""

    int_s: float = 1.5
    """SIGINT → SIGTERM: agents save their conversation on an interrupt."""
    term_s: float = 2.0
    """SIGTERM → SIGKILL: long enough to flush, short enough that all is gone 6 s after we are killed."""


class RunSpec(Struct, frozen=True, kw_only=True):
    """One process to start."""

    argv: tuple[str, ...]
    """The program and its arguments; no shell is involved unless it is the program."""
    cwd: str
    env: Mapping[str, str]
    """The complete environment: nothing of ours is inherited. `PATH` in it finds the program."""
    marker: str
    """A name no other run on this machine has; the whole tree carries it as `CW_RUN_ID`."""
    stdin: bool = False
    """Whether `Run.stdin` is a pipe; otherwise the process reads end of file."""
    graces: Graces = Graces()


class RunExit(Struct, frozen=True, kw_only=True):
    """How a run ended. The tree below it is empty, except for `survivors`."""

    exit_code: int | None
    """The leader's exit code; None when a signal ended it or when it was lost."""
    signal: str | None = None
    """`SIGTERM` and the like, when a signal ended the leader."""
    stopped_by_us: bool = False
    """Whether the leader was still alive when a stop or a kill reached it."""
    lost: bool = False
    """The shim died before it could tell: what is known of the tree was swept by its marker."""
    survivors: tuple[int, ...] = ()
    """Pids known to be alive still, because no KILL ends them: another user's processes, or stuck in the kernel."""


class Run(Protocol):
    """One started process and its descendants."""

    @property
    def pid(self) -> int:
        """The leader's process id."""
        ...

    @property
    def pid_started_at(self) -> int:
        """When the kernel says the leader started: with `pid` and `boot_id` an identity no other process has.

        Clock ticks since boot on Linux, microseconds since 1970 elsewhere.
        """
        ...

    @property
    def shim_pid(self) -> int:
        """The process id of the leader's parent."""
        ...

    @property
    def boot_id(self) -> str:
        """Changes at every boot of the machine, so that identities of before are never matched."""
        ...

    @property
    def stdout(self) -> asyncio.StreamReader:
        """Raw output; ends when the tree has let go of it. Always drain it, or the process stalls."""
        ...

    @property
    def stderr(self) -> asyncio.StreamReader:
        """Raw error output; as `stdout`."""
        ...

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        """The process's input, when the spec asked for one."""
        ...

    def stop(self) -> None:
        """Begin the stop ladder: INT, TERM, KILL over the whole tree. Harmless when it is over already."""
        ...

    def kill(self) -> None:
        """KILL the whole tree now. Harmless when it is over already."""
        ...

    def suspend(self) -> None:
        """SIGSTOP the whole tree."""
        ...

    def resume(self) -> None:
        """SIGCONT the whole tree."""
        ...

    async def wait(self) -> RunExit:
        """Return when the tree is empty. May be awaited by several; the answer stays."""
        ...


class Runner(Protocol):
    """Where agent processes live."""

    async def start(self, spec: RunSpec) -> Run:
        """Return once the process exists.

        Raises:
            LaunchFailed: the program, the directory or a resource is missing; nothing was left behind.
        """
        ...

    async def aclose(self) -> None:
        """Kill what still runs and wait until it is gone; bounded."""
        ...
