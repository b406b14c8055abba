"""The command line: one module per group of commands, all over `core.engine`.

Exit codes: 0 good, 1 work failed, 2 usage or configuration, 3 the log cannot be opened or is owned by another
process, 130 interrupted. A mistake is one sentence on standard error, never a traceback.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Protocol, runtime_checkable

import typer
from typer.core import TyperGroup

from core.errors import CodewalkersError
from core.project import Project
from tui.cli import invocation
from tui.cli.printing import complain

INTERRUPTED = 130


def run(arguments: list[str]) -> int:
    """Carry the call out; the exit code."""
    try:
        left = invocation.split(arguments)
        if not left and not invocation.current.has_rest:
            from tui.cli.dashboard import open_dashboard

            return open_dashboard()
        return _dispatch(left)
    except CodewalkersError as error:
        complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  whatever it is, nobody wants it on the terminal
        complain(f"something went wrong that is our mistake; what was recorded is safe, and {_kept(error)} says more")
        return 1


def _kept(error: Exception) -> Path:
    from core.crash import keep

    try:
        project = invocation.current.project
    except (CodewalkersError, OSError):
        project = Project(Path(tempfile.gettempdir()))
    return keep(project, error)


def _dispatch(arguments: list[str]) -> int:
    command = typer.main.get_command(_build())
    try:
        code = command.main(args=arguments, prog_name="cw", standalone_mode=False)
    except _MISTAKES as mistake:
        sentence = mistake.format_message() if isinstance(mistake, _Mistake) else str(mistake)
        complain(f"{sentence.rstrip('.')}; `cw --help` lists what there is")
        return 2
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


@runtime_checkable
class _Mistake(Protocol):
    def format_message(self) -> str: ...


# Typer exports only the last of the classes it raises about a wrong call, and where the others live depends on its
# version: they are its bases.
_MISTAKES = tuple(base for base in typer.BadParameter.__mro__ if issubclass(base, Exception) and base is not Exception)


class _InOrder(TyperGroup):
    """Lists commands in the order they were registered."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002  the signature is click's
        return list(self.commands)


def _build() -> typer.Typer:
    from tui.cli import (
        benching,
        changing,
        configuring,
        decoding,
        demonstrating,
        events,
        explaining,
        keys,
        looking,
        running,
        searching,
        tending,
    )  # fmt: skip

    app = typer.Typer(
        cls=_InOrder,
        help="Run a fleet of command-line AI agents from one terminal, remember everything, and go back.\n\n"
        "Without a command: the dashboard on this directory. -C DIR chooses another one, anywhere in the call.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    modules = (
        demonstrating, running, changing, looking, events, searching, explaining, decoding, tending, configuring, keys,
        benching,
    )  # fmt: skip
    for module in modules:
        module.register(app)
    return app
