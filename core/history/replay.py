"""Replaying: from a state to a later one, by folding the events between them.

Everything expensive happens in the reader's thread, a stretch at a time, and within it page by page, so that the
event loop is never kept from the interpreter for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

from core.history.keyframes import KEYFRAME_EVENTS
from core.log.branches import Segment
from core.log.filters import Span
from core.log.reader import PAGE_EVENTS, Reader, bare_page, clip
from core.projections import Draft, State, fold_into


async def replay(reader: Reader, state: State, branch: str, up_to: int) -> AsyncIterator[tuple[str, State]]:
    """From a state of the branch's lineage to the one at `up_to`: it, and on the way those fit for keyframes.

    Each comes with the branch whose event it ends with; nothing comes when there is nothing to fold.
    """
    for segment in reader.branches.lineage(branch):
        rest = clip(Span(state.position, up_to), segment)
        while rest.after < rest.up_to:
            before = state
            state, rest = await reader.run(fold_stretch, before, segment, rest)
            if state is not before:
                yield segment.branch, state


def fold_stretch(connection: sqlite3.Connection, state: State, segment: Segment, span: Span) -> tuple[State, Span]:
    """The state after the segment's events up to the next keyframe's place, and what of the span is left."""
    draft = Draft(state)
    wanted = KEYFRAME_EVENTS - state.totals.events % KEYFRAME_EVENTS
    while span.after < span.up_to and draft.events < wanted:
        events, span = bare_page(connection, segment, span, min(PAGE_EVENTS, wanted - draft.events))
        fold_into(draft, events)
    return draft.finished(), span
