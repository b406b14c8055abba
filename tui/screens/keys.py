"""What each action of the registry does on the dashboard. One method an action, named after it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from typing import Literal

from core.errors import UsageError
from tui.bindings import FOCUSES, Focus
from tui.details import Selection
from tui.moments import Place, place_of
from tui.panels.agents import AgentList
from tui.panels.detail import DetailBody
from tui.panels.events import EventList
from tui.panels.queue import TaskList
from tui.screens.choosing import Prompt, SpawnChooser
from tui.screens.filter_chooser import FilterChooser, filter_choices
from tui.screens.filter_line import FilterLine
from tui.screens.help import Help
from tui.screens.questions import Confirm, Quit, Waiting
from tui.screens.talk_keys import TalkKeys
from tui.screens.task_form import TaskForm
from tui.screens.time_keys import Doing, TimeKeys
from tui.text import join, label, literal


class Keys(TimeKeys, TalkKeys):
    """The actions, over the dashboard they belong to."""

    def do(self, action_id: str, key: str = "") -> Doing | None:
        """Begin the action, by the key that was pressed for it; None when it is done already."""
        self.pressed = key
        act: Callable[[], Doing | None] = getattr(self, action_id)
        return act()

    # -- moving about -----------------------------------------------------------------------------------------

    def focus_agents(self) -> None:
        self._screen.focus_panel("agents")

    def focus_queue(self) -> None:
        self._screen.focus_panel("queue")

    def focus_events(self) -> None:
        self._screen.focus_panel("events")

    def focus_detail(self) -> None:
        self._screen.focus_panel("detail")

    def focus_strip(self) -> None:
        self._screen.focus_panel("timeline")

    async def focus_timeline(self) -> None:
        """The strip; from an event, that event's moment; else where the screen was last."""
        screen = self._screen
        if screen.focus_name == "events" and not screen.events.list.follow and screen.selection.kind == "event":
            await screen.travel.jump(screen.selection.position)
        elif screen.playhead.live and screen.playhead.last is not None:
            await screen.travel.enter()
        screen.focus_panel("timeline")

    def next_panel(self) -> None:
        self._turn(1)

    def previous_panel(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        here = FOCUSES.index(self._screen.focus_name)
        self._screen.focus_panel(FOCUSES[(here + by) % len(FOCUSES)])

    def down(self) -> None:
        self._list.action_cursor_down()

    def up(self) -> None:
        self._list.action_cursor_up()

    def half_page_down(self) -> None:
        self._list.action_half_page_down()

    def half_page_up(self) -> None:
        self._list.action_half_page_up()

    def page_down(self) -> None:
        self._list.action_page_down()

    def page_up(self) -> None:
        self._list.action_page_up()

    def top(self) -> None:
        self._list.action_first()

    def bottom(self) -> None:
        self._list.action_last()

    @property
    def _list(self) -> AgentList | TaskList | EventList | DetailBody:
        """The list the moving keys move: the one with the focus, or the events."""
        screen = self._screen
        lists = (screen.agents.list, screen.queue.list, screen.detail.list)
        return next((rows for rows in lists if rows is screen.focused), screen.events.list)

    def open(self) -> Doing | None:
        """The detail, with the focus in it; there, what is folded, or the event that a line is about."""
        screen = self._screen
        link = screen.detail.link if screen.focus_name == "detail" else None
        if link is not None:
            return screen.travel.jump(link)
        if screen.focus_name != "detail" or not screen.detail.toggle():
            screen.focus_panel("detail")
        return None

    def back(self) -> None:
        """Close what is open, one thing at a time: the zoom, the detail, the search, the past."""
        screen = self._screen
        if screen.zoomed:
            self.zoom()
        elif screen.focus_name == "detail":
            screen.focus_panel(_HOMES.get(screen.selection.kind, "queue"))
        elif screen.search is not None:
            screen.search = None
            screen.paint()
        elif screen.playhead.anchor is not None:
            screen.playhead.anchor = None
            screen.paint()
        elif not screen.playhead.live:
            screen.travel.live()
        elif screen.focus_name == "timeline":
            screen.focus_panel("queue")

    # -- doing ------------------------------------------------------------------------------------------------

    async def new_task(self) -> str | None:
        screen = self._screen
        form = TaskForm(screen.engine.config, screen.look.state, screen.task_defaults)
        new = await screen.terminal.push_screen_wait(form)
        if new is None:
            return None
        screen.task_defaults = form.to_remember
        return await screen.work.enqueue(new)

    async def spawn(self) -> str | None:
        profile = await self._screen.terminal.push_screen_wait(SpawnChooser(self._screen.engine.config))
        return None if profile is None else await self._screen.work.spawn(profile)

    async def cancel(self) -> str:
        return await self._screen.work.cancel(self._target())

    async def kill(self) -> str | None:
        target = self._target()
        question = join((literal("Kill "), label(target.id, 40), literal(" at once? What it is doing is lost.")))
        sure = await self._screen.terminal.push_screen_wait(Confirm(literal("Kill"), question))
        return await self._screen.work.cancel(target, force=True) if sure else None

    async def pause(self) -> str:
        return await self._screen.work.pause(self._target())

    async def retry(self) -> str:
        return await self._screen.work.retry(self._target("task"))

    async def raise_priority(self) -> str:
        return await self._screen.work.prioritise(self._target("task"), 1)

    async def lower_priority(self) -> str:
        return await self._screen.work.prioritise(self._target("task"), -1)

    async def pause_session(self) -> str:
        return await self._screen.work.hold_queue()

    async def undo(self) -> str:
        return await self._screen.work.undo()

    def _target(self, kind: str = "") -> Selection:
        """What is selected, when something can be done to it."""
        selection = self._screen.selection
        if selection.kind not in {"agent", "task"} or (kind and selection.kind != kind):
            raise UsageError(f"select {'a task' if kind == 'task' else 'an agent or a task'} first")
        return selection

    # -- showing ----------------------------------------------------------------------------------------------

    async def filter(self) -> str | None:
        screen = self._screen
        before = "" if screen.search is None else screen.search.query.text
        text = await screen.terminal.push_screen_wait(FilterLine(before))
        if text is None:
            return None
        if not text.strip():
            screen.search = None
            screen.paint()
            return None
        return await screen.searching.begin(text)

    async def choose_filter(self) -> str | None:
        screen = self._screen
        before = "" if screen.search is None else screen.search.query.text
        choices = await filter_choices(screen.engine.journal.log, screen.look.state)
        text = await screen.terminal.push_screen_wait(FilterChooser(choices, before))
        return None if text is None else await screen.searching.begin(text)

    async def next_hit(self) -> str | None:
        return await self._screen.searching.hit(1)

    async def previous_hit(self) -> str | None:
        return await self._screen.searching.hit(-1)

    def follow(self) -> None:
        self._screen.events.list.action_toggle_follow()

    def time_format(self) -> None:
        styles = ("time", "millis", "ago")
        screen = self._screen
        screen.time_style = styles[(styles.index(screen.time_style) + 1) % len(styles)]
        screen.paint()

    def zoom(self) -> None:
        self._screen.zoomed = not self._screen.zoomed
        self._screen.lay_out()
        self._screen.draw_lines_soon()

    def copy(self) -> Doing | None:
        screen = self._screen
        if screen.focus_name == "detail" and (said := screen.detail.text_here):
            screen.terminal.copy_to_clipboard(said)
            screen.say(f"{len(said):,} characters sent to the terminal's clipboard")
            return None
        if screen.playhead.live:
            text = screen.selection.id or str(screen.selection.position)
        else:
            text = Place(screen.engine.journal.branch, screen.look.position).address
        screen.terminal.copy_to_clipboard(text)
        screen.say(f"{text} sent to the terminal's clipboard")
        return None

    def pager(self) -> None:
        pager = shlex.split(os.environ.get("PAGER") or "less -R")
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(self._screen.detail.text)
            file.flush()
            with self._screen.terminal.suspend():
                subprocess.run([*pager, file.name], check=False)

    async def prompt(self) -> str | None:
        screen = self._screen
        answer = await screen.terminal.push_screen_wait(Prompt(screen.registry, screen.context))
        if answer is None:
            return None
        if answer.action is not None:
            screen.perform(screen.registry[answer.action])
            return None
        return await self.go_to(answer.moment)

    async def go_to(self, moment: str) -> str | None:
        """Show that moment."""
        screen = self._screen
        branch, now = screen.engine.journal.branch, screen.engine.journal.clock.now()
        place = await place_of(moment, screen.engine.queries, now, branch=branch)
        if place.branch != branch:
            return f"that is on branch {place.branch}; this is {branch}"
        await screen.travel.jump(place.position)
        return None

    async def help(self) -> None:
        screen = self._screen
        await screen.terminal.push_screen_wait(Help(screen.registry, screen.context, past=not screen.playhead.live))

    def suspend(self) -> None:
        self._screen.terminal.action_suspend_process()

    async def quit(self) -> None:
        screen = self._screen
        if not screen.engine.supervisor.running:
            screen.terminal.exit()
            return
        answer = await screen.terminal.push_screen_wait(Quit(screen.engine.supervisor.running))
        if answer is None:
            return
        if answer == "wait":
            answer = await self._waited()
        if answer is None:
            screen.say("tasks are claimed again")
            return
        screen.say("stopping what runs")
        await screen.engine.close(answer)
        screen.terminal.exit()

    async def _waited(self) -> Literal["requeue"] | None:
        """Wait for the agents that work, or until somebody is tired of it; None: stay after all."""
        screen = self._screen
        waiting = Waiting(literal("Waiting for the agents that work; no more tasks are claimed."))

        async def wait() -> None:
            await screen.engine.idle()
            waiting.dismiss(True)

        worker = screen.run_worker(wait, group="quit")
        over = await screen.terminal.push_screen_wait(waiting)
        worker.cancel()
        if over:
            return "requeue"
        screen.engine.stay()
        return None


_HOMES: dict[str, Focus] = {"task": "queue", "event": "events", "agent": "agents"}
