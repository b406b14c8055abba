"""A real pseudo-terminal with a program in it: every byte the program sends is kept, and drawn as a terminal would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte
import pytest

PATIENCE_S = 40
"""Only a test that fails ever waits that long."""
QUIET_S = 0.15


class Terminal:
    """A terminal of so many columns and rows."""

    def __init__(
        self, argv: Sequence[str | Path], *, size: tuple[int, int], environment: Mapping[str, str] | None = None,
        controlling: bool = True,
    ) -> None:  # fmt: skip
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            start_new_session=True,
            preexec_fn=_control if controlling else None,  # noqa: PLW1509  no other thread runs here
        )
        os.close(slave)
        self._output = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """What it shows."""
        return "\n".join(self._screen.display)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str | re.Pattern[str]) -> None:
        """Return once this is on the screen."""
        wanted = re.compile(re.escape(text)) if isinstance(text, str) else text
        until = time.monotonic() + PATIENCE_S
        while not wanted.search(self.text):
            if time.monotonic() > until or not self._read():
                pytest.fail(f"{text!r} is not on the screen:\n{self.text}")

    def wait_until_quiet(self) -> None:
        """Return once it has nothing more to say for a moment, so that an escape is not taken for part of a key."""
        while select.select([self._master], [], [], QUIET_S)[0] and self._read():
            pass

    def rest(self) -> bytes:
        """Everything it ever wrote, once it has ended; without the pointer's shape, which Textual sets."""
        while self._read():
            pass
        return re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", self._output)

    def unplug(self) -> None:
        """The terminal goes away; the program hears of it if it is the one it is controlled by."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def close(self) -> None:
        """End it, however it is."""
        self.process.kill()
        self.process.wait()
        self.unplug()

    def _read(self) -> bool:
        readable, _, _ = select.select([self._master], [], [], PATIENCE_S)
        try:
            read = os.read(self._master, 1 << 16) if readable else b""
        except OSError:  # how Linux says that the other end was closed
            read = b""
        self._output += read
        self._stream.feed(read)
        return bool(read)


def _control() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
