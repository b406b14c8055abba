"""What the keys of time do: the playhead, the marks, and comparing moments. One method an action, named after it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tui.marks import bookmark_at, jumps
from tui.moments import Place
from tui.playhead import LIVE
from tui.screens.bookmarks import MarkChooser, NameBookmark, mark_choices
from tui.screens.diff import DiffScreen

if TYPE_CHECKING:
    from tui.screens.dashboard import DashboardScreen

Doing = Awaitable[str | None]
"""Something under way; what it returns is said on the message line."""


class TimeKeys:
    """The actions of time, over the dashboard they belong to."""

    def __init__(self, screen: DashboardScreen) -> None:
        self._screen = screen
        self.pressed = ""
        """The key the action was begun with."""

    # -- moving the playhead ------------------------------------------------------------------------------------

    async def freeze(self) -> None:
        await self._screen.travel.freeze()

    async def play(self) -> str | None:
        screen = self._screen
        if screen.playhead.playing:
            screen.playhead.playing = False
            screen.paint()
            return None
        if screen.playhead.live:
            await screen.travel.freeze()
            return None
        await screen.travel.play()
        return None

    async def event_back(self) -> None:
        await self._screen.travel.event(-1)

    async def event_forward(self) -> None:
        await self._screen.travel.event(1)

    async def step_back(self) -> None:
        await self._step(-1)

    async def step_forward(self) -> None:
        await self._step(1)

    async def _step(self, by: int) -> None:
        """One line of the event list, filtered as it is."""
        screen = self._screen
        await screen.travel.step(screen.rows.neighbour(screen.travel.position, by))

    async def cell_back(self) -> None:
        await self._cell(-1)

    async def cell_forward(self) -> None:
        await self._cell(1)

    async def _cell(self, by: int) -> None:
        screen = self._screen
        await screen.travel.step(screen.timeline.cells_on(by, screen.travel.position))

    async def percent(self) -> None:
        """The keys, however many there are, share out what the strip shows."""
        screen = self._screen
        keys = screen.registry["percent"].keys
        share = keys.index(self.pressed) / len(keys) if self.pressed in keys else 0.0
        await screen.travel.jump(screen.timeline.position_at(share))

    async def previous_boundary(self) -> None:
        await self._screen.travel.boundary(-1)

    async def next_boundary(self) -> None:
        await self._screen.travel.boundary(1)

    async def previous_of_subject(self) -> str | None:
        return await self._of_subject(-1)

    async def next_of_subject(self) -> str | None:
        return await self._of_subject(1)

    async def _of_subject(self, direction: int) -> str | None:
        subject = self._screen.subject
        if subject is None:
            return "select an agent or a task first"
        await self._screen.travel.find(f"{subject.kind}:{subject.id}", direction, f"event of {subject.id}")
        return None

    async def next_failure(self) -> None:
        await self._screen.travel.failure(1)

    async def previous_failure(self) -> None:
        await self._screen.travel.failure(-1)

    async def first_event(self) -> None:
        positions = self._screen.feed.index.positions
        await self._screen.travel.jump(positions[0] if positions else 0)

    def live(self) -> None:
        self._screen.travel.live()
        if self._screen.focus_name == "timeline":
            self._screen.focus_panel("queue")

    def slower(self) -> None:
        self._screen.say(f"plays ×{self._screen.playhead.change_speed(-1)}")

    def faster(self) -> None:
        self._screen.say(f"plays ×{self._screen.playhead.change_speed(1)}")

    def speed_one(self) -> None:
        self._screen.say(f"plays ×{self._screen.playhead.reset_speed()}")

    async def jump_back(self) -> None:
        await self._screen.travel.return_to(redo=False)

    async def jump_again(self) -> None:
        await self._screen.travel.return_to(redo=True)

    # -- the strip ----------------------------------------------------------------------------------------------

    def zoom_in(self) -> None:
        screen = self._screen
        closer = screen.timeline.look_closer(screen.playhead.position)
        screen.say(f"the timeline ×{screen.timeline.zoom.times}{'' if closer else ' is as close as it gets'}")
        screen.paint()

    def zoom_out(self) -> None:
        screen = self._screen
        screen.timeline.look_wider(screen.playhead.position)
        times = screen.timeline.zoom.times
        screen.say(f"the timeline ×{times}" if times > 1 else "this is all of the timeline")
        screen.paint()

    def zoom_fit(self) -> None:
        self._screen.timeline.zoom.fit()
        self._screen.say("this is all of the timeline")
        self._screen.paint()

    def axis(self) -> None:
        self._screen.say(f"the timeline: {self._screen.timeline.turn_axis()}")
        self._screen.paint()

    # -- marks --------------------------------------------------------------------------------------------------

    async def previous_mark(self) -> None:
        await self._mark(-1)

    async def next_mark(self) -> None:
        await self._mark(1)

    async def _mark(self, direction: int) -> None:
        screen = self._screen
        await screen.travel.along([mark.position for mark in screen.marks], direction, "mark")

    async def bookmark(self) -> str:
        """Set one here, or take it away; the past of tasks and agents stays as it is."""
        screen = self._screen
        position, commands = screen.travel.position, screen.engine.commands
        flag = bookmark_at(screen.engine.queries.state, screen.feed.index.branch, position)
        if flag is None:
            await commands.bookmark(position, branch=screen.feed.index.branch)
        else:
            await commands.remove_bookmark(flag.id)
        screen.paint()
        return f"bookmark at {position:,} {'set; M names it' if flag is None else 'taken away'}"

    async def name_bookmark(self) -> str | None:
        screen = self._screen
        position, branch = screen.travel.position, screen.feed.index.branch
        flag = bookmark_at(screen.engine.queries.state, branch, position)
        name = await screen.terminal.push_screen_wait(NameBookmark(position, "" if flag is None else flag.label))
        if name is None:
            return None
        await screen.engine.commands.bookmark(
            position, label=name, branch=branch, bookmark_id="" if flag is None else flag.id
        )
        screen.paint()
        return f"bookmark {name!r} at {position:,}; :@{name} returns to it" if name else f"bookmark at {position:,} set"

    async def marks(self) -> None:
        """Choose one to go to, or a place of the jump list; those of one's own can be taken away there."""
        screen = self._screen
        while True:
            listed = [*screen.marks, *jumps(screen.playhead.jumps)]
            choices = await mark_choices(listed, screen.engine.journal.log.reader)
            chosen = await screen.terminal.push_screen_wait(MarkChooser(choices))
            if chosen is None:
                return
            mark = listed[chosen.number]
            if not chosen.remove:
                await self._go_to(mark.position)
                return
            await screen.engine.commands.remove_bookmark(mark.id)
            screen.paint()

    async def _go_to(self, position: int) -> None:
        if position == LIVE:
            self._screen.travel.live()
        else:
            await self._screen.travel.jump(position)

    # -- comparing ----------------------------------------------------------------------------------------------

    async def compare(self) -> str | None:
        """The first time A is set; then everything is compared with it, until `escape` clears it."""
        screen = self._screen
        here, anchor = screen.travel.position, screen.playhead.anchor
        if anchor is not None and anchor != here:
            return await self._show_diff(anchor, here)
        screen.playhead.anchor = here if anchor is None else None
        screen.paint()
        return f"A is {here:,}; d elsewhere shows what is different there" if anchor is None else "A is cleared"

    async def compare_now(self) -> str | None:
        screen = self._screen
        if screen.playhead.live:
            return "this is now; D in the past shows what is different since"
        return await self._show_diff(screen.travel.position, screen.feed.head)

    async def flip(self) -> str | None:
        screen = self._screen
        here, anchor = screen.travel.position, screen.playhead.anchor
        if anchor is None:
            return "d sets the moment A first"
        screen.playhead.anchor = here
        await screen.travel.jump(anchor)
        return None

    async def _show_diff(self, a: int, b: int) -> str | None:
        screen = self._screen
        branch, compare = screen.feed.index.branch, screen.engine.queries.compare
        before, after = Place(branch, a), Place(branch, b)
        shown = DiffScreen(
            before, after, await compare(before, after), compare=compare, copy=screen.terminal.copy_to_clipboard
        )
        change = await screen.terminal.push_screen_wait(shown)
        if change is None:
            return None
        stream = f"{STREAMS.get(change.kind, change.kind)}/{change.id}"
        newest = await screen.engine.queries.stream(stream, up_to=max(a, b), last=1)
        if not newest:
            return f"{change.id} has no events of its own"
        await screen.travel.jump(newest[0].position)
        return None


STREAMS = {
    "agents": "agent", "tasks": "task", "executions": "execution", "workspaces": "workspace", "locks": "lock",
    "checkpoints": "checkpoint", "signals": "signal", "budgets": "budget", "profiles": "profile", "sessions": "session",
}  # fmt: skip
"""What the events of a kind of record are streamed as, where that is not its own name."""
