"""A scrolling view over rows: keys, wheel, scroll bar and mouse move a `Reading`, and Textual scrolls after it.

Invariant: the reading decides what is on the screen; Textual's scroll position only repeats it.
Forbidden here: drawing, and laying out the screen because a row was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic

from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView

from tui.widgets.reading import Reading
from tui.widgets.rows import RowT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from textual import events
    from textual.selection import Selection
    from textual.widget import Widget


@dataclass
class ListMessage(Message):
    """Something the user did in a list; of two that nobody has handled yet the later is enough."""

    source: Widget

    @property
    def control(self) -> Widget:
        return self.source

    def can_replace(self, message: Message) -> bool:
        return type(message) is type(self) and message.control is self.source


class Scroller(ScrollView, Generic[RowT], can_focus=True, inherit_bindings=False):
    """What moves in a `VirtualList`; the app binds keys to the actions."""

    ALLOW_SELECT = True
    FOLLOWS: ClassVar[bool] = False
    """Whether this list grows at its end and starts out there."""
    RESTS: ClassVar[bool] = False
    """Whether the cursor stays on the first row, whichever that is, until the user moves it."""
    STEADY: ClassVar[bool] = False
    """Whether rows that come above the first one leave what is on the screen where it is."""

    virtual_size = Reactive(Size(0, 0), layout=False, repaint=False)
    """Textual's own would lay out, and so repaint, the whole screen whenever a row is added."""

    @dataclass
    class Moved(ListMessage, namespace="virtual_list"):
        """The user put the cursor on another row. Rows arriving or leaving are not worth a message."""

        index: int
        key: Hashable

    @dataclass
    class Opened(ListMessage, namespace="virtual_list"):
        """The user wants all of this row: Enter, or a double click."""

        index: int
        key: Hashable

    @dataclass
    class TailChanged(ListMessage, namespace="virtual_list"):
        """The user began or ended following, or has seen more of the new rows: draw `badge` again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._reading: Reading[RowT] = Reading(follows=self.FOLLOWS, rests=self.RESTS, steady=self.STEADY)
        self._placing = False
        self._selected: Hashable = None

    @property
    def cursor_row(self) -> int | None:
        """The index of the row under the cursor, if there are rows."""
        return self._reading.cursor if self._reading.last >= 0 else None

    @property
    def cursor_key(self) -> Hashable:
        """The key of the row under the cursor; without rows, of the last one that was."""
        return self._reading.key

    @property
    def follow(self) -> bool:
        """Whether the list sticks to its end."""
        return self._reading.follow

    @property
    def unseen(self) -> int:
        """How many rows came after the last one that was on the screen."""
        return self._reading.unseen

    @property
    def on_screen(self) -> range:
        """The indexes of the rows on the screen: whoever reads ahead reads around them."""
        reading = self._reading
        return range(reading.top, min(reading.top + reading.lines, len(reading.rows)))

    def move_to(self, index: int, *, context: int = 0) -> None:
        """Put the cursor on a row and bring it into view, with so many rows around it; off the end, following ends."""
        self._act(lambda reading: reading.go(index, context))

    def move_to_key(self, key: Hashable, *, context: int = 0) -> bool:
        """Put the cursor on the row with this key; false when there is none."""
        index = self._reading.rows.find(key)
        if index is not None:
            self.move_to(index, context=context)
        return index is not None

    def set_follow(self, follow: bool) -> None:
        """Stick to the end, or stop where we are; the past does not follow."""
        self._act(lambda reading: reading.set_follow(follow))

    def action_cursor_down(self) -> None:
        """One row down."""
        self._act(lambda reading: reading.step(1))

    def action_cursor_up(self) -> None:
        """One row up."""
        self._act(lambda reading: reading.step(-1))

    def action_half_page_down(self) -> None:
        """Half a screen down, cursor and view together."""
        self._act(lambda reading: reading.leap(max(1, reading.lines // 2)))

    def action_half_page_up(self) -> None:
        """Half a screen up, cursor and view together."""
        self._act(lambda reading: reading.leap(-max(1, reading.lines // 2)))

    def action_page_down(self) -> None:
        """A screen down, less one row to keep the thread."""
        self._act(lambda reading: reading.leap(max(1, reading.lines - 1)))

    def action_page_up(self) -> None:
        """A screen up, less one row to keep the thread."""
        self._act(lambda reading: reading.leap(-max(1, reading.lines - 1)))

    def action_first(self) -> None:
        """To the first row."""
        self._act(lambda reading: reading.go(0))

    def action_last(self) -> None:
        """To the last row, and follow what comes after it."""
        self._act(lambda reading: reading.set_follow(True))

    def action_toggle_follow(self) -> None:
        """Stick to the end, or stop where we are."""
        self._act(lambda reading: reading.set_follow(not reading.follow))

    def action_open(self) -> None:
        """Ask for all of the row under the cursor."""
        if self._reading.last >= 0:
            self.post_message(self.Opened(self, self._reading.cursor, self._reading.key))

    def _act(self, move: Callable[[Reading[RowT]], None]) -> None:
        """Let the user move, draw it, and tell who listens what became of it."""
        reading = self._reading
        top, cursor, key, tail = reading.top, reading.cursor, reading.key, (reading.follow, reading.unseen)
        move(reading)
        self._scroll_there()
        if (reading.top, reading.cursor) != (top, cursor):
            self._repaint()
        if reading.key != key:
            self.post_message(self.Moved(self, reading.cursor, reading.key))
        if (reading.follow, reading.unseen) != tail:
            self.post_message(self.TailChanged(self))

    def _scroll_there(self) -> None:
        """Make Textual's scrolling agree with the reading; before there is a screen its first size does."""
        if not self.is_attached:
            return
        self._placing = True
        self.virtual_size = Size(0, len(self._reading.rows) + self._header_lines)
        if round(self.scroll_y) != self._reading.top:  # else an animated scroll would stop at its first step
            self.scroll_to(y=self._reading.top, animate=False, force=True)
        self._placing = False

    def _repaint(self) -> None:
        """Paint what is not as it was."""
        self.refresh()

    @property
    def _header_lines(self) -> int:
        return 0

    def watch_virtual_size(self, size: Size) -> None:
        self._scroll_update(size)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and round(old_value) != round(new_value):
            # A new size clamps the position before it is announced, and is no move of the reader's.
            self._reading.resize(self._lines)
            self._act(lambda reading: reading.scroll(round(new_value)))

    def on_resize(self) -> None:
        self._act(lambda reading: reading.resize(self._lines))
        self.refresh()

    @property
    def _lines(self) -> int:
        return self.size.height - self._header_lines

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()  # a double click opens; Textual would select a million rows
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self._header_lines:
            return
        index = self._reading.top + offset.y - self._header_lines
        if index <= self._reading.last:
            self.move_to(index)
            if event.chain == 2:
                self.action_open()

    def on_focus(self) -> None:
        self._repaint()  # the cursor looks different

    def on_blur(self) -> None:
        self._repaint()

    def selection_updated(self, selection: Selection | None) -> None:
        if selection is not None and self.follow:
            self.set_follow(False)  # text that runs away cannot be selected
        self._selected = self._selected_key(selection)
        self.refresh()

    def _drop_stale_selection(self) -> None:
        """Textual selects by line: when another row stands there now, nobody selected it."""
        if (selection := self.text_selection) and self._selected_key(selection) != self._selected:
            self.screen.clear_selection()

    def _selected_key(self, selection: Selection | None) -> Hashable:
        if selection is None:
            return None
        first = selection.start.y if selection.start else 0
        return self._reading.rows.key(first) if first <= self._reading.last else None
