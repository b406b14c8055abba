"""The line the search is typed on."""

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

HINT = literal('type:task  agent:shell-*  task:T-3  stream:…  session:S-1  words  "some words"')


class FilterLine(Dialog[str]):
    """What to look for; an empty line looks for nothing."""

    def __init__(self, text: str) -> None:
        super().__init__(literal("Filter the events"), (Span(literal("⏎ filters · esc leaves"), "muted"),))
        self._entry = Input(text, compact=True, placeholder="everything ever recorded is searched")
        self._problem = OneLine()

    def inside(self) -> Iterable[Widget]:
        yield self._entry
        yield self._problem
        yield line(Span(HINT, "muted"))

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
