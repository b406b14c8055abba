"""One shim seen from our side: its process, its life pipe, its reports and the agent's pipes.

Invariants: only we hold the write end of the life pipe, and as long as we do the tree may live (a fork without exec,
as `multiprocessing` can do, would hold it too: never in this process); the shim is never killed by being forgotten.
That is why asyncio's subprocess is not used: its transport kills the child when it is collected, which would be the
shim in the middle of its ladder. Forbidden here: judging how a run ended.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

from core.processes import shim
from core.processes.identity import Identity, identify
from core.processes.ports import RunSpec
from core.processes.reports import Report, next_report

STREAM_LIMIT = 1 << 24
"""How much output waits in memory before the agent is made to wait: some protocols send lines of megabytes."""
DRAIN_S = 1.0
"""How long an output may stay open and silent when the tree is empty: then a stranger holds it."""
SHIM_EXIT_S = 2.0
"""Last report → exit."""
ABANDONED_S = 10.0
"""How long the end of the loop may wait for a shim that was left to empty its tree alone: it takes 6 s at most."""
LAST_WORDS_S = 1.0
LAST_WORDS_BYTES = 4096
"""How long we listen, and to how much, when a shim dies at birth."""

_SHIM_FILE = str(Path(shim.__file__).resolve())


class _Birth(Struct, frozen=True):
    """What exists once the shim was started."""

    process: subprocess.Popen[bytes]
    life: int
    status: IO[bytes]
    identity: Identity | None


def _start(spec: RunSpec) -> _Birth:
    """Start a shim; blocks for milliseconds. An `OSError` leaves nothing behind."""
    with ExitStack() as undo, ExitStack() as theirs:
        life, ours = _pipe(theirs, undo)
        status, tell = _pipe(undo, theirs)
        os.set_blocking(ours, False)
        process = subprocess.Popen(
            _command(spec, life, tell),
            stdin=subprocess.PIPE if spec.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=_environment(spec),
            pass_fds=(life, tell),
            start_new_session=True,
        )
        undo.pop_all()
    # Not waited for yet, so the pid can only be its own.
    return _Birth(process, ours, os.fdopen(status, "rb", buffering=0), identify(process.pid))


def _pipe(of_read_end: ExitStack, of_write_end: ExitStack) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    of_read_end.callback(os.close, read_end)
    of_write_end.callback(os.close, write_end)
    return read_end, write_end


def _command(spec: RunSpec, life: int, status: int) -> list[str]:
    lc_ctype = spec.env.get("LC_CTYPE")
    return [
        *(sys.executable, "-I", "-S", "-X", "utf8", _SHIM_FILE),
        f"--life={life}",
        f"--status={status}",
        f"--int={spec.graces.int_s}",
        f"--term={spec.graces.term_s}",
        f"--cwd={spec.cwd}",
        *([] if lc_ctype is None else [f"--lc-ctype={lc_ctype}"]),
        "--",
        *spec.argv,
    ]


def _environment(spec: RunSpec) -> dict[str, str]:
    without = {shim.NO_SUBREAPER: "1"} if shim.NO_SUBREAPER in os.environ else {}
    return {**spec.env, shim.MARKER: spec.marker, **without}


class _Valve(asyncio.ReadTransport):
    """What a reader holds back its source with; it knows how it stands, which pipes tell from Python 3.11.4 on."""

    def __init__(self, source: asyncio.ReadTransport) -> None:
        super().__init__()
        self._source = source
        self._is_open = True

    def is_reading(self) -> bool:
        return self._is_open

    def pause_reading(self) -> None:
        self._is_open = False
        self._source.pause_reading()

    def resume_reading(self) -> None:
        self._is_open = True
        self._source.resume_reading()

    def is_closing(self) -> bool:
        return self._source.is_closing()

    def close(self) -> None:
        self._source.close()


class Pipe(asyncio.StreamReaderProtocol):
    """A pipe that is read until it ends."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(STREAM_LIMIT)
        super().__init__(self.reader)
        self._end = asyncio.Event()
        self._valve: _Valve | None = None
        self._received = 0

    async def read(self, file: IO[bytes] | None) -> None:
        """Read this file from now on; it is closed at its end."""
        await asyncio.get_running_loop().connect_read_pipe(lambda: self, file)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._valve = _Valve(transport)
        super().connection_made(self._valve)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end.set()

    @property
    def is_read(self) -> bool:
        """Whether what comes is taken; if not, more may have come than we know."""
        return self._valve is None or self._valve.is_reading()

    @property
    def has_ended(self) -> bool:
        """Whether everybody has let go of its other end, or we of ours."""
        return self._end.is_set()

    async def ended(self, limit_s: float) -> bool:
        """Wait for the end; False after this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._end.wait()
        return self.has_ended

    async def is_silent(self, limit_s: float) -> bool:
        """Wait for the end; True when nothing came for this time although we were reading."""
        was_read, received = self.is_read, self._received
        return not await self.ended(limit_s) and was_read and received == self._received

    def close(self) -> None:
        """Read no more; what was read can still be taken."""
        if self._valve is not None:
            self._valve.close()


class ShimProcess:
    """A shim that was started, and all that we hold of it."""

    def __init__(self, birth: _Birth) -> None:
        self._process, self._life, self._status_file = birth.process, birth.life, birth.status
        self._life_is_open, self._forsaken = True, False
        self._status = Pipe()
        self.pid, self.identity = birth.process.pid, birth.identity
        self.stdout, self.stderr = Pipe(), Pipe()
        self.stdin: asyncio.StreamWriter | None = None

    @classmethod
    async def start(cls, spec: RunSpec) -> ShimProcess:
        """Start a shim and read its pipes.

        Raises:
            OSError: the system refused; nothing was left behind.
        """
        birth = asyncio.get_running_loop().run_in_executor(None, _start, spec)
        try:
            born = cls(await asyncio.shield(birth))
        except asyncio.CancelledError:
            birth.add_done_callback(_abandon)
            with suppress(asyncio.CancelledError):  # of a loop that ends before, nobody would let go of it
                await asyncio.wait([birth])
            raise
        try:
            await born._connect()
        except BaseException:
            born.abandon()
            raise
        return born

    async def _connect(self) -> None:
        await self._status.read(self._status_file)
        await self.stdout.read(self._process.stdout)
        await self.stderr.read(self._process.stderr)
        if self._process.stdin is not None:
            loop, unread = asyncio.get_running_loop(), asyncio.StreamReader()
            flow = asyncio.StreamReaderProtocol(unread)
            transport, _ = await loop.connect_write_pipe(lambda: flow, self._process.stdin)
            self.stdin = asyncio.StreamWriter(transport, flow, None, loop)

    async def next_report(self) -> Report | None:
        """What the shim says next; None when it is dead or was given up."""
        return await next_report(self._status.reader)

    def order(self, order: int) -> None:
        """Send one order; the reports tell what comes of it."""
        if self._life_is_open:
            with suppress(BrokenPipeError, BlockingIOError):  # it died, or froze: then the reports end or lack
                os.write(self._life, bytes((order,)))

    def give_up(self) -> None:
        """Listen to it no more: the next report is None."""
        self._status.close()

    async def last_words(self) -> str:
        """The last line of what a shim that died at birth wrote."""
        if not await self.stderr.ended(LAST_WORDS_S):
            return ""
        words = (await self.stderr.reader.read(LAST_WORDS_BYTES)).decode("utf-8", "replace").splitlines()
        return words[-1] if words else ""

    async def drain(self) -> None:
        """Once the tree is empty: wait until its output was taken, unless it is forsaken or a stranger holds it."""
        for pipe in (self.stdout, self.stderr):
            while not pipe.has_ended:
                if await pipe.is_silent(DRAIN_S) or self._forsaken:
                    pipe.close()

    def forsake(self) -> None:
        """Nobody will take output any more: do not wait for that."""
        self._forsaken = True
        for pipe in (self.stdout, self.stderr):
            if not pipe.is_read:
                pipe.close()

    async def reap(self) -> None:
        """Wait until it has exited; make sure that it does."""
        try:
            await asyncio.to_thread(self._process.wait, SHIM_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # then the kernel holds it, and nothing below it is ours to end
                await asyncio.to_thread(self._process.wait, SHIM_EXIT_S)

    def abandon(self) -> None:
        """Let go of a shim that lives: it takes that for our death and empties the tree by itself."""
        self.close()
        asyncio.get_running_loop().run_in_executor(None, _bury, self._process)  # the loop's end waits for it

    def close(self) -> None:
        """Let go of everything."""
        if self._life_is_open:
            self._life_is_open = False
            os.close(self._life)
        for pipe in (self._status, self.stdout, self.stderr):
            pipe.close()
        if self.stdin is not None:
            self.stdin.close()


def _abandon(birth: asyncio.Future[_Birth]) -> None:
    """Nobody waits for this start any more: as if we were dead."""
    if birth.cancelled() or birth.exception():
        return
    born = birth.result()
    os.close(born.life)
    for file in (born.status, born.process.stdin, born.process.stdout, born.process.stderr):
        if file is not None:
            file.close()
    birth.get_loop().run_in_executor(None, _bury, born.process)


def _bury(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):  # it froze: strays are found by their marker at the next start
        process.wait(ABANDONED_S)
