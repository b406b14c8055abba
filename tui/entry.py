"""`cw`: no argument opens the dashboard, anything else is a command.

Start-up time is a feature: nothing heavy is imported before it is known what is wanted.
"""

from __future__ import annotations

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

    sys.exit(run(arguments))
