"""Searching the log for events that match a filter, with the help of what `index.db` knows of their texts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from core.history.index_file import IndexFile
from core.history.texts import candidates, narrows, searchable
from core.log import EventLog
from core.log.filters import Filter, Span
from core.log.pages import PAGE_EVENTS, among, owner_at

FIRST_CANDIDATES = 16
"""Looked up at first, for whoever wants the nearest only; then four times as many each time."""


async def matches(
    log: EventLog, file: IndexFile, where: Filter, *, span: Span, branch: str, backwards: bool
) -> AsyncIterator[list[int]]:
    """The positions of the lineage's events that match, in order, in pages.

    Up to where texts are indexed the index proposes and the log decides; the rest is looked through.
    """
    reach = await indexed_up_to(log, file) if narrows(where.words) else 0
    indexed = Span(span.after, min(span.up_to, reach))
    rest = Span(max(span.after, reach), span.up_to)
    proposed = _proposed(log, file, where, indexed, branch, backwards)
    scanned = log.reader.positions(branch=branch, span=rest, where=where, backwards=backwards)
    for pages in (scanned, proposed) if backwards else (proposed, scanned):
        async for page in pages:
            yield page


async def indexed_up_to(log: EventLog, file: IndexFile) -> int:
    """The last position whose text is indexed; 0 when none is, or the index is of another history."""
    position, hash_ = await file.read(searchable) or (0, b"")
    if position and await log.reader.run(owner_at, position, hash_) is None:
        return 0
    return position


async def _proposed(
    log: EventLog, file: IndexFile, where: Filter, span: Span, branch: str, backwards: bool
) -> AsyncIterator[list[int]]:
    lineage, limit = log.reader.branches.lineage(branch), FIRST_CANDIDATES
    while span.after < span.up_to:
        found = await file.read(candidates, where.words, span, backwards, limit)
        if found is None:  # the file went away meanwhile
            async for page in log.reader.positions(branch=branch, span=span, where=where, backwards=backwards):
                yield page
            return
        real = await log.reader.run(among, lineage, found, where)
        if real:
            yield real[::-1] if backwards else real
        if len(found) < limit:
            return
        span = Span(span.after, found[-1] - 1) if backwards else Span(found[-1], span.up_to)
        limit = min(limit * 4, PAGE_EVENTS)
