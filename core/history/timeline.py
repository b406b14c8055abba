"""The timeline: any moment of a branch, and where on it something happened."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Literal

from core.events.envelope import to_us
from core.history.index import LineageIndex, following, preceding
from core.history.index_file import IndexFile
from core.history.keyframes import KEYFRAME_EVENTS, Keyframes
from core.history.search import indexed_up_to, matches
from core.history.stored_keyframes import Keyframe, next_ones, way_to
from core.history.stored_parts import parts_of
from core.history.stretch import Stretch, read_stretch
from core.log import EventLog
from core.log.filters import Filter, Span
from core.log.pages import NARROW_POSITIONS, clip, hash_at
from core.projections import State

STRETCHES_AT_HAND = 4
"""Enough to flip between two moments, and to return from a jump."""

Direction = Literal["next", "previous"]

_LISTED: Mapping[str, Callable[[LineageIndex], array[int]]] = {
    "failure": lambda index: index.failures,
    "fault": lambda index: index.faults,
    "task": lambda index: index.boundaries,
    "mark": lambda index: index.marks,
}


class Timeline:
    """Looks at a log's past. Needs no engine, writes nothing, makes its own keyframes."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.file = IndexFile(log)
        """What was kept from before, if anything."""
        self.keyframes = Keyframes()
        self._stretches: list[tuple[str, Stretch]] = []
        """What was looked at last, with its branch, newest first."""
        self._last: dict[str, int] = {}
        """Branch → the position asked for last."""
        self._indexes: dict[str, LineageIndex] = {}
        self._reading = asyncio.Lock()

    async def state_at(self, position: int, *, branch: str = "main", cold: bool = False) -> State:
        """The fold of the lineage's events up to and including `position`.

        With `cold` it is folded from the first event, without keyframes; the result is the same.

        Raises:
            UnknownBranch
        """
        stretch = None if cold else self._at_hand(branch, position)
        if stretch is None:
            head = await self._log.head(branch)
            position = min(position, head)
            if cold:
                return (await self._walk(branch, State.empty(), position, position, _forget)).state
            stretch = await self._come_by(branch, position, head)
        self._last[branch] = position
        return stretch.state_at(position) if stretch.has(position) else stretch.state

    def _at_hand(self, branch: str, position: int) -> Stretch | None:
        return next((stretch for of, stretch in self._stretches if of == branch and stretch.has(position)), None)

    async def look_around(self, position: int, *, branch: str = "main") -> None:
        """Have at hand what lies next to the position, so that a step from there is immediate.

        Raises:
            UnknownBranch
        """
        head = await self._log.head(branch)
        self._last[branch] = position
        for neighbour in (position + 1, position - 1):
            if 0 <= neighbour <= head and self._at_hand(branch, neighbour) is None:
                await self._come_by(branch, neighbour, head)

    async def _come_by(self, branch: str, position: int, head: int) -> Stretch:
        """The stretch the position is in, with what lies ahead if that will be wanted next; it stays at hand."""
        near = abs(position - self._last.get(branch, -KEYFRAME_EVENTS)) < KEYFRAME_EVENTS
        ahead = min(position + KEYFRAME_EVENTS, head) if near else position
        stretch = await self._walk(branch, await self._nearest(branch, position), position, ahead, self._passing)
        if not stretch.has(position):  # too large to be kept: it has to end with the position
            stretch = await self._walk(branch, stretch.base, position, position, self._passing)
        others = [
            (of, other) for of, other in self._stretches if of != branch or other.base.position != stretch.base.position
        ]
        self._stretches = [(branch, stretch), *others][:STRETCHES_AT_HAND]
        return stretch

    async def _walk(
        self, branch: str, base: State, position: int, ahead: int, passing: Callable[[Stretch], None]
    ) -> Stretch:
        """Read from `base` on, stretch by stretch, to the one the position is in."""
        lineage = self._log.reader.branches.lineage(branch)
        while True:
            stretch = await self._log.reader.run(read_stretch, lineage, base, ahead, position)
            passing(stretch)
            if position <= stretch.covers:
                return stretch
            base = stretch.state

    def _passing(self, stretch: Stretch) -> None:
        if stretch.complete:
            self.keyframes.put(stretch.owner, stretch.state, stretch.changes)

    async def _nearest(self, branch: str, position: int) -> State:
        """A state of the lineage not far before the position: from memory, or from what was kept."""
        lineage = self._log.reader.branches.lineage(branch)
        near = self.keyframes.nearest(lineage, position)
        if position - near.position < KEYFRAME_EVENTS:
            return near
        way = await self.file.read(way_to, lineage, near, position, self.keyframes.following(lineage, position) or near)
        if not way or not await self._fits(way[-1].branch, way[-1].state.position, way[-1].hash):
            return near
        for keyframe in way:
            self.keep(keyframe)
        return way[-1].state

    async def fill(self, branch: str = "main") -> None:
        """Bring all keyframes that were kept into memory, as far as there is room, from the first on.

        In that order they share most of what they hold.
        """
        lineage = self._log.reader.branches.lineage(branch)
        state, head = State.empty(), await self._log.head(branch)
        self.keyframes.clear()  # they share nothing with what comes
        while some := await self.file.read(next_ones, lineage, state, head):
            if not await self._fits(some[-1].branch, some[-1].state.position, some[-1].hash):
                return
            for keyframe in some:
                self.keep(keyframe)
            state = some[-1].state

    def keep(self, keyframe: Keyframe) -> None:
        """Have the keyframe in memory."""
        self.keyframes.put(keyframe.branch, keyframe.state, keyframe.changes)

    async def _fits(self, branch: str, position: int, hash_: bytes) -> bool:
        """Whether what was kept is of this history, up to there."""
        fits = await self._log.reader.run(hash_at, branch, position) == hash_
        if not fits:
            self.file.trouble = "index.db was made of another history than the log now has"
        return fits

    async def index(self, branch: str = "main") -> LineageIndex:
        """The lineage's index, up to its head.

        Raises:
            UnknownBranch
        """
        head = await self._log.head(branch)
        async with self._reading:
            index = self._indexes.get(branch)
            if index is None:
                index = self._indexes[branch] = await self._kept_index(branch, head)
            await index.catch_up(self._log.reader, head)
        return index

    async def _kept_index(self, branch: str, head: int) -> LineageIndex:
        index = LineageIndex(branch)
        for segment in self._log.reader.branches.lineage(branch):
            end = clip(Span(index.head, head), segment).up_to
            parts = await self.file.read(parts_of, segment.branch, index.head, end)
            if parts and await self._fits(segment.branch, parts[-1].up_to, parts[-1].hash):
                for kept in parts:
                    index.add_part(kept.part)
                async for labels in self._log.reader.labels(branch=branch, span=Span(index.head - 1, index.head)):
                    index.resume(labels[-1])
            await index.catch_up(self._log.reader, end)
        return index

    async def density(
        self, buckets: int, *, after: int = 0, up_to: int | None = None, branch: str = "main"
    ) -> list[int]:
        """How many of the lineage's events lie in each of `buckets` equal ranges of positions.

        `after` exclusive, `up_to` inclusive (None: the head).
        """
        index = await self.index(branch)
        end = index.head if up_to is None else up_to
        edges = [after + (end - after) * number // buckets for number in range(buckets + 1)]
        return [index.count(low, high) for low, high in pairwise(edges)]

    async def at_time(self, moment: datetime, *, branch: str = "main") -> int:
        """The last position recorded at or before the aware `moment`; 0 when all are later."""
        return (await self.index(branch)).at_time(to_us(moment))

    async def find(self, kind: str, *, after: int, direction: Direction = "next", branch: str = "main") -> int | None:
        """The nearest position over `after` (under it, with `previous`) where something of the kind happened.

        Kinds: `failure`, `fault` (a failure that does not merely follow from another), `task` (one started or
        ended), `mark` (bookmark, checkpoint, fork, milestone), `agent:<id>`, `task:<id>`, `text:<words>` (all of
        the words occur in what the event says).

        Raises:
            ValueError: there is no such kind.
        """
        if kind in _LISTED:
            listed = _LISTED[kind](await self.index(branch))
            return following(listed, after) if direction == "next" else preceding(listed, after)
        return await self.nearest(_filter_of(kind), after=after, direction=direction, branch=branch)

    async def nearest(
        self, where: Filter, *, after: int, direction: Direction = "next", branch: str = "main"
    ) -> int | None:
        """The nearest position over `after` (under it, with `previous`) whose event matches.

        Raises:
            UnknownBranch
        """
        head, backwards = await self._log.head(branch), direction == "previous"
        for span in _near_first(Span(0, min(after - 1, head)) if backwards else Span(after, head), backwards):
            async for page in matches(self._log, self.file, where, span=span, branch=branch, backwards=backwards):
                return page[0]
        return None

    async def matches(
        self, where: Filter, *, after: int = 0, up_to: int, branch: str = "main", backwards: bool = False
    ) -> AsyncIterator[list[int]]:
        """The positions of all the lineage's events in the range that match, in order, in pages.

        `after` exclusive, `up_to` inclusive.

        Raises:
            UnknownBranch
        """
        await self._log.head(branch)  # a branch that another process made is known from here on
        span = Span(after, up_to)
        async for page in matches(self._log, self.file, where, span=span, branch=branch, backwards=backwards):
            yield page

    async def searchable(self) -> int:
        """Up to which position texts are found by an index; what lies behind it is looked through."""
        return await indexed_up_to(self._log, self.file)


def _forget(_stretch: Stretch) -> None:
    """What a cold fold passes is not kept."""


def _near_first(span: Span, backwards: bool) -> tuple[Span, Span]:
    """The span in two: what is near is found without looking through all of a long stream."""
    if backwards:
        middle = max(span.after, span.up_to - NARROW_POSITIONS)
        return Span(middle, span.up_to), Span(span.after, middle)
    middle = min(span.up_to, span.after + NARROW_POSITIONS)
    return Span(span.after, middle), Span(middle, span.up_to)


def _filter_of(kind: str) -> Filter:
    name, _, value = kind.partition(":")
    match name:
        case "agent" | "task" if value:
            return Filter(streams=(f"{name}/{value}",))
        case "text" if value.split():
            return Filter(words=tuple(value.split()))
        case _:
            known = "failure, fault, task, mark, agent:ID, task:ID or text:WORDS"
            raise ValueError(f"{kind!r} cannot be looked for; try {known}")
