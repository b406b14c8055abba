"""The detail: facts about what is selected, and below them its output, or what an event did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from textual.app import ComposeResult

from core.projections import Task
from tui.details import NOTHING, Details, Selection, Talk
from tui.look import Look
from tui.text import SafeText, join, literal, sanitize
from tui.theme import glyphs
from tui.transcript.blocks import Line
from tui.transcript.drawing import foldable
from tui.transcript.entries import Attempt, Entry, Message, Thought
from tui.transcript.layout import EARLIER, FULL, TranscriptRows, Typesetter, text_of_all
from tui.transcript.scene import Scene
from tui.widgets.panel import Frame, Panel
from tui.widgets.paragraph import Paragraph
from tui.widgets.rows import Notice
from tui.widgets.spans import Span, text_of
from tui.widgets.virtual_list import VirtualList
from tui.widgets.wrapping import wrap_hanging

TITLE = literal("Detail")
PAGER_CELLS = 100
COPY_CELLS = 10_000  # lines as they were, not as they are broken here
SILENT = Notice("empty", ((Span(literal("nothing said yet"), "faint"),),))


class DetailHead(Paragraph):
    """The facts; as high as they need, within reason."""

    DEFAULT_CSS = "DetailHead { max-height: 50%; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__(NOTHING.head)


@dataclass(frozen=True)
class BodyRows:
    """The body's lines, wrapped to a width."""

    lines: tuple[Line, ...]
    width: int

    def __len__(self) -> int:
        return len(self._wrapped)

    def key(self, index: int) -> int:
        return index

    def row(self, index: int) -> Line:
        return self._wrapped[index][1]

    def line(self, index: int) -> int:
        """The number of the line that a row is of."""
        return self._wrapped[index][0]

    def find(self, key: object) -> int | None:
        return key if isinstance(key, int) and key < len(self) else None

    @cached_property
    def _wrapped(self) -> list[tuple[int, Line]]:
        return [(number, part) for number, line in enumerate(self.lines) for part in wrap_hanging(line, self.width)]


class DetailBody(VirtualList[Line]):
    """Lines to scroll through."""

    FOLLOWS: ClassVar[bool] = True
    STEADY: ClassVar[bool] = True
    EMPTY: ClassVar[Notice] = Notice("empty", ((Span(literal("no output"), "faint"),),))

    def render_row(self, row: Line, width: int) -> Iterable[Span]:  # noqa: ARG002  wrapped already
        """One line."""
        return row


class DetailPanel(Panel):
    """Panel 4."""

    DEFAULT_CSS = "DetailPanel DetailBody { border-top: solid $border-blurred; }"

    def __init__(self) -> None:
        super().__init__(frame=Frame(TITLE, 4), id="detail")
        self.head = DetailHead()
        self.list = DetailBody()
        self.keys: tuple[tuple[str, str], ...] = ()
        """Kinds of permission options and the keys that choose them."""
        self._details = NOTHING
        self._scene = Scene(0, live=True)
        self._typesetter = Typesetter()
        self._aim: tuple[Selection, str] | None = None

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.list

    def show(self, details: Details, look: Look) -> None:
        """Draw these details."""
        other = details.of != self._details.of
        self._details = details
        self._scene = self.scene(look)
        if other:
            self._typesetter = Typesetter()
        self.head.show(details.head)
        self._show_body(other)
        self._take_aim()
        self.draw_frame(look)

    def draw_frame(self, look: Look) -> None:
        """Draw the title, and whether the end is followed."""
        note = [Span(self._details.title, "muted")] if self._details.title else []
        if self._details.talk is not None:
            if self._details.talk.raw:
                note.append(Span(literal(" · raw"), "accent"))
            note += [Span(literal("  ")), *badge] if (badge := self.list.badge) else []
        self.show_frame(Frame(TITLE, 4, tuple(note), look.past))

    def scene(self, look: Look) -> Scene:
        """What entries depend on at this moment."""
        titles = tuple((task.id, task.title) for task in self._tasks(look))
        return Scene(look.now_us, look.live, glyphs(self), self.keys, titles)

    def _tasks(self, look: Look) -> list[Task]:
        begun = [entry.task_id for entry in self._entries if isinstance(entry, Attempt)]
        found = [look.state.tasks.get(task_id) for task_id in begun]
        return [task for task in found if task is not None]

    @property
    def _entries(self) -> tuple[Entry, ...]:
        return () if self._details.talk is None else self._details.talk.entries

    @property
    def wants_earlier(self) -> bool:
        """Whether the beginning of what is known of a conversation is on the screen, and there is more."""
        talk = self._details.talk
        if talk is None or not talk.more or talk.full or self._width <= 0:
            return False
        return self.list.on_screen.start == 0

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        match self.list.cursor_key:
            case (str() as key, int()):
                return next((entry for entry in self._entries if entry.key == key), None)
            case _:
                return None

    @property
    def link(self) -> int | None:
        """The position of the event that the line under the cursor is about."""
        row, view = self.list.cursor_row, self.list.view
        if row is None or not isinstance(view, BodyRows):
            return None
        return self._details.links.get(view.line(row))

    def toggle(self) -> bool:
        """Open or fold the entry under the cursor; whether there was anything to open."""
        entry = self.entry
        if entry is None or not foldable(entry):
            return False
        self._typesetter.toggle(entry)
        self._show_from(entry)
        return True

    def toggle_all(self) -> None:
        """Open everything, or fold everything when all of it is open."""
        folded = any(foldable(entry) and not self._typesetter.is_open(entry) for entry in self._entries)
        self._typesetter.set_all(self._entries, is_open=folded)
        self._show_from(self.entry)

    def _show_from(self, entry: Entry | None) -> None:
        """Draw the body again, with the cursor at the beginning of an entry."""
        self.list.set_follow(False)
        self._show_body(other=False)
        if entry is not None:
            self.list.move_to_key((entry.key, 0), context=1)

    def aim(self, selection: Selection, key: str) -> None:
        """Put the cursor on an entry of what is selected, as soon as it is shown."""
        self._aim = selection, key
        self._take_aim()

    def _take_aim(self) -> None:
        if self._aim is not None and self._details.of == self._aim[0] and self._show_entry(self._aim[1]):
            self._aim = None

    def _show_entry(self, key: str) -> bool:
        """Put the cursor on the last line of an entry; whether it is there."""
        view = self.list.view
        row = view.last_of(key) if isinstance(view, TranscriptRows) else None
        if row is not None:
            self.list.move_to(row)
        return row is not None

    @property
    def _width(self) -> int:
        # The list is as wide as the panel, also while it is hidden; its gutter and scroll bar take a cell each.
        return self.size.width - 2

    def _show_body(self, other: bool) -> None:
        details = self._details
        self.list.display = details.talk is not None or bool(details.body)
        if self._width > 0:
            self.list.show(self._rows(details.talk) if details.talk else BodyRows(details.body, max(8, self._width)))
        if other:
            self.list.set_follow(details.follow)
            if not details.follow:
                self.list.move_to(0)

    def _rows(self, talk: Talk) -> TranscriptRows | Notice:
        if not talk.entries:
            return SILENT
        above = (FULL if talk.full else EARLIER) if talk.more else ()
        return self._typesetter.lay_out(talk.entries, self._scene, self._width, above)

    def on_resize(self) -> None:
        super().on_resize()
        self._show_body(other=False)

    @property
    def text_here(self) -> SafeText:
        """All of the entry under the cursor; empty where there is none."""
        match self.entry:
            case None:
                return literal("")
            case Message() | Thought() as said:
                return sanitize(said.text)
            case entry:
                return text_of_all((entry,), self._scene, COPY_CELLS)

    @property
    def text(self) -> SafeText:
        """All of it, for the pager."""
        head = [text_of(line) for line in self._details.head]
        if self._details.talk is None:
            return join((*head, literal(""), *(text_of(line) for line in self._details.body)), "\n")
        return join((*head, literal(""), text_of_all(self._entries, self._scene, PAGER_CELLS)), "\n")
