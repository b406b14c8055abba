"""Whether keyframes that were kept are what the log folds to, by sampling.

The chain says that events are what was written; this says that what is shown of them is. One fold from the first event
passes every sampled place, so that it costs a cold fold however many are looked at.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from core.history.index_file import IndexFile
from core.history.stored_keyframes import sample, way_to
from core.history.stretch import read_stretch
from core.log import EventLog
from core.log.branches import MAIN, Lineage
from core.projections import State

SAMPLES = 8


class Soundness(Struct, frozen=True):
    """What comparing keyframes with folds found."""

    checked: int
    """How many were compared; none where none are kept."""
    first_bad: int | None = None
    """The first position whose keyframe is not what the log folds to."""


async def check_keyframes(log: EventLog, file: IndexFile, *, branch: str = MAIN, samples: int = SAMPLES) -> Soundness:
    """Compare some of the branch's keyframes, the first and the last among them, with a fold from the first event.

    Raises:
        UnknownBranch
    """
    head = await log.head(branch)
    lineage = log.reader.branches.lineage(branch)
    wanted = await file.read(sample, lineage, head, samples) or []
    state, checked = State.empty(), 0
    for position in wanted:
        state = await _folded_on(log, lineage, state, position)
        way = await file.read(way_to, lineage, State.empty(), position, State.empty())
        if not way or way[-1].state.position != position or state.position != position:
            break  # meanwhile it was made again; or the log has a gap, which the chain tells
        if not await asyncio.to_thread(_same, way[-1].state, state):
            return Soundness(checked + 1, position)
        checked += 1
    return Soundness(checked)


async def _folded_on(log: EventLog, lineage: Lineage, state: State, position: int) -> State:
    while state.position < position:
        stretch = await log.reader.run(read_stretch, lineage, state, position, position)
        state = stretch.state
        if stretch.covers >= position:
            break
    return state


def _same(kept: State, folded: State) -> bool:
    return kept.to_json() == folded.to_json()
