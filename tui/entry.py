"""`cw`: no argument opens the dashboard, anything else is a command.

Start-up time is a feature: nothing heavy is imported before it is known what is wanted.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from importlib.metadata import version

        print(f"cw {version('codewalkers')}")  # noqa: T201  the answer
        return
    if sys.platform == "win32":
        sys.exit("cw: Windows is supported inside WSL only; run cw there")
    from tui.cli import run

    code = run(arguments)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # whoever read it, or the terminal, is gone: the interpreter shall not try once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
