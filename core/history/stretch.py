"""Stretches: the events from one keyframe to the next, and the states between them.

A stretch is read, decoded and folded in a connection's thread, page by page, so that the event loop is never kept
from the interpreter for long. What was read stays at hand: within it a step to a neighbour folds one event, or none.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right, insort
from operator import attrgetter

from core.events import BareEvent
from core.history.keyframes import KEYFRAME_EVENTS
from core.log.branches import Lineage
from core.log.filters import Span
from core.log.pages import PAGE_EVENTS, bare_page, clip
from core.projections import Draft, State, fold_into, fold_many
from core.projections.delta import changes

STEPS_BACK = 48
"""Whoever comes backwards finds so many states before it ready for more steps back."""
KEPT_CHARACTERS = 4_000_000
"""Of payload; a stretch that has more is folded, but not kept at hand."""


class Stretch:
    """A lineage's events after `base`, none past the next keyframe's place."""

    def __init__(
        self, draft: Draft, owner: str, events: list[BareEvent] | None, covers: int, passed: dict[int, State]
    ) -> None:
        self.base, self.draft = draft.base, draft
        self.state = draft.finished()
        """After the last event."""
        self.owner = owner
        """The branch whose event that is."""
        self.covers = covers
        """Up to here no event of the lineage is missing."""
        self._events = events
        self._positions = [event.position for event in events or ()]
        self._states = {0: self.base, **passed, draft.events: self.state}
        self._known = sorted(self._states)
        self._last = draft.events

    @property
    def complete(self) -> bool:
        """Whether the next keyframe's place is reached: `state` is one."""
        return self.draft.events > 0 and self.state.totals.events % KEYFRAME_EVENTS == 0

    @property
    def changes(self) -> int:
        """How many records differ between `base` and `state`."""
        return changes(self.draft)

    def has(self, position: int) -> bool:
        """Whether the state there can be told from what is at hand."""
        return self._events is not None and self.base.position <= position <= self.covers

    def state_at(self, position: int) -> State:
        """The state at a position it `has`."""
        number = bisect_right(self._positions, position)
        state = self._states.get(number)
        if state is None:
            state = self._folded(number, self._events or [])
        self._last = number
        return state

    def _folded(self, number: int, events: list[BareEvent]) -> State:
        """The state after so many events; when it is come to backwards, on the way those just before it."""
        start = self._known[bisect_right(self._known, number) - 1]
        first = number if number > self._last else max(start + 1, number - STEPS_BACK)
        state = self._states[start]
        for end in range(first, number + 1):
            state = self._states[end] = fold_many(state, events[start:end])
            insort(self._known, end)
            start = end
        return state


def read_stretch(
    connection: sqlite3.Connection, lineage: Lineage, base: State, up_to: int, stop_at: int = 0
) -> Stretch:
    """The stretch from `base` to `up_to`, or to the next keyframe's place if that comes first.

    The state at `stop_at`, if that is on the way, is then known beside the first and the last one.
    """
    draft, owner, covers = Draft(base), "", up_to
    passed: dict[int, State] = {}
    events: list[BareEvent] = []
    characters = 0
    wanted = KEYFRAME_EVENTS - base.totals.events % KEYFRAME_EVENTS
    for segment in lineage:
        rest = clip(Span(draft.position, up_to), segment)
        while rest.after < rest.up_to and draft.events < wanted:
            page, rest = bare_page(connection, segment, rest, min(PAGE_EVENTS, wanted - draft.events))
            early = bisect_right(page.events, stop_at, key=attrgetter("position"))
            fold_into(draft, page.events[:early])
            if 0 < early < len(page.events):
                passed[draft.events] = draft.finished()
            fold_into(draft, page.events[early:])
            characters += page.characters
            events += page.events
            owner = segment.branch if page.events else owner
    if draft.events == wanted:
        covers = draft.position
    return Stretch(draft, owner, events if characters <= KEPT_CHARACTERS else None, covers, passed)
