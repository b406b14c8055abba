"""Keyframes in memory: whole states, so that a jump folds a short stretch only.

Each is kept under the branch whose event it ends with, and serves every lineage that shares that event. States share
what did not change between them, so a keyframe weighs about what changed since the one before. They can be thrown
away at any time; when they weigh too much, every other one goes.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from core.log.branches import Lineage
from core.projections import State

KEYFRAME_EVENTS = 1_000
"""A keyframe is the state after a multiple of so many events of its lineage."""
BUDGET_BYTES = 192 * 1024 * 1024
CHANGE_BYTES = 1_000
"""What a changed record costs, with its way through the trie (measured over a million events)."""
STAYS = 0.6
"""How much of a keyframe's weight stays in memory when it goes, because the next one shares it (measured)."""


class Keyframes:
    """States by branch and position, within a budget of bytes."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._positions: dict[str, list[int]] = {}
        self._states: dict[tuple[str, int], State] = {}
        self._weights: dict[tuple[str, int], float] = {}
        self.weight_bytes = 0.0
        """About what all of them take."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._states)

    def clear(self) -> None:
        """Drop all of them."""
        self._positions.clear()
        self._states.clear()
        self._weights.clear()
        self.weight_bytes = 0.0

    def put(self, branch: str, state: State, changes: int) -> None:
        """Keep the state that ends with this branch's event, `changes` records after the one before.

        A state that is in no keyframe's place is not kept, nor one that is known: others share with that.
        """
        key = (branch, state.position)
        if state.totals.events % KEYFRAME_EVENTS or not state.position or key in self._states:
            return
        insort(self._positions.setdefault(branch, []), state.position)
        self._weigh(key, changes * CHANGE_BYTES)
        self._states[key] = state
        while self.weight_bytes > self._budget_bytes and len(self._states) > 1:
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

    def following(self, lineage: Lineage, position: int) -> State | None:
        """The oldest kept state of the lineage after the position."""
        for segment in lineage:
            positions = self._positions.get(segment.branch, [])
            index = bisect_right(positions, position)
            if index < len(positions) and (segment.up_to is None or positions[index] <= segment.up_to):
                return self._states[segment.branch, positions[index]]
        return None

    def _weigh(self, key: tuple[str, int], weight: float) -> None:
        self.weight_bytes += weight - self._weights.get(key, 0)
        self._weights[key] = weight

    def _thin_out(self) -> None:
        """Drop every other keyframe of each branch, but never its newest."""
        for branch, positions in self._positions.items():
            kept = positions[::-2][::-1]
            for gone in set(positions).difference(kept):
                heir = kept[bisect_right(kept, gone)]
                weight = self._weights.pop((branch, gone))
                self.weight_bytes -= weight
                del self._states[branch, gone]
                self._weigh((branch, heir), self._weights[branch, heir] + weight * STAYS)
            self._positions[branch] = kept
