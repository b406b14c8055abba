"""Branches: forks of history. A branch shares its parent's prefix; it never copies or rewrites it."""

from __future__ import annotations

from typing import ClassVar

from core.events.envelope import Event


class BranchRequested(Event):
    """A branch's first own event, stored in one transaction with its row."""

    type: ClassVar[str] = "branch:requested"
    request_id: str
    parent: str
    at: int
    """The last position shared with the parent."""


class BranchReady(Event):
    """The branch may be scheduled."""

    type: ClassVar[str] = "branch:ready"
    workspaces: tuple[str, ...] = ()
    requeued: tuple[str, ...] = ()


class BranchArchived(Event):
    """The branch is hidden and never runs again."""

    type: ClassVar[str] = "branch:archived"
    reason: str = ""
