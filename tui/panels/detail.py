"""The detail: facts about what is selected, and below them its output, or what an event did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from textual.app import ComposeResult
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui.details import NOTHING, Details, Line
from tui.look import Look
from tui.text import SafeText, join, literal
from tui.theme import glyphs
from tui.theme.ink import palette
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice
from tui.widgets.spans import Span, fit, segments_of, text_of
from tui.widgets.virtual_list import VirtualList
from tui.widgets.wrapping import wrap

TITLE = literal("Detail")
HEAD_SHARE = 2  # the head takes at most one half of the panel


class DetailHead(Widget):
    """The facts; as high as they need, within reason."""

    DEFAULT_CSS = "DetailHead { height: auto; max-height: 50%; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines = NOTHING.head

    def show(self, lines: tuple[Line, ...]) -> None:
        """Draw these lines; returns at once when they are what is shown."""
        if lines != self._lines:
            taller = len(lines) != len(self._lines)
            self._lines = lines
            self.refresh(layout=taller)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  Textual's signature
        return sum(len(wrap(line, width)) for line in self._lines)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = [part for line in self._lines for part in wrap(line, width)]
        spans: Iterable[Span] = lines[y] if y < len(lines) else ()
        return Strip(segments_of(fit(spans, width, glyphs(self)), palette(self), self.rich_style), width)


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
        return self._wrapped[index]

    def find(self, key: object) -> int | None:
        return key if isinstance(key, int) and key < len(self) else None

    @cached_property
    def _wrapped(self) -> list[Line]:
        return [part for line in self.lines for part in wrap(line, self.width)]


class DetailBody(VirtualList[Line]):
    """Lines to scroll through."""

    FOLLOWS: ClassVar[bool] = True
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
        self._details = NOTHING

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.list

    def show(self, details: Details, look: Look) -> None:
        """Draw these details."""
        other = details.title != self._details.title
        self._details = details
        self.head.show(details.head)
        self._show_body(other)
        self.show_frame(Frame(TITLE, 4, (Span(details.title, "muted"),) if details.title else (), look.past))

    def _show_body(self, other: bool) -> None:
        self.list.display = bool(self._details.body)
        # The list is as wide as the panel, also while it is hidden; its gutter and scroll bar take a cell each.
        self.list.show(BodyRows(self._details.body, max(8, self.size.width - 2)))
        if other:
            self.list.set_follow(self._details.follow)
            if not self._details.follow:
                self.list.move_to(0)

    def on_resize(self) -> None:
        super().on_resize()
        self._show_body(other=False)

    @property
    def text(self) -> SafeText:
        """All of it, for the pager."""
        return join((text_of(line) for line in (*self._details.head, (), *self._details.body)), "\n")
