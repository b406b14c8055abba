"""Questions before something that cannot be taken back: kill, and quit while agents run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from textual.widget import Widget

from tui.screens.dialog import Dialog, blank_line, line
from tui.text import SafeText, count, join, label, literal
from tui.widgets.columns import Column, lay_out
from tui.widgets.spans import Span

_ANSWERS = (
    Column(literal("key"), 3, align="right"),
    Column(literal("answer"), 16),
    Column(literal("consequence"), 56),
)
_ANSWERS_WIDTH = 77  # cells, with those between the columns

QuitAnswer = Literal["wait", "requeue", "cancel"]


class Confirm(Dialog[bool]):
    """Yes or no; anything but `y` is no."""

    def __init__(self, title: SafeText, question: SafeText) -> None:
        super().__init__(title)
        self._question = question

    def inside(self) -> Iterable[Widget]:
        yield blank_line()
        yield line(Span(self._question))
        yield blank_line()
        yield line(
            Span(literal("n"), "key"), Span(literal(" no, leave it   "), "strong"),
            Span(literal("y"), "key"), Span(literal(" yes"), "muted"),
        )  # fmt: skip

    async def pressed(self, key: str) -> bool:
        if key in {"y", "Y"}:
            self.dismiss(True)
        elif key in {"n", "N", "enter"}:
            self.dismiss(False)
        return True


class Quit(Dialog[QuitAnswer]):
    """What becomes of the agents that run."""

    def __init__(self, running: int) -> None:
        super().__init__(literal("Quit"))
        self._agents = running

    def inside(self) -> Iterable[Widget]:
        agents = literal(" agents are working.") if self._agents != 1 else literal(" agent is working.")
        yield blank_line()
        yield line(Span(join((count(self._agents), agents)), "strong"))
        yield blank_line()
        for key, word, consequence in (
            ("w", "wait", "claim no more tasks, quit when the running ones are done"),
            ("r", "stop and requeue", "stop them; their tasks run again next time"),
            ("c", "stop and cancel", "stop them; their tasks are cancelled"),
            ("esc", "stay", "leave everything as it is"),
        ):
            cells = (Span(label(key), "key"), Span(label(word), "strong"), Span(label(consequence), "muted"))
            yield line(*lay_out(_ANSWERS, cells, _ANSWERS_WIDTH))

    async def pressed(self, key: str) -> bool:
        match key:
            case "w":
                self.dismiss("wait")
            case "r":
                self.dismiss("requeue")
            case "c":
                self.dismiss("cancel")
            case _:
                pass
        return True


class Waiting(Dialog[bool]):
    """While the last agents finish: what is awaited, and two ways to stop waiting."""

    def __init__(self, words: SafeText) -> None:
        super().__init__(literal("Quit"))
        self._words = words

    def inside(self) -> Iterable[Widget]:
        yield blank_line()
        yield line(Span(self._words, "strong"))
        yield blank_line()
        yield line(Span(literal("  r"), "key"), Span(literal(" stop them now and queue their tasks again"), "muted"))
        yield line(Span(literal("esc"), "key"), Span(literal(" stay after all"), "muted"))

    async def pressed(self, key: str) -> bool:
        if key == "r":
            self.dismiss(True)
        return True
