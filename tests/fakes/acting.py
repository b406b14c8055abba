"""What the misbehaving agents have in common.

Every one gets a number no other process has as its first argument and passes it on to all it starts, prints a line
when it is all set up, and exits with 3 when it reads `exit`. Nothing here ends by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

TOKEN = sys.argv[1]


def ignore(*signums: int) -> None:
    for signum in signums:
        signal.signal(signum, signal.SIG_IGN)


def start_sleeper(*, daemon: bool = False, ignoring: Iterable[int] = (), clear_environment: bool = False) -> None:
    """Return once the child is `sleep`; a daemon has a session of its own and no parent."""
    started, tell = os.pipe()  # exec closes it
    if os.fork() == 0:
        if daemon:
            os.setsid()
            if os.fork():
                os._exit(0)
        ignore(*ignoring)
        os.execvpe("sleep", ["sleep", f"1000.{TOKEN}"], {} if clear_environment else os.environ)
    os.close(tell)
    os.read(started, 1)
    os.close(started)
    if daemon:
        os.wait()


def play() -> None:
    """Say that the scene is set; then do nothing until told to exit."""
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "exit\n":
            os._exit(3)
    while True:
        signal.pause()
