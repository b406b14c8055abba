"""What is selected: the row under the cursor, the event at the playhead, or what somebody was brought to.

The playhead's event is selected once the playhead moved, until a cursor does; so what a jump came to is what the detail
shows and what `enter` opens.
"""

from __future__ import annotations

from typing import Literal

from core.engine import Engine
from core.projections import Permission
from tui.asking import goes_on
from tui.details import Selection, about
from tui.event_rows import EventRows
from tui.feed import Feed
from tui.look import Look
from tui.panels.timeline import TimelinePanel
from tui.screens.five_panels import FivePanels
from tui.screens.inspecting import Inspector
from tui.transcript.entries import Question


class Selecting(FivePanels, inherit_bindings=False):
    """The panels, with what is selected in them."""

    def __init__(self, engine: Engine, feed: Feed, look: Look, timeline: TimelinePanel) -> None:
        super().__init__(timeline)
        self.engine, self.feed, self.look = engine, feed, look
        self.inspector = Inspector(engine.queries, self.detail, self.run_worker, self.draw_lines_soon)
        self._selected = Selection("nothing")
        self.visited: Selection | None = None
        """What the detail is to show as soon as it has the focus."""
        self.at_playhead = False
        """The playhead moved last, not a cursor: its event is what is selected."""

    @property
    def rows(self) -> EventRows:
        """The event list's rows at this moment."""
        raise NotImplementedError

    def draw_lines_soon(self) -> None:
        """Once the panels have their sizes: which keys work depends on what is on the screen."""
        raise NotImplementedError

    @property
    def selection(self) -> Selection:
        """What the keys are about and the detail shows."""
        return self._selected

    @property
    def subject(self) -> Selection | None:
        """The agent or task that is looked at: the one under the cursor, or what the selected event is about."""
        match self.panel:
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
        self.visited, self.at_playhead = selection, False
        self.focus_panel("detail")
        if asked is not None:
            self.detail.aim(selection, f"ask {asked.id}")
        self.want_details()

    def _select(self) -> Selection:
        if self.visited is not None:
            visited = self.visited
            if self.focus_name == "detail":  # the focus comes there a moment after it was asked to
                self.visited = None
            return visited
        kept = self.focus_name == "detail" and self._selected.kind != "event"
        if self.at_playhead and not self.look.live and not kept:
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

    def want_details(self) -> None:
        """Find out what is selected, and have it shown."""
        self._selected = self._select()
        self.inspector.want(self._selected, self.look)


def _named(kind: Literal["agent", "task"], row: int | None, key: object) -> Selection:
    return Selection("nothing") if row is None else Selection(kind, str(key))
