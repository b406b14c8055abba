"""Two moments compared, on the whole screen: what came, went and changed between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual.widget import Widget

from core.history.diff import RecordChange, StateDiff
from tui.changes import diff_lines
from tui.moments import Place
from tui.panels.detail import BodyRows, DetailBody
from tui.screens.dialog import Dialog, move
from tui.text import SafeText, join, literal
from tui.transcript.blocks import Line
from tui.widgets.spans import Span, text_of

KEYS = (Span(literal("o flips · ⏎ goes to what changed it · y copies · esc leaves"), "muted"),)


class DiffList(DetailBody):
    """Lines to read from the first on."""

    FOLLOWS: ClassVar[bool] = False


Compare = Callable[[Place, Place], Awaitable[StateDiff]]


class DiffScreen(Dialog[RecordChange]):
    """Everything that is different in B; Enter on a record answers with it."""

    DEFAULT_CSS = """
    DiffScreen > Panel { width: 100%; max-width: 100%; height: 100%; max-height: 100%; }
    DiffScreen DiffList { height: 1fr; }
    """

    def __init__(self, a: Place, b: Place, diff: StateDiff, *, compare: Compare, copy: Callable[[str], None]) -> None:
        super().__init__(literal("What is different"), KEYS)
        self._a, self._b, self._compare, self._copy = a, b, compare, copy
        self.list = DiffList()
        self._lines: list[tuple[Line, RecordChange | None]] = []
        self._take(diff)

    def _take(self, diff: StateDiff) -> None:
        self._lines = list(diff_lines(diff))

    def inside(self) -> Iterable[Widget]:
        yield self.list

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.list.focus()

    def on_resize(self) -> None:
        """Break the lines where they do not fit."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width - 6  # the frame, its padding, the cursor's mark and the scroll bar
        self.list.show(BodyRows(tuple(line for line, _ in self._lines), max(8, width)))

    @property
    def text(self) -> SafeText:
        """All of it."""
        return join((text_of(line) for line, _ in self._lines), "\n")

    async def pressed(self, key: str) -> bool:
        match key:
            case "o":
                self._a, self._b = self._b, self._a
                self._take(await self._compare(self._a, self._b))
                self._draw()
            case "y":
                self._copy(self.text)
            case "enter":
                row, view = self.list.cursor_row, self.list.view
                change = self._lines[view.line(row)][1] if row is not None and isinstance(view, BodyRows) else None
                if change is not None:
                    self.dismiss(change)
            case "d" | "q":
                self.dismiss(None)
            case _:
                return move(self.list, key)
        return True
