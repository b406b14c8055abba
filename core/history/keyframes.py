"""Keyframes: whole states kept in memory, so that a jump folds a short stretch only.

They are kept per lineage segment and can be thrown away at any time.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from core.projections import State

KEYFRAME_EVENTS = 1_000
KEPT = 2_000
"""Keyframes of all branches together; beyond it every other one goes."""


class Keyframes:
    """States by branch and position."""

    def __init__(self) -> None:
        self._positions: dict[str, list[int]] = {}
        self._states: dict[tuple[str, int], State] = {}

    def put(self, branch: str, state: State) -> None:
        """Keep the state of a branch at its position."""
        if (branch, state.position) in self._states or not state.position:
            return
        insort(self._positions.setdefault(branch, []), state.position)
        self._states[branch, state.position] = state
        if len(self._states) > KEPT:
            self._thin_out()

    def nearest(self, branch: str, position: int) -> State:
        """The newest kept state of the branch at or before the position; the empty one when there is none."""
        positions = self._positions.get(branch, [])
        index = bisect_right(positions, position)
        return self._states[branch, positions[index - 1]] if index else State.empty()

    def _thin_out(self) -> None:
        for branch, positions in self._positions.items():
            for position in positions[::2]:
                del self._states[branch, position]
            self._positions[branch] = positions[1::2]
