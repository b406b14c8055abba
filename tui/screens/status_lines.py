"""The lines around the panels: the header, the tabs of a small screen, the message and the keys that work now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from tui.bindings import Action, Focus
from tui.look import Look
from tui.panels.agents import counts
from tui.panels.header import Vitals, footer, header, tabs
from tui.panels.queue import NEEDS_YOU
from tui.text import Glyphs, label, literal
from tui.theme.ink import Ink
from tui.transcript.blocks import Line
from tui.widgets.oneline import OneLine
from tui.widgets.paragraph import Paragraph
from tui.widgets.spans import Span

SAID_FOR_FRAMES = 80


class StatusLines:
    """Four lines, of which a message stays for a while, and a banner while something is wrong."""

    def __init__(self) -> None:
        self.header, self.tabs = OneLine(id="header"), OneLine(id="tabs")
        self.banner = Paragraph(id="banner")
        self.message, self.keys = OneLine(id="message"), OneLine(id="keys")
        self._left = 0
        """How many frames more the message stays."""

    def show(
        self, look: Look, vitals: Vitals, actions: Iterable[Action], focus: Focus, width: int, glyphs: Glyphs
    ) -> None:
        """Draw all but the message."""
        self.header.show(*header(look, vitals, width, glyphs))
        needing = {
            "agents": counts(look.state)[2],
            "queue": sum(look.state.task_counts.get(status, 0) for status in NEEDS_YOU),
        }
        self.tabs.show(tabs(focus, cast("dict[Focus, int]", needing)))
        self.keys.show(*footer(actions, width))

    def warn(self, lines: tuple[Line, ...]) -> None:
        """Say what is wrong for as long as it is; no lines: nothing is."""
        self.banner.show(lines)
        self.banner.display = bool(lines)

    def say(self, text: str, ink: Ink = "plain") -> None:
        """Put a sentence on the message line."""
        self._left = SAID_FOR_FRAMES
        self._draw(text, ink)

    def frame(self) -> None:
        """A frame passed: what was said long enough goes away."""
        if self._left:
            self._left -= 1
            if not self._left:
                self._draw("", "plain")

    def _draw(self, text: str, ink: Ink) -> None:
        self.message.show((Span(literal(" ")), Span(label(text, 300), ink)))
