"""Branches and lineages: which events a branch is made of.

The lineage of a branch is its parent's events up to the fork (recursively), then its own. Never an event of the
parent after the fork. Pure: the rows come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from core.errors import UnknownBranch
from core.events.envelope import EPOCH, MICROSECOND

MAIN = "main"


class Branch(Struct, frozen=True):
    """One line of history."""

    name: str
    parent: str | None
    at: int
    """The last position shared with the parent."""
    request_id: str | None
    created_us: int

    @property
    def created_at(self) -> datetime:
        """When it was forked, aware, UTC."""
        return EPOCH + self.created_us * MICROSECOND


class Segment(Struct, frozen=True):
    """A branch's own events, up to where the next segment's branch left it."""

    branch: str
    up_to: int | None
    """Inclusive; None: to the head."""


Lineage = tuple[Segment, ...]
"""Oldest first; the last one is the branch itself."""


class Branches:
    """All branches of a log by name."""

    def __init__(self, branches: Iterable[Branch]) -> None:
        self._by_name: dict[str, Branch] = {branch.name: branch for branch in branches}

    def __getitem__(self, name: str) -> Branch:
        """The branch of that name.

        Raises:
            UnknownBranch: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownBranch(name) from None

    def knows(self, name: str) -> bool:
        """Whether there is a branch of that name."""
        return name in self._by_name

    def add(self, branch: Branch) -> None:
        """Make the branch known."""
        self._by_name[branch.name] = branch

    def all(self) -> list[Branch]:
        """Every branch, oldest first."""
        return sorted(self._by_name.values(), key=lambda branch: branch.created_us)

    def by_request(self, request_id: str) -> Branch | None:
        """The branch a request made, if it did."""
        return next((branch for branch in self._by_name.values() if branch.request_id == request_id), None)

    def lineage(self, name: str) -> Lineage:
        """The segments `name` is made of.

        Raises:
            UnknownBranch: there is none of that name.
        """
        return _lineage(self._by_name, self[name], None)


def _lineage(branches: Mapping[str, Branch], branch: Branch, up_to: int | None) -> Lineage:
    own = Segment(branch.name, up_to)
    if branch.parent is None:
        return (own,)
    at = branch.at if up_to is None else min(branch.at, up_to)
    return (*_lineage(branches, branches[branch.parent], at), own)
