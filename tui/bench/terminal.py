"""A program in a real pseudo-terminal: keys go in, and every byte that comes out is looked at as it comes.

Whatever it draws is read at once, so that the program never waits for its terminal. Everything here blocks: it belongs
in a thread.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tui.bench.rounds import clock

PATIENCE_S = 60.0
QUIET_S = 0.25
ENDS_WITHIN_S = 20.0
DASHBOARD = (sys.executable, "-c", "from tui.entry import main; main()", "-C")
"""The program itself; the project's directory follows."""
_KEPT = 1 << 16  # characters of what was drawn last, to look for patterns in
_TAKE_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
"""What stands between us and the program: it makes the terminal the program's own, so that our end is its end."""


class Silence(Exception):
    """The program did not draw what was waited for."""


class Terminal:
    """A terminal with a program in it. Made by `running`."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = psutil.Process(process.pid)
        self.drawn = 0
        """Bytes, so far."""
        self._recent = ""

    @classmethod
    @contextmanager
    def running(
        cls, argv: Sequence[str | Path], size: tuple[int, int], *, cwd: Path
    ) -> Generator[Terminal, None, None]:
        """Run a program in so many columns and rows; it is gone afterwards."""
        master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *argv], stdin=slave, stdout=slave, stderr=slave, env=environment,
            cwd=cwd,
        )  # fmt: skip
        os.close(slave)
        try:
            yield cls(master, process)
        finally:
            os.close(master)  # it is told that its terminal is gone, as when a window is closed
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def press(self, keys: str) -> float:
        """Type; when it was."""
        now = clock.monotonic()
        os.write(self._master, keys.encode())
        return now

    def read(self, until: float) -> str:
        """What is drawn next; nothing when it is later than `until` by then.

        Raises:
            Silence: the program has ended.
        """
        readable, _, _ = select.select([self._master], [], [], max(0.0, until - clock.monotonic()))
        if not readable:
            return ""
        try:
            read = os.read(self._master, 1 << 16)
        except OSError:  # how Linux says that the other end was closed
            read = b""
        if not read:
            raise Silence("the program ended, and this is what it said last: " + self._recent[-2000:])
        self.drawn += len(read)
        text = read.decode("utf-8", "replace")
        self._recent = (self._recent + text)[-_KEPT:]
        return text

    def wait_for(self, pattern: str, patience: float = PATIENCE_S) -> float:
        """When this was drawn; only what is drawn from now on counts.

        Raises:
            Silence: it was not, in time.
        """
        wanted, until, seen = re.compile(pattern), clock.monotonic() + patience, ""
        while not wanted.search(seen):
            read = self.read(until)
            if not read and clock.monotonic() >= until:
                raise Silence(f"{pattern!r} was not drawn; the last was {self._recent[-500:]!r}")
            seen = seen[-_KEPT:] + read
        return clock.monotonic()

    def rest(self, seconds: float = QUIET_S) -> None:
        """Return once nothing was drawn for so long."""
        while self.read(clock.monotonic() + seconds):
            pass

    def watch(self, seconds: float) -> None:
        """Read for so long."""
        until = clock.monotonic() + seconds
        while clock.monotonic() < until:
            self.read(until)

    def cpu_s(self) -> float:
        """Processor time the program has used."""
        times = self.process.cpu_times()
        return times.user + times.system
