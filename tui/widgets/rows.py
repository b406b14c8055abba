"""What a list shows: rows, or a notice instead of rows.

Invariant: both are values. Whoever has something new to show makes a new one, and an equal one draws nothing.
Forbidden here: reading, waiting, widgets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from tui.widgets.spans import Span

RowT = TypeVar("RowT")
RowT_co = TypeVar("RowT_co", covariant=True)


class RowSource(Protocol[RowT_co]):
    """Rows by index, however many.

    Every method is called for the rows on the screen, many times a second, and must answer at once. A source is a
    value: one over a growing log is a small new object for every length it had, equal when nothing changed.
    """

    def __len__(self) -> int:
        """How many rows."""
        ...

    def key(self, index: int) -> Hashable:
        """Which row this is: stays with it when rows come, go or change places."""
        ...

    def row(self, index: int) -> RowT_co:
        """The row, hashable; equal rows are drawn equal."""
        ...

    def find(self, key: Hashable) -> int | None:
        """Where the row with this key is now, if it still is anywhere. Not by looking at every row."""
        ...


@dataclass(frozen=True)
class TableRows(Generic[RowT]):
    """A source for tables that fit in memory. Equal when its rows are."""

    rows: tuple[RowT, ...]
    keyed_by: Callable[[RowT], Hashable] = field(compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> Hashable:
        return self.keyed_by(self.rows[index])

    def row(self, index: int) -> RowT:
        return self.rows[index]

    def find(self, key: Hashable) -> int | None:
        return self._places.get(key)

    @cached_property
    def _places(self) -> dict[Hashable, int]:
        return {self.keyed_by(row): index for index, row in enumerate(self.rows)}


def table(rows: Iterable[RowT], key: Callable[[RowT], Hashable]) -> TableRows[RowT]:
    """Rows that fit in memory, with what tells them apart."""
    return TableRows(tuple(rows), key)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a list says when it has no rows: the lines are centred, cut to the width, never wrapped.

    Attributes:
        kind: `empty` teaches the first key, `loading` says what is awaited, `error` what to do about it.
        lines: One line each.
    """

    kind: Literal["empty", "loading", "error"]
    lines: tuple[tuple[Span, ...], ...]
