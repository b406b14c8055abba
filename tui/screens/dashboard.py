"""The dashboard: five panels over one moment, live or past.

Invariant: *screen = f(fold(log, position), index(log), view)*. A frame asks the feed what is new and draws what
changed; a key is looked up in the registry (see `keys`) and repaints at once. In the past nothing here changes a task,
an agent or a file.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from textual import on
from textual.events import DescendantFocus, Key

from core.engine import Engine
from core.errors import CodewalkersError
from core.events import StoredEvent
from core.history.checking import Checked, check
from core.projections import Permission, State
from tui import limits
from tui.asking import Attention, Inbox
from tui.bindings import Action, Context, Registry, key_of
from tui.degraded import degraded_lines
from tui.event_rows import EventRows, TimeStyle, positions_around
from tui.feed import Feed
from tui.marks import Mark, marks
from tui.panels.header import Vitals
from tui.panels.timeline import TimelinePanel
from tui.playhead import Playhead, Remembered
from tui.screens.event_reading import EventReading
from tui.screens.keys import Keys
from tui.screens.looks import Looks
from tui.screens.reconfiguring import Reconfiguring
from tui.screens.searching import Searching
from tui.screens.selecting import Selecting
from tui.screens.talk_keys import answer_keys
from tui.screens.travel import Travel
from tui.screens.work import Work
from tui.search import Search
from tui.text import label
from tui.theme import glyphs
from tui.theme.ink import Ink
from tui.widgets.strip_chart import StripChart
from tui.widgets.virtual_list import VirtualList

FRAME_S = 0.1  # the stream; tables follow every third frame
TABLES_EVERY = 3
SETTLING_FRAMES = 10  # the first second says nothing about the rest


class DashboardScreen(Selecting, inherit_bindings=False):
    """Everything at once."""

    def __init__(self, engine: Engine, registry: Registry, remembered: Remembered, feed: Feed) -> None:
        self.looks = Looks(engine, feed)
        super().__init__(engine, feed, self.looks.live(), TimelinePanel(remembered.axis, remembered.zoom))
        self.registry = registry
        self.playhead = Playhead(remembered)
        self.task_defaults = dict(remembered.task_form)
        self.search: Search | None = None
        self.time_style: TimeStyle = "time"
        self.travel = Travel(
            self.playhead, feed.index, engine.queries, engine.journal.clock, self._show_past, self.say, self._show_now
        )
        self.inbox, self.attention = Inbox(), Attention(engine.journal.clock.monotonic)
        self.drafts: dict[str, str] = {}
        """Messages to agents that were begun and not sent."""
        self.work = Work(engine.commands, lambda: engine.queries.state)
        self.keys, self.searching = Keys(self), Searching(self)
        self.reading = EventReading(feed, engine.journal.log.reader.at, self.run_worker, self._draw_events)
        self.detail.keys = tuple(answer_keys(registry).items())
        self.frames = 0
        """How many were drawn so far."""
        self._due = 0.0
        self.reconfiguring = Reconfiguring(engine, self.rebind, self.say)
        self._fresh_after = feed.head
        self._checked = Checked()
        self._searched = remembered.search

    def on_mount(self) -> None:
        """Draw what is known, and start the frames."""
        self.queue.list.focus()
        self.paint()
        self.set_interval(FRAME_S, self._frame)
        self.run_worker(self._check_log, group="check")
        if not self.playhead.live:
            self.run_worker(self.travel.seek, group="keys")
        if self._searched:
            self.run_worker(partial(self._answer, self.searching.resume(self._searched)), group="keys")

    # -- frames -----------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        now = self.engine.journal.clock.monotonic()
        if self.frames > SETTLING_FRAMES:
            self.feed.late(now - self._due)
        self._due = now + FRAME_S
        self.frames += 1
        self.reconfiguring.frame()
        if self.feed.behind():
            self.run_worker(self._catch_up, group="catch up", exclusive=True)
            return
        events = self.feed.take()
        if self.search is not None:
            self.search.take(events)
        tables = self.frames % TABLES_EVERY == 0
        if self.playhead.live:
            self.look = self.looks.live()
            if tables:
                self.paint()
            elif events:
                self._draw_events()
        elif tables:
            self._grow_past()
        self.reading.load(self.rows, self.events.list.on_screen)
        self._grow_detail(events)
        self.status.frame()

    def rebind(self, registry: Registry) -> None:
        """Use these keys from here on."""
        self.registry = registry
        self.detail.keys = tuple(answer_keys(registry).items())
        self.paint()

    async def _catch_up(self) -> None:
        await self.feed.begin()
        await self.searching.go_on()

    def _grow_detail(self, events: list[StoredEvent]) -> None:
        """A conversation grows at its end while it is live, and at its beginning when one looks there."""
        if self.playhead.live:
            self.inspector.take(events, self.selection, self.look)
            self._announce(self.inbox.news(self.look.state), limits.news(events))
        if self.detail.wants_earlier:
            self.inspector.read_earlier()
        if self.is_active:  # else another screen says what is looked at
            asked = self.question
            self.attention.turn_to(None if asked is None else asked.id)

    def _announce(self, asked: list[Permission], limit: tuple[str, Ink] | None) -> None:
        """Say that agents ask, however many came to it at once, in one sentence; or else what holds them back."""
        if len(asked) == 1:
            self.say(f"{asked[0].agent_id} asks for {asked[0].tool_name or 'a tool'} · w goes there", "waiting")
        elif asked:
            self.say(f"{len(asked)} questions of agents wait for you · i lists them", "waiting")
        elif limit is not None:
            self.say(*limit)

    def _grow_past(self) -> None:
        """The run goes on behind a past that does not move."""
        self.look = self.looks.later(self.look)
        self._draw_events()
        self._draw_lines()
        self._draw_timeline()

    async def _show_past(self, state: State, position: int) -> None:
        """Draw a past moment; the events around it come first, so that nothing has to say `loading`."""
        rows = self._rows(position)
        target = rows.row_of(position)
        height = self.events.list.size.height
        await self.reading.remember(positions_around(rows, range(target - height // 2, target + height)))
        if self.look.live:
            self._fresh_after = self.feed.head
        self.at_playhead = True
        self.look = self.looks.past(state, position, before=self.look.state)
        self.events.list.set_follow(False)
        self.paint()
        self.events.list.move_to(target, context=height // 3)

    def _show_now(self) -> None:
        self._fresh_after = self.feed.head
        self.look = self.looks.live()
        self.paint()
        self.events.list.set_follow(True)

    # -- drawing ----------------------------------------------------------------------------------------------

    def paint(self) -> None:
        """Draw everything of this moment; what did not change costs nothing."""
        with self.terminal.batch_update():
            self.agents.show(self.look)
            self.queue.show(self.look)
            self._draw_events()
            self._draw_timeline()
            self._draw_lines()
        self.set_class(not self.look.live, "-past")
        self.want_details()

    def _rows(self, playhead: int | None) -> EventRows:
        return self.reading.rows(self.look, self.search, self.time_style, playhead)

    @property
    def rows(self) -> EventRows:
        return self._rows(None if self.look.live else self.look.position)

    def _draw_events(self) -> None:
        self.events.show(self.rows, self.look, self.search)

    def _draw_timeline(self) -> None:
        hits = () if self.search is None else self.search.hits.positions
        self.timeline.show(
            self.feed.index, self.look, self.marks, hits, anchor=self.playhead.anchor, fresh_after=self._fresh_after
        )

    @property
    def marks(self) -> list[Mark]:
        """Every mark of the branch, whatever moment is shown."""
        return marks(self.feed.index, self.engine.queries.state)

    def _draw_lines(self) -> None:
        speed = label(f"×{self.playhead.speed}") if self.playhead.playing else None
        vitals = Vitals(
            label(self.engine.project.root.name, 30), label(self.engine.journal.session_id, 12), self.feed.rates,
            self.feed.lag_p95_ms, speed, asking=len(self.inbox.waiting(self.look.state)), anchor=self.playhead.anchor,
        )  # fmt: skip
        actions = self.registry.footer(self.context, past=not self.look.live, asked=self.question is not None)
        self.status.show(self.look, vitals, actions, self.panel, self.size.width, glyphs(self))
        queries = self.engine.queries
        troubles = [trouble for trouble in (queries.trouble, queries.notice) if trouble]
        degraded = degraded_lines(troubles, self._checked, queries.state.totals.unknown_events)
        self.status.warn((*degraded, *self.reconfiguring.lines()))

    async def _check_log(self) -> None:
        """Find out beside everything else whether the log is what was recorded."""
        try:
            await check(self.engine.project.log, self._take_checked)
        except CodewalkersError as error:
            self.say(f"whether the log is what was recorded cannot be told: {error}", "warn")

    def _take_checked(self, checked: Checked) -> None:
        self._checked = checked
        self._draw_lines()

    def draw_lines_soon(self) -> None:
        self.call_after_refresh(self._draw_lines)

    def say(self, text: str, ink: Ink = "plain") -> None:
        """Put a sentence on the message line."""
        self.status.say(text, ink)

    # -- keys and focus -----------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Where a key pressed now is pressed."""
        focus = self.focus_name
        mode = "live" if self.playhead.live and focus != "timeline" else "time"
        return Context(mode, focus, self.search is not None, self.asked is not None)

    async def on_key(self, event: Key) -> None:
        """Look the key up, and do what it means here."""
        self.visited = None
        action = self.registry.meaning(key_of(event), self.context)
        if action is not None:
            event.stop()
            event.prevent_default()
            self.perform(action, key_of(event))

    def perform(self, action: Action, key: str = "") -> None:
        """Do it, unless the past forbids it; the key is the one that was pressed for it."""
        if action.changes and not self.playhead.live:
            self.say("read-only in the past: End goes live", "past")
            return
        doing = self.keys.do(action.id, key)
        if doing is not None:
            self.run_worker(partial(self._answer, doing), group="keys")

    async def _answer(self, doing: Awaitable[str | None]) -> None:
        try:
            said = await doing
        except CodewalkersError as error:
            self.say(str(error), "warn")
        else:
            if said:
                self.say(said)

    def on_descendant_focus(self, event: DescendantFocus) -> None:  # noqa: ARG002  the focus itself is asked
        """Another panel: other keys, another selection."""
        name = self.focus_name
        if name != "timeline":
            self.panel = name
            self.at_playhead = self.at_playhead and name == "detail"
        self.lay_out()
        self.draw_lines_soon()
        self._draw_lines()
        self.want_details()

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        if event.source is self.focused:
            self.at_playhead = False
        self.want_details()
        self._draw_lines()  # other keys may mean something there

    @on(VirtualList.Opened)
    def _opened(self) -> None:
        self.perform(self.registry["open"])

    @on(VirtualList.TailChanged)
    def _tail_changed(self) -> None:
        self._draw_events()
        self.detail.draw_frame(self.look)

    @on(StripChart.Scrubbed)
    def _scrubbed(self, event: StripChart.Scrubbed) -> None:
        if event.end and event.final and self.timeline.shows_now:
            self.travel.live()
        else:
            position = self.timeline.position_at(event.fraction)
            self.run_worker(partial(self.travel.jump, position), group="keys")

    # -- layout -----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Fit the panels to the terminal."""
        self.lay_out()
        self.draw_lines_soon()
        self._draw_lines()

    @property
    def remembered(self) -> Remembered:
        """What to remember of this view."""
        return Remembered(
            position=self.playhead.last, live=self.playhead.live, jumps=self.playhead.jumps,
            search="" if self.search is None else self.search.query.text, task_form=self.task_defaults,
            anchor=self.playhead.anchor, axis=self.timeline.kind, zoom=self.timeline.zoom.level,
        )  # fmt: skip
