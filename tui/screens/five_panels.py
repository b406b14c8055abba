"""The five panels and the lines around them: where they stand, and which of them has the focus.

Forbidden here: what they show.
"""

from __future__ import annotations

from typing import cast

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.screen import Screen

from tui.bindings import FOCUSES, Focus
from tui.panels.agents import AgentsPanel
from tui.panels.detail import DetailPanel
from tui.panels.events import EventsPanel
from tui.panels.queue import QueuePanel
from tui.panels.timeline import TimelinePanel
from tui.screens.status_lines import StatusLines
from tui.widgets.panel import Panel

SINGLE_BELOW = (100, 20)  # cells: one panel at a time


class FivePanels(Screen[None], inherit_bindings=False):
    """All of them, on terminals of any size."""

    DEFAULT_CSS = """
    FivePanels { layout: vertical; }
    FivePanels #body { layout: grid; grid-size: 20 2; grid-rows: 1fr 2fr; grid-gutter: 0; height: 1fr; }
    FivePanels #agents, FivePanels #queue { column-span: 10; }
    FivePanels #events { column-span: 13; }
    FivePanels #detail { column-span: 7; }
    FivePanels #timeline { height: 5; }
    FivePanels #tabs { display: none; }
    FivePanels #header { background: $panel; }
    FivePanels #banner { background: $error 20%; padding: 0 1; display: none; max-height: 25%; }
    FivePanels.-wide #detail { dock: right; width: 34%; height: 100%; }
    FivePanels.-wide #events { column-span: 20; }
    FivePanels.-low #timeline { height: 1; border: none; }
    FivePanels.-low #timeline StripChart { height: 1; }
    FivePanels.-single #body { layout: vertical; }
    FivePanels.-single #body Panel { display: none; width: 100%; height: 100%; dock: none; }
    FivePanels.-single #body Panel.-shown { display: block; }
    FivePanels.-narrow #tabs { display: block; }
    """

    def __init__(self, timeline: TimelinePanel) -> None:
        super().__init__()
        self.status = StatusLines()
        self.agents, self.queue = AgentsPanel(), QueuePanel()
        self.events, self.detail = EventsPanel(), DetailPanel()
        self.timeline = timeline
        self.panel: Focus = "queue"
        """The panel that has the focus, or had it before the timeline."""
        self.zoomed = False

    def compose(self) -> ComposeResult:
        yield self.status.header
        yield self.status.tabs
        yield self.status.banner
        yield Container(self.agents, self.queue, self.events, self.detail, id="body")
        yield self.timeline
        yield self.status.message
        yield self.status.keys

    @property
    def terminal(self) -> App[int]:
        """The app, by the type it has here."""
        return cast("App[int]", self.app)  # pyright: ignore[reportUnknownMemberType]  Textual does not know it

    @property
    def focus_name(self) -> Focus:
        """The panel that has the focus."""
        above = self.focused.ancestors if self.focused is not None else ()
        panel = next((node for node in above if isinstance(node, Panel)), None)
        for focus in FOCUSES:
            if panel is not None and panel.id == focus:
                return focus
        return self.panel

    def focus_panel(self, name: Focus) -> None:
        """Give the focus to a panel."""
        self.query_one(f"#{name}", Panel).focus_inside()

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
            panel.set_class(panel.id == self.panel, "-shown")
