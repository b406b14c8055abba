"""Somebody at the dashboard: presses keys, waits until the screen is done with them, and reads what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widget import Widget

from core.engine import Engine
from tui.app import CodewalkersApp
from tui.screens.dashboard import FRAME_S, TABLES_EVERY, DashboardScreen

ROUNDS = 400  # of letting the app go on; only a test that fails needs them all
NAMES = {":": "colon", "-": "minus", "%": "percent_sign", "@": "at", ".": "full_stop", ",": "comma", " ": "space",
         "/": "slash", '"': "quotation_mark", "?": "question_mark"}  # fmt: skip


async def settled(pilot: Pilot[int]) -> None:
    """Return when nothing is under way any more, except an open dialog's wait for its answer, and all is drawn."""
    app = pilot.app
    assert isinstance(app, CodewalkersApp)
    screen, frames, still = app.dashboard, 0, 0
    for _ in range(ROUNDS):
        await pilot.pause()
        if app.return_code is not None:
            return  # it has been left: nothing more is drawn
        if screen.look.head < screen.engine.journal.state.position:
            frames = screen.frames + TABLES_EVERY  # what was appended is drawn with the tables' next frame
        if screen.frames < frames:
            await pilot.pause(FRAME_S)
        # A message may be between two queues, so one quiet moment is not enough.
        still = still + 1 if screen.frames >= frames and _is_quiet(app) else 0
        if still == 2:
            return
    raise AssertionError(f"still under way: {[worker for worker in app.workers if not worker.is_finished]}")


def _is_quiet(app: CodewalkersApp) -> bool:
    # A layout tells widgets their sizes, and what they draw then is still to come.
    waiting = app.screen._layout_required or any(
        pump.message_queue_size for pump in (app, *app.screen.walk_children(with_self=True))
    )
    dialog = app.screen is not app.dashboard
    asking = {"keys", "quit"} if dialog else set[str]()
    return not waiting and all(worker.is_finished or worker.group in asking for worker in app.workers)


class Session:
    """A running dashboard."""

    def __init__(self, pilot: Pilot[int], app: CodewalkersApp) -> None:
        self.pilot, self.app = pilot, app

    @property
    def screen(self) -> DashboardScreen:
        return self.app.dashboard

    @property
    def position(self) -> int | None:
        """Where the screen is; None: live."""
        return None if self.screen.look.live else self.screen.look.position

    @property
    def head(self) -> int:
        return self.screen.feed.head

    @property
    def lines(self) -> list[str]:
        """What the terminal shows, line by line."""
        return [strip.text for strip in self.app.screen._compositor.render_strips(self.app.size)]

    def text(self, widget: Widget) -> str:
        """What the terminal shows where the widget is."""
        x, y, width, height = widget.region
        return "\n".join(line[x : x + width] for line in self.lines[y : y + height])

    @property
    def message(self) -> str:
        return self.text(self.screen.status.message).strip()

    async def press(self, *keys: str) -> None:
        """Press keys by Textual's names or as characters, waiting after each."""
        for key in keys:
            await self.pilot.press(NAMES.get(key, key))
            await settled(self.pilot)

    async def type(self, text: str) -> None:
        await self.pilot.press(*(NAMES.get(char, char) for char in text))
        await settled(self.pilot)

    async def enter(self, key: str, text: str) -> None:
        """Open a prompt with a key, and answer it."""
        await self.press(key)
        await self.type(text)
        await self.press("enter")


@asynccontextmanager
async def looking(engine: Engine, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Session]:
    """Open the dashboard on an engine."""
    app = CodewalkersApp(engine)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield Session(pilot, app)
