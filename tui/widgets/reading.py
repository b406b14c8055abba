"""Where a reader is in a list: the cursor, what is on the screen, and whether the end is followed.

Invariant: the cursor stays on its row, by key, while rows come, go and change places around it, and returns to it when
it was gone for a while, as in the past; what is on the screen stays put unless the reader moves it or follows the end;
while following, cursor and screen are at the end.
Forbidden here: Textual, drawing, and looking at rows that are not at the cursor or the edges of the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from tui.widgets.rows import RowT, TableRows

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tui.widgets.rows import RowSource


class Reading(Generic[RowT]):
    """A cursor and a screen of `lines` rows from `top` on, over rows that change.

    Attributes:
        rows: What is read now.
        cursor: The row under the cursor, meaningless without rows.
        key: Its key; without rows, that of the last row that was.
        meant: The key of the row the reader put the cursor on last.
        top: The first row on the screen.
        lines: How many rows fit on the screen.
        follow: Whether the end is followed.
        rests: Until the reader moves, the cursor stays on the first row, whichever that is.
        steady: Rows that come above the first one push nothing down.
        seen: The latest row that was on the screen.
    """

    def __init__(self, *, follows: bool = False, rests: bool = False, steady: bool = False) -> None:
        self.rows: RowSource[RowT] = TableRows((), hash)
        self.cursor = 0
        self.key: Hashable = None
        self.meant: Hashable = None
        self.top = 0
        self.lines = 1
        self.follows = follows
        self.follow = follows
        self._rests = rests
        self._steady = steady
        self.seen = -1
        self._seen_key: Hashable = None

    @property
    def last(self) -> int:
        """The index of the last row, -1 when there is none."""
        return len(self.rows) - 1

    @property
    def unseen(self) -> int:
        """How many rows came after the latest one that was on the screen."""
        return self.last - self.seen if self.follows and not self.follow else 0

    def on_screen(self, index: int) -> bool:
        """Whether the row is among those the reader sees."""
        return self.top <= index < self.top + self.lines

    def replace(self, rows: RowSource[RowT]) -> None:
        """Read these rows from now on, from the same place."""
        old, old_top, old_cursor = self.rows, self.top, self.cursor
        followed_by_eye = self.on_screen(old_cursor)
        top_key = old.key(old_top) if old_top < len(old) else None
        self.rows = rows
        if self.last < 0:
            return
        if self.follow:
            self._to_end()
        elif self._rests:
            self._put(0)
            self.top = 0
        else:
            first = self.key is None
            place = self._place(self.meant, old_cursor)
            if place is None:
                place = self._place(self.key, old_cursor)
            self._put(old_cursor if place is None else place)
            if (old_top or self._steady) and not first:
                # At the very top of a table news may push everything down; elsewhere what the reader looks at stays.
                top = self._place(top_key, old_top)
                self.top = old_top + self.cursor - old_cursor if top is None else top
            self._clamp()
            if followed_by_eye:
                self.reveal()
            seen = self._place(self._seen_key, self.seen)
            self.seen = self.last if seen is None else seen
        self._see()

    def resize(self, lines: int) -> None:
        """So many rows fit on the screen now."""
        if lines == self.lines:
            return
        cursor_was_on_screen = self.on_screen(self.cursor)
        self.lines = max(1, lines)
        if self.follow:
            self._to_end()
        self._clamp()
        if cursor_was_on_screen:
            self.reveal()
        self._see()

    def scroll(self, top: int) -> None:
        """The reader moved the screen, not the cursor: up ends following, down to the end resumes it."""
        down, self.top = top > self.top, top
        self._rests = False
        self._clamp()
        at_end = self.top == self._max_top
        self.follow = at_end and (self.follow or (down and self.follows))
        if self.follow:
            self._to_end()
        self._see()

    def go(self, index: int, context: int = 0) -> None:
        """Put the cursor on a row, the nearest there is, and bring it onto the screen with rows around it."""
        if self.last < 0:
            return
        self._put(index)
        self.meant = self.key
        self._rests = False
        self.follow = self.follow and self.cursor == self.last
        self.reveal(context)
        self._see()

    def step(self, rows: int) -> None:
        """Move the cursor; one that was left behind by scrolling first returns to the screen."""
        if self.on_screen(self.cursor):
            self.go(self.cursor + rows)
        else:
            self.go(min(max(self.cursor, self.top), self.top + self.lines - 1))

    def leap(self, rows: int) -> None:
        """Move cursor and screen together."""
        goal = self.cursor + rows if self.on_screen(self.cursor) else None
        self.top += rows
        self._clamp()
        self.go(min(max(self.cursor, self.top), self.top + self.lines - 1) if goal is None else goal)

    def set_follow(self, follow: bool) -> None:
        """Go to the end and stay there, or stay here; lists that do not grow at their end only go."""
        self.follow = follow and self.follows
        if follow and self.last >= 0:
            self._to_end()
        self._see()

    def reveal(self, context: int = 0) -> None:
        """Move the screen as little as possible so that the cursor and `context` rows on either side are on it."""
        context = min(context, (self.lines - 1) // 2)
        self.top = min(max(self.top, self.cursor + context - self.lines + 1), self.cursor - context)
        self._clamp()

    @property
    def _max_top(self) -> int:
        return max(0, len(self.rows) - self.lines)

    def _clamp(self) -> None:
        self.top = max(0, min(self.top, self._max_top))

    def _put(self, index: int) -> None:
        self.cursor = max(0, min(index, self.last))
        self.key = self.rows.key(self.cursor)

    def _to_end(self) -> None:
        if self.last >= 0:
            self._put(self.last)
            self.meant = self.key
        self.top = self._max_top

    def _place(self, key: Hashable, near: int) -> int | None:
        """Where the key is now; almost always where it was, so that is asked first."""
        if 0 <= near <= self.last and self.rows.key(near) == key:
            return near
        return self.rows.find(key)

    def _see(self) -> None:
        edge = min(self.last, self.top + self.lines - 1)
        if edge >= 0 and (edge > self.seen or self.seen > self.last):
            self.seen = edge
            self._seen_key = self.rows.key(edge)
