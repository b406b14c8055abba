"""What the operator does to the record itself: bookmarks and pruning."""

from __future__ import annotations

from typing import ClassVar

from core.events.envelope import Event


class BookmarkSet(Event):
    """A flag at an instant of a branch."""

    type: ClassVar[str] = "bookmark:set"
    bookmark_id: str
    branch: str = "main"
    position: int = 0
    label: str = ""


class BookmarkRemoved(Event):
    """The flag is gone."""

    type: ClassVar[str] = "bookmark:removed"
    bookmark_id: str = ""


class LogPruned(Event):
    """Output of old runs up to a position was replaced by its digest."""

    type: ClassVar[str] = "log:pruned"
    up_to: int = 0
    reason: str = ""
