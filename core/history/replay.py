"""Replaying: from a state to a later one, by folding the events between them.

Everything expensive happens in a connection's thread, a stretch at a time, and within it page by page, so that the
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
from core.projections.delta import changes


async def replay(reader: Reader, state: State, branch: str, up_to: int) -> AsyncIterator[tuple[str, State, int]]:
    """From a state of the branch's lineage to the one at `up_to`: it, and on the way those fit for keyframes.

    Each comes with the branch whose event it ends with, and the number of records that changed since the one before;
    nothing comes when there is nothing to fold.
    """
    for segment in reader.branches.lineage(branch):
        rest = clip(Span(state.position, up_to), segment)
        while rest.after < rest.up_to:
            before = state
            state, changed, rest = await reader.run(_folded, before, segment, rest)
            if state is not before:
                yield segment.branch, state, changed


def _folded(connection: sqlite3.Connection, state: State, segment: Segment, span: Span) -> tuple[State, int, Span]:
    draft = Draft(state)
    rest = fold_stretch(connection, draft, segment, span)
    return draft.finished(), changes(draft), rest


def fold_stretch(connection: sqlite3.Connection, draft: Draft, segment: Segment, span: Span) -> Span:
    """Fold the segment's events up to the place of the keyframe after the draft's base; what of the span is left."""
    wanted = KEYFRAME_EVENTS - draft.base.totals.events % KEYFRAME_EVENTS
    while span.after < span.up_to and draft.events < wanted:
        events, span = bare_page(connection, segment, span, min(PAGE_EVENTS, wanted - draft.events))
        fold_into(draft, events)
    return span
