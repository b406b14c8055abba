"""Naming a bookmark, and the list of all marks and of the jumps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from core.log.pages import PAGE_EVENTS
from core.log.reader import Reader
from tui.look import local
from tui.marks import Mark
from tui.playhead import LIVE
from tui.screens.choosing import Choice, Chooser
from tui.screens.dialog import Dialog
from tui.telling import tell
from tui.text import clock_time, count, join, label, literal
from tui.widgets.spans import Span


class NameBookmark(Dialog[str]):
    """What a bookmark is called; nothing typed is a bookmark without a name."""

    def __init__(self, position: int, name: str) -> None:
        title = join((literal("Bookmark at "), count(position)))
        super().__init__(title, (Span(literal("⏎ sets · esc leaves"), "muted"),))
        self._entry = Input(name, compact=True, placeholder="a name, to return to it with :@name")

    def inside(self) -> Iterable[Widget]:
        yield self._entry

    def on_mount(self) -> None:
        """Ready to type."""
        self._entry.focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class ChosenMark(NamedTuple):
    """What was chosen of the list: a mark by its number, to go to or to remove."""

    number: int
    remove: bool = False


class MarkChooser(Chooser[ChosenMark]):
    """Every mark; Enter goes there, Delete takes a bookmark away."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        keys = literal("⏎ goes there · del takes a bookmark away · esc leaves")
        super().__init__(literal("Marks and jumps"), choices, "type to narrow; in the past m sets a bookmark", keys)
        self._removable = {choice.id for choice in choices if choice.id.startswith("bookmark ")}

    def choose(self, typed: str) -> None:  # noqa: ARG002  the list has narrowed already
        """Go there."""
        if self.chosen is not None:
            self.dismiss(ChosenMark(_number(self.chosen)))

    async def pressed(self, key: str) -> bool:
        if key == "delete" and self.chosen in self._removable:
            self.dismiss(ChosenMark(_number(self.chosen), remove=True))
            return True
        return await super().pressed(key)


async def mark_choices(marks: Sequence[Mark], reader: Reader) -> list[Choice]:
    """The marks as the chooser lists them: what happened there, read from the log."""
    events = {event.position: event for mark_page in _pages(marks) for event in await reader.at(mark_page)}
    choices: list[Choice] = []
    for number, mark in enumerate(marks):
        event = events.get(mark.position)
        told = "before the first event" if event is None else f"{event.type} {event.aggregate_id} {tell(event)}"
        time = literal("") if event is None else clock_time(local(event.recorded_us))
        text = join((literal("#"), count(mark.position), literal("  "), label(told, 120)))
        if mark.position == LIVE:
            text = literal("now")
        choices.append(Choice(f"{mark.kind} {number}", label(mark.label or mark.kind, 24), time, text))
    return choices


def _pages(marks: Sequence[Mark]) -> Iterable[list[int]]:
    for first in range(0, len(marks), PAGE_EVENTS):
        yield [mark.position for mark in marks[first : first + PAGE_EVENTS]]


def _number(choice: str) -> int:
    return int(choice.rpartition(" ")[2])
