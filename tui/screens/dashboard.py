"""The dashboard: five panels over one moment, live or past.

Invariant: *screen = f(fold(log, position), index(log), view)*. A frame asks the feed what is new and draws what
changed; a key is looked up in the registry (see `keys`) and repaints at once. In the past nothing here changes a task,
an agent or a file.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Literal, cast

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.events import DescendantFocus, Key
from textual.screen import Screen

from core.engine import Engine
from core.errors import CodewalkersError
from core.events import StoredEvent
from core.events.envelope import to_us
from core.projections import Permission, State
from tui.asking import Attention, Inbox, goes_on
from tui.bindings import FOCUSES, Action, Context, Focus, Registry, key_of
from tui.details import Selection, about
from tui.event_rows import EventRows, TimeStyle, positions_around
from tui.feed import Feed
from tui.look import Look
from tui.marks import Mark, marks
from tui.panels.agents import AgentsPanel, counts
from tui.panels.detail import DetailPanel
from tui.panels.events import EventsPanel
from tui.panels.header import Vitals, footer, header, tabs
from tui.panels.queue import NEEDS_YOU, QueuePanel
from tui.panels.timeline import TimelinePanel
from tui.playhead import Playhead, Remembered
from tui.screens.inspecting import Inspector
from tui.screens.keys import Keys
from tui.screens.searching import Searching
from tui.screens.talk_keys import answer_keys
from tui.screens.travel import Travel
from tui.screens.work import Work
from tui.search import Search
from tui.text import label, literal
from tui.theme import glyphs
from tui.theme.ink import Ink
from tui.transcript.entries import Question
from tui.widgets.oneline import OneLine
from tui.widgets.panel import Panel
from tui.widgets.spans import Span
from tui.widgets.strip_chart import StripChart
from tui.widgets.virtual_list import VirtualList

FRAME_S = 0.1  # the stream; tables follow every third frame
TABLES_EVERY = 3
SAID_FOR_FRAMES = 80
SETTLING_FRAMES = 10  # the first second says nothing about the rest
SINGLE_BELOW = (100, 20)  # cells: one panel at a time
ROWS_AT_ONCE = 400


class DashboardScreen(Screen[None], inherit_bindings=False):
    """Everything at once."""

    DEFAULT_CSS = """
    DashboardScreen { layout: vertical; }
    DashboardScreen #body { layout: grid; grid-size: 20 2; grid-rows: 1fr 2fr; grid-gutter: 0; height: 1fr; }
    DashboardScreen #agents, DashboardScreen #queue { column-span: 10; }
    DashboardScreen #events { column-span: 13; }
    DashboardScreen #detail { column-span: 7; }
    DashboardScreen #timeline { height: 5; }
    DashboardScreen #tabs { display: none; }
    DashboardScreen #header { background: $panel; }
    DashboardScreen.-wide #detail { dock: right; width: 34%; height: 100%; }
    DashboardScreen.-wide #events { column-span: 20; }
    DashboardScreen.-low #timeline { height: 1; border: none; }
    DashboardScreen.-low #timeline StripChart { height: 1; }
    DashboardScreen.-single #body { layout: vertical; }
    DashboardScreen.-single #body Panel { display: none; width: 100%; height: 100%; dock: none; }
    DashboardScreen.-single #body Panel.-shown { display: block; }
    DashboardScreen.-narrow #tabs { display: block; }
    """

    def __init__(self, engine: Engine, registry: Registry, remembered: Remembered, feed: Feed) -> None:
        super().__init__()
        self.engine, self.registry, self.feed = engine, registry, feed
        self.playhead = Playhead(remembered)
        self.task_defaults = dict(remembered.task_form)
        self.search: Search | None = None
        self.time_style: TimeStyle = "time"
        self.zoomed = False
        self.travel = Travel(
            self.playhead, feed.index, engine.queries, engine.journal.clock, self._show_past, self.say, self._show_now
        )
        self.inbox, self.attention = Inbox(), Attention(engine.journal.clock.monotonic)
        self.drafts: dict[str, str] = {}
        """Messages to agents that were begun and not sent."""
        self.work = Work(engine.commands, lambda: engine.queries.state)
        self.keys, self.searching = Keys(self), Searching(self)
        self.look = self._live_look()
        self.header, self.tabs = OneLine(id="header"), OneLine(id="tabs")
        self.agents, self.queue = AgentsPanel(), QueuePanel()
        self.events, self.detail = EventsPanel(), DetailPanel()
        self.timeline = TimelinePanel(remembered.axis, remembered.zoom)
        self.detail.keys = tuple(answer_keys(registry).items())
        self.inspector = Inspector(engine.queries, self.detail, self.run_worker, self._draw_lines_soon)
        self.message, self.keys_line = OneLine(id="message"), OneLine(id="keys")
        self._panel: Focus = "queue"
        self._selected = Selection("nothing")
        self._visited: Selection | None = None
        """What the detail is to show as soon as it has the focus."""
        self._at_playhead = False
        """The playhead moved last, not a cursor: its event is what is selected."""
        self.frames = 0
        """How many were drawn so far."""
        self._due = 0.0
        self._said_at = 0
        self._fresh_after = feed.head
        self._loading_rows = False

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.tabs
        yield Container(self.agents, self.queue, self.events, self.detail, id="body")
        yield self.timeline
        yield self.message
        yield self.keys_line

    def on_mount(self) -> None:
        """Draw what is known, and start the frames."""
        self.queue.list.focus()
        self.paint()
        self.set_interval(FRAME_S, self._frame)
        if not self.playhead.live:
            self.run_worker(self.travel.seek, group="keys")

    @property
    def terminal(self) -> App[int]:
        """The app, by the type it has here."""
        return cast("App[int]", self.app)  # pyright: ignore[reportUnknownMemberType]  Textual does not know it

    # -- frames -----------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        now = self.engine.journal.clock.monotonic()
        if self.frames > SETTLING_FRAMES:
            self.feed.late(now - self._due)
        self._due = now + FRAME_S
        self.frames += 1
        if self.feed.behind():
            self.run_worker(self._catch_up, group="catch up", exclusive=True)
            return
        events = self.feed.take()
        if self.search is not None:
            self.search.take(events)
        tables = self.frames % TABLES_EVERY == 0
        if self.playhead.live:
            self.look = self._live_look()
            if tables:
                self.paint()
            elif events:
                self._draw_events()
        elif tables:
            self._grow_past()
        self._load_rows()
        self._grow_detail(events)
        if self._said_at and self.frames - self._said_at > SAID_FOR_FRAMES:
            self._said_at = 0
            self._draw_message(self.engine.queries.trouble or "", "bad")

    async def _catch_up(self) -> None:
        await self.feed.begin()
        await self.searching.go_on()

    def _grow_detail(self, events: list[StoredEvent]) -> None:
        """A conversation grows at its end while it is live, and at its beginning when one looks there."""
        if self.playhead.live:
            self.inspector.take(events, self._selected, self.look)
            self._announce(self.inbox.news(self.look.state))
        if self.detail.wants_earlier:
            self.inspector.read_earlier()
        if self.is_active:  # else another screen says what is looked at
            asked = self.question
            self.attention.turn_to(None if asked is None else asked.id)

    def _announce(self, asked: list[Permission]) -> None:
        """Say that agents ask, however many came to it at once, in one sentence."""
        if len(asked) == 1:
            self.say(f"{asked[0].agent_id} asks to use {asked[0].tool_name or 'a tool'} · w goes there", "waiting")
        elif asked:
            self.say(f"{len(asked)} questions of agents wait for you · i lists them", "waiting")

    def _grow_past(self) -> None:
        """The run goes on behind a past that does not move."""
        clock_us = to_us(self.engine.journal.clock.now())
        self.look = self._past_look(self.look.state, self.look.position, before=self.look.before, clock_us=clock_us)
        self._draw_events()
        self._draw_lines()
        self._draw_timeline()

    def _live_look(self) -> Look:
        state = self.engine.queries.state
        clock_us = to_us(self.engine.journal.clock.now())
        return Look(
            state=state, live=True, position=self.feed.head, head=self.feed.head, now_us=clock_us,
            clock_us=clock_us, why=lambda task_id: self._why(state, task_id),
        )  # fmt: skip

    def _past_look(self, state: State, position: int, *, before: State | None, clock_us: int) -> Look:
        index = self.feed.index
        now_us = index.time_at(position) or (index.times_us[0] if index.times_us else clock_us)
        return Look(
            state=state, live=False, position=position, head=self.feed.head, now_us=now_us, clock_us=clock_us,
            before=before, why=lambda task_id: self._why(state, task_id),
        )  # fmt: skip

    def _why(self, state: State, task_id: str) -> str:
        task = state.tasks.get(task_id)
        return "" if task is None else self.engine.queries.why_waiting(state, task)

    async def _show_past(self, state: State, position: int) -> None:
        """Draw a past moment; the events around it come first, so that nothing has to say `loading`."""
        rows = self._rows(position)
        target = rows.row_of(position)
        height = self.events.list.size.height
        await self._remember(positions_around(rows, range(target - height // 2, target + height)))
        if self.look.live:
            self._fresh_after = self.feed.head
        self._at_playhead = True
        clock_us = to_us(self.engine.journal.clock.now())
        self.look = self._past_look(state, position, before=self.look.state, clock_us=clock_us)
        self.events.list.set_follow(False)
        self.paint()
        self.events.list.move_to(target, context=height // 3)

    def _show_now(self) -> None:
        self._fresh_after = self.feed.head
        self.look = self._live_look()
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
        self._want_details()

    def _rows(self, playhead: int | None) -> EventRows:
        listed = None if self.search is None else self.search.listed
        found = None if listed is None else listed.positions
        second = self.look.clock_us // 1_000_000 if self.time_style == "ago" else 0
        return EventRows(
            memory=self.feed.memory, index=self.feed.index, found=found,
            lines=len(self.feed.index.runs if found is None else found), head=self.feed.head, playhead=playhead,
            style=self.time_style, second=second, generation=self.feed.memory.generation,
            search=self.search, hits=0 if self.search is None else len(self.search.hits.positions),
        )  # fmt: skip

    @property
    def rows(self) -> EventRows:
        """The event list's rows at this moment."""
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

    def _load_rows(self) -> None:
        """Get the events of rows that came onto the screen."""
        missing = self.feed.memory.missing(positions_around(self.rows, self.events.list.on_screen))
        if missing and not self._loading_rows:
            self._loading_rows = True
            self.run_worker(partial(self._load, missing), group="rows")

    async def _load(self, positions: list[int]) -> None:
        try:
            await self._remember(positions)
        finally:
            self._loading_rows = False
        self._draw_events()

    async def _remember(self, positions: object) -> None:
        missing = self.feed.memory.missing(cast("list[int]", positions))[:ROWS_AT_ONCE]
        if missing:
            self.feed.memory.keep(await self.engine.journal.log.reader.at(missing))

    def _draw_lines(self) -> None:
        width = self.size.width
        session = f"{self.engine.journal.session_id}"
        speed = label(f"×{self.playhead.speed}") if self.playhead.playing else None
        vitals = Vitals(
            label(self.engine.project.root.name, 30), label(session, 12), self.feed.rates, self.feed.lag_p95_ms, speed,
            asking=len(self.inbox.waiting(self.look.state)), anchor=self.playhead.anchor,
        )  # fmt: skip
        self.header.show(*header(self.look, vitals, width, glyphs(self)))
        needing = {"agents": counts(self.look.state)[2], "queue": self._tasks_needing()}
        self.tabs.show(tabs(self._panel, cast("dict[Focus, int]", needing)))
        actions = self.registry.footer(self.context, past=not self.look.live, asked=self.question is not None)
        self.keys_line.show(*footer(actions, width))

    def _draw_lines_soon(self) -> None:
        """Once the panels have their sizes: which keys work depends on what is on the screen."""
        self.call_after_refresh(self._draw_lines)

    def _tasks_needing(self) -> int:
        return sum(self.look.state.task_counts.get(status, 0) for status in NEEDS_YOU)

    def say(self, text: str, ink: Ink = "plain") -> None:
        """Put a sentence on the message line."""
        self._said_at = self.frames
        self._draw_message(text, ink)

    def _draw_message(self, text: str, ink: Ink) -> None:
        self.message.show((Span(literal(" ")), Span(label(text, 300), ink)))

    # -- the detail -------------------------------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        """What the keys are about and the detail shows."""
        return self._selected

    @property
    def subject(self) -> Selection | None:
        """The agent or task that is looked at: the one under the cursor, or what the selected event is about."""
        match self._panel:
            case "agents":
                found = _named("agent", self.agents.list.cursor_row, self.agents.list.cursor_key)
            case "queue":
                found = _named("task", self.queue.list.cursor_row, self.queue.list.cursor_key)
            case _:
                found = self._selected
        if found.kind == "event":
            event = self.feed.memory.get(found.position)
            found = Selection("nothing") if event is None else about(event)
        return found if found.kind in {"agent", "task"} else None

    @property
    def question(self) -> Permission | None:
        """The question under the cursor, when it can be answered."""
        asked = self.asked if self.look.live else None
        return asked if asked is not None and goes_on(asked, self.look.state) else None

    @property
    def asked(self) -> Permission | None:
        """The question under the cursor, live or past, answered or not."""
        rows, entry = self.detail.list, self.detail.entry
        if self.focus_name != "detail" or rows.cursor_row not in rows.on_screen or not isinstance(entry, Question):
            return None
        return self.look.state.permissions.get(entry.request_id)

    def visit(self, selection: Selection, asked: Permission | None = None) -> None:
        """Look at the detail of an agent or task, in a conversation at what was asked."""
        panels = {"agent": self.agents, "task": self.queue}
        if selection.kind in panels:
            panels[selection.kind].list.move_to_key(selection.id)
        self._visited, self._at_playhead = selection, False
        self.focus_panel("detail")
        if asked is not None:
            self.detail.aim(selection, f"ask {asked.id}")
        self._want_details()

    def _select(self) -> Selection:
        if self._visited is not None:
            visited = self._visited
            if self.focus_name == "detail":  # the focus comes there a moment after it was asked to
                self._visited = None
            return visited
        kept = self.focus_name == "detail" and self._selected.kind != "event"
        if self._at_playhead and not self.look.live and not kept:
            return Selection("event", position=self.look.position)
        match self.focus_name:
            case "agents":
                return _named("agent", self.agents.list.cursor_row, self.agents.list.cursor_key)
            case "queue":
                return _named("task", self.queue.list.cursor_row, self.queue.list.cursor_key)
            case "events":
                row = self.events.list.cursor_row
                span = None if row is None or row >= len(self.rows) else self.rows.span(row)
                return self._selected if span is None else Selection("event", position=span[1])
            case _:
                return self._selected

    def _want_details(self) -> None:
        self._selected = self._select()
        self.inspector.want(self._selected, self.look)

    # -- keys and focus -----------------------------------------------------------------------------------------

    @property
    def focus_name(self) -> Focus:
        """The panel that has the focus."""
        above = self.focused.ancestors if self.focused is not None else ()
        panel = next((node for node in above if isinstance(node, Panel)), None)
        for focus in FOCUSES:
            if panel is not None and panel.id == focus:
                return focus
        return self._panel

    @property
    def context(self) -> Context:
        """Where a key pressed now is pressed."""
        focus = self.focus_name
        mode = "live" if self.playhead.live and focus != "timeline" else "time"
        return Context(mode, focus, self.search is not None, self.asked is not None)

    def focus_panel(self, name: Focus) -> None:
        """Give the focus to a panel."""
        self.query_one(f"#{name}", Panel).focus_inside()

    async def on_key(self, event: Key) -> None:
        """Look the key up, and do what it means here."""
        self._visited = None
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
            self._panel = name
            self._at_playhead = self._at_playhead and name == "detail"
        self.lay_out()
        self._draw_lines()
        self._want_details()

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        if event.source is self.focused:
            self._at_playhead = False
        self._want_details()
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
        self._draw_lines()

    def lay_out(self) -> None:
        """One panel at a time on a small screen, all of them on others, the detail at full height on wide ones."""
        width, height = self.size
        narrow = width < SINGLE_BELOW[0] or height < SINGLE_BELOW[1]
        single = narrow or self.zoomed
        self.set_class(narrow, "-narrow")
        self.set_class(single, "-single")
        self.set_class(width >= 160 and not single, "-wide")
        self.set_class(width < SINGLE_BELOW[0] or height < 30, "-low")
        for panel in self.query("#body Panel"):
            panel.set_class(panel.id == self._panel, "-shown")
        self._draw_lines_soon()

    @property
    def remembered(self) -> Remembered:
        """What to remember of this view."""
        return Remembered(
            position=self.playhead.last, live=self.playhead.live, jumps=self.playhead.jumps,
            search="" if self.search is None else self.search.query.text, task_form=self.task_defaults,
            anchor=self.playhead.anchor, axis=self.timeline.kind, zoom=self.timeline.zoom.level,
        )  # fmt: skip


def _named(kind: Literal["agent", "task"], row: int | None, key: object) -> Selection:
    return Selection("nothing") if row is None else Selection(kind, str(key))
