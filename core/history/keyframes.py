"""Keyframes: whole states kept in memory, so that a jump folds a short stretch only.

Each is kept under the branch whose event it ends with, and serves every lineage that shares that event. They can be
thrown away at any time.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from core.log.branches import Lineage
from core.projections import State

KEYFRAME_EVENTS = 1_000
"""A keyframe is the state after a multiple of so many events of its lineage."""
KEPT = 2_000
"""Keyframes of all branches together; beyond it every other one goes."""


class Keyframes:
    """States by branch and position."""

    def __init__(self) -> None:
        self._positions: dict[str, list[int]] = {}
        self._states: dict[tuple[str, int], State] = {}

    def put(self, branch: str, state: State) -> None:
        """Keep the state that ends with this branch's event, if it is in the right place."""
        if state.totals.events % KEYFRAME_EVENTS or (branch, state.position) in self._states or not state.position:
            return
        insort(self._positions.setdefault(branch, []), state.position)
        self._states[branch, state.position] = state
        if len(self._states) > KEPT:
            self._thin_out()

    def nearest(self, lineage: Lineage, position: int) -> State:
        """The newest kept state of the lineage at or before the position; the empty one when there is none."""
        for segment in reversed(lineage):
            positions = self._positions.get(segment.branch, [])
            last = position if segment.up_to is None else min(position, segment.up_to)
            index = bisect_right(positions, last)
            if index:
                return self._states[segment.branch, positions[index - 1]]
        return State.empty()

    def _thin_out(self) -> None:
        for branch, positions in self._positions.items():
            for position in positions[::2]:
                del self._states[branch, position]
            self._positions[branch] = positions[1::2]
