"""Opening the dashboard."""

from __future__ import annotations

import sys

from core.errors import UsageError
from core.plan import Plan
from core.settings import Settings
from tui.cli.invocation import current


def has_terminal() -> bool:
    """Whether there is a screen and a keyboard to run the dashboard on."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def open_dashboard(*, settings: Settings | None = None, plan: Plan | None = None) -> int:
    """Run the dashboard on the project, and the plan in it if there is one; the exit code.

    Raises:
        UsageError: there is no terminal.
    """
    if not has_terminal():
        raise UsageError("the dashboard needs a terminal; `cw run` works without one, and `cw --help` lists the rest")
    from tui.app import run_dashboard

    return run_dashboard(current.project.root, settings=settings, plan=plan)
