"""The marks of a branch: what is worth returning to. Bookmarks stand where they point to, not where they were set.

Pure: bookmarks come from the newest state, whatever moment is shown; the others from the branch's index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.history.index import LineageIndex
from core.projections import State
from core.projections.records import Bookmark


class Mark(NamedTuple):
    """A place on a branch."""

    position: int
    kind: str
    """`bookmark`, `checkpoint`, `fork` or `milestone`; `jump` is a place somebody jumped from."""
    id: str = ""
    """Of the bookmark."""
    label: str = ""


def bookmarks(state: State, branch: str) -> list[Bookmark]:
    """The branch's bookmarks, in the order of the log."""
    return sorted(
        (flag for flag in state.bookmarks.values() if flag.branch == branch), key=lambda flag: (flag.position, flag.id)
    )


def bookmark_at(state: State, branch: str, position: int) -> Bookmark | None:
    """The bookmark at a position, if there is one."""
    return next((flag for flag in bookmarks(state, branch) if flag.position == position), None)


def marks(index: LineageIndex, state: State) -> list[Mark]:
    """Every mark of the index's branch, in the order of the log; `state` is the newest one."""
    noted = zip(index.marks, index.mark_kinds, strict=True)
    found = [Mark(position, kind) for position, kind in noted if kind != "bookmark"]
    found += [Mark(flag.position, "bookmark", flag.id, flag.label) for flag in bookmarks(state, index.branch)]
    return sorted(found)


def jumps(places: Sequence[int]) -> list[Mark]:
    """The jump list, the last one first, each place once."""
    newest = dict.fromkeys(reversed(places))
    return [
        Mark(place, "jump", label="last jump" if number == 1 else f"{number} jumps ago")
        for number, place in enumerate(newest, 1)
    ]
