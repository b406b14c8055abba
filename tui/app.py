"""The Textual app: wiring only. It owns the terminal; the engine is given to it and outlives it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Paste

from core.crash import keep
from core.engine import Engine
from core.plan import Plan
from core.settings import Settings
from tui.bindings import Registry
from tui.cli.printing import complain
from tui.driver import TerminalDriver
from tui.feed import Feed
from tui.playhead import load_view, save_view
from tui.screens.dashboard import DashboardScreen
from tui.text import sanitize
from tui.theme import STYLESHEET, register

INTERRUPTED = 130
CRASHED = 1


class CodewalkersApp(App[int], inherit_bindings=False):
    """The dashboard on one engine."""

    CSS_PATH = STYLESHEET
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Codewalkers"
    PAUSE_GC_ON_SCROLL = True

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._bindings_here = Registry(engine.config.keys)
        self._feed = Feed(engine)
        self.crash: Path | None = None
        """Where the traceback was written, after a crash."""

    def get_driver_class(self) -> type[Driver]:
        """For a real terminal our own driver."""
        usual = super().get_driver_class()
        return TerminalDriver if usual is LinuxDriver else usual

    async def on_event(self, event: Event) -> None:
        """What is pasted may come from an agent: it is made harmless before anything gets it."""
        if isinstance(event, Paste):
            event.text = _harmless(event.text)
        await super().on_event(event)

    async def on_mount(self) -> None:
        """Show the dashboard."""
        register(self, ascii_only=not _speaks_unicode())
        await self._feed.begin()
        remembered = await asyncio.to_thread(load_view, self._engine.project.view)
        self.dashboard = DashboardScreen(self._engine, self._bindings_here, remembered, self._feed)
        await self.push_screen(self.dashboard)

    def on_load(self) -> None:
        """A terminal comes back clean, however we are asked to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        self._engine.signalled()
        self.exit(INTERRUPTED)

    async def on_unmount(self) -> None:
        """Remember where the user looked."""
        if self.crash is None and hasattr(self, "dashboard"):
            await asyncio.to_thread(save_view, self._engine.project.view, self.dashboard.remembered)

    def _handle_exception(self, error: Exception) -> None:
        """Keep the traceback off the screen."""
        self.crash = keep(self._engine.project, error)
        self.exit(CRASHED)


def run_dashboard(project: Path, *, settings: Settings | None = None, plan: Plan | None = None) -> int:
    """Run the dashboard on a project until the user quits; the exit code."""
    return asyncio.run(_run(project, settings, plan))


async def _run(project: Path, settings: Settings | None, plan: Plan | None) -> int:
    async with Engine.open(project, settings=settings) as engine:
        app = CodewalkersApp(engine)
        if plan is not None:
            await engine.commands.enqueue_plan(plan)
        code = await app.run_async()
    if app.crash is not None:
        complain(f"the dashboard crashed; everything recorded is safe, and {app.crash} says what went wrong")
        return CRASHED
    return code or 0


def _harmless(text: str) -> str:
    """All of it, tabs too, without what a terminal would obey."""
    room = len(text) + 64
    return "\t".join(sanitize(piece, max_line=room, max_chars=room) for piece in text.split("\t"))


def _speaks_unicode() -> bool:
    encoding = getattr(sys.__stdout__, "encoding", "").lower().replace("-", "")  # Textual replaces `sys.stdout`
    return encoding == "utf8"
