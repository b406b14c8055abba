"""The line a search is typed on."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from core.errors import UsageError
from tui.screens.dialog import Dialog, line
from tui.search import Query
from tui.text import label, literal
from tui.widgets.oneline import OneLine
from tui.widgets.spans import Span

WORDS = literal('words "some words"   anything ever said: n N go from hit to hit')
TERMS = literal("type:task agent:sh-* task:T-3 session:S-1   list only such events")


class FilterLine(Dialog[str]):
    """What to search for; an empty line searches for nothing."""

    def __init__(self, text: str) -> None:
        super().__init__(literal("Search"), (Span(literal("⏎ searches · esc leaves"), "muted"),))
        self._entry = Input(text, compact=True, placeholder="nothing: everything is listed")
        self._problem = OneLine()

    def inside(self) -> Iterable[Widget]:
        yield self._entry
        yield self._problem
        yield line(Span(WORDS, "muted"))
        yield line(Span(TERMS, "muted"))

    def on_mount(self) -> None:
        """Ready to type."""
        self._entry.focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        try:
            Query.parse(event.value)
        except UsageError as error:
            self._problem.show((Span(label(str(error), 80), "warn"),))
        else:
            self.dismiss(event.value)
