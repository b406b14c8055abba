"""Queries: the only read API. The live state, any past one, pages of events, and why something happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from core.config import Config, Permissions
from core.errors import NotFound
from core.events import AgentOutput, PermissionRequested, StoredEvent, TaskCreated, TaskStarted, WorkspaceFilesChanged
from core.history import Timeline
from core.history.diff import StateDiff, diff
from core.history.files import FilesChanged, files_changed
from core.history.timeline import Direction
from core.journal import Journal
from core.log.filters import Filter, Span
from core.projections import Permission, State, Task, in_order
from core.scheduling.policy import why_waiting

CAUSES_FOLLOWED = 50
EFFECTS_WITHIN = 2_000  # positions: causes carry no index, and what follows from something follows soon
CONSEQUENCES_TOLD = 200


class Question(Struct, frozen=True, kw_only=True):
    """A permission request and what it is about."""

    permission: Permission
    input: object
    """What the agent would do, in its own words: often its `kind`, `input`, `content` with diffs, and `locations`."""


class Queries:
    """What a screen or a script may ask."""

    def __init__(self, journal: Journal, timeline: Timeline, config: Callable[[], Config]) -> None:
        self._journal, self._config = journal, config
        self.timeline = timeline

    @property
    def state(self) -> State:
        """The state at the head."""
        return self._journal.state

    @property
    def trouble(self) -> str | None:
        """Why nothing can be stored at the moment, in a sentence; None when all is well."""
        return self._journal.trouble

    @property
    def notice(self) -> str | None:
        """What somebody should know although all goes on, in a sentence; None when there is nothing."""
        overgrown = self._journal.log.overgrown
        return None if overgrown is None else overgrown.sentence

    async def head(self, branch: str | None = None) -> int:
        """The last position of the branch; of the live one when none is named."""
        return await self._journal.log.head(branch or self._journal.branch)

    async def state_at(self, position: int) -> State:
        """The state at any position; the live one at the head or beyond."""
        live = self.state
        return (
            live if position >= live.position else await self.timeline.state_at(position, branch=self._journal.branch)
        )

    async def look_around(self, position: int) -> None:
        """Have at hand what lies next to a position that is looked at: see `Timeline.look_around`."""
        await self.timeline.look_around(position, branch=self._journal.branch)

    async def find(self, kind: str, *, after: int, direction: Direction) -> int | None:
        """The nearest position where something of the kind happened: see `Timeline.find`."""
        return await self.timeline.find(kind, after=after, direction=direction, branch=self._journal.branch)

    def why_waiting(self, state: State, task: Task) -> str:
        """Why a task does not run, in a few words; empty when it does or is over."""
        return why_waiting(state, self._config(), task)

    def permissions(self, profile: str) -> Permissions | None:
        """What agents of a profile may do without asking, as it is configured now; None for one that is not."""
        known = self._config().profiles.get(profile)
        return None if known is None else known.permissions

    async def task_created(self, task_id: str) -> TaskCreated:
        """What the task shall do.

        Raises:
            NotFound
        """
        events = self._journal.log.read(
            branch=self._journal.branch, streams=[f"task/{task_id}"], types=[TaskCreated.type], limit=1
        )
        async for event in events:
            if isinstance(event.payload, TaskCreated):
                return event.payload
        raise NotFound("task", task_id)

    async def event(self, position: int) -> StoredEvent | None:
        """The event at a position of this lineage; None when there is none."""
        events = self._journal.log.read(branch=self._journal.branch, after=position - 1, up_to=position)
        return await anext(events, None)

    async def events(self, *, after: int, up_to: int, limit: int | None = None) -> list[StoredEvent]:
        """The lineage's events in a range: `after` exclusive, `up_to` inclusive."""
        events = self._journal.log.read(branch=self._journal.branch, after=after, up_to=up_to, limit=limit)
        return [event async for event in events]

    async def stream(self, stream: str, *, up_to: int | None = None, last: int = 200) -> list[StoredEvent]:
        """The newest events of a stream up to a position, oldest first."""
        events = self._journal.log.read(
            branch=self._journal.branch, streams=[stream], up_to=up_to, backwards=True, limit=last
        )
        return [event async for event in events][::-1]

    async def streams(
        self,
        streams: Sequence[str],
        *,
        types: Sequence[str] | None = None,
        after: int = 0,
        up_to: int,
        limit: int,
        backwards: bool = False,
    ) -> list[StoredEvent]:
        """The first events of these streams in a range, or with `backwards` the last; oldest first either way."""
        events = self._journal.log.read(
            branch=self._journal.branch, streams=streams, types=types, after=after, up_to=up_to, limit=limit,
            backwards=backwards,
        )  # fmt: skip
        found = [event async for event in events]
        return found[::-1] if backwards else found

    async def output(
        self, agent_id: str, *, execution_id: str = "", after: int = 0, up_to: int | None = None, lines: int = 500
    ) -> list[str]:
        """The last lines an agent printed or said up to a position, of one execution when it is named, oldest first."""
        found: list[str] = []
        events = self._journal.log.read(
            branch=self._journal.branch, streams=[f"agent/{agent_id}"], types=[AgentOutput.type], after=after,
            up_to=up_to, backwards=True,
        )  # fmt: skip
        async for event in events:
            payload = event.payload
            if not isinstance(payload, AgentOutput) or payload.is_raw:
                continue
            if execution_id in {"", payload.execution_id}:
                found += reversed(payload.lines)
                if len(found) >= lines:
                    break
        return found[:lines][::-1]

    async def output_of_task(self, task_id: str, *, up_to: int | None = None, lines: int = 500) -> list[str]:
        """The last lines the task's newest attempt printed up to a position, oldest first."""
        task = self.state.tasks.get(task_id)
        starts = [
            event
            async for event in self._journal.log.read(
                branch=self._journal.branch, streams=[f"task/{task_id}"], types=[TaskStarted.type], up_to=up_to,
                backwards=True, limit=1,
            )
        ]  # fmt: skip
        if task is None or not starts or not isinstance(starts[0].payload, TaskStarted):
            return []
        started = starts[0].payload
        if task.finished_us is not None:  # whatever the agent has printed since, for other tasks
            up_to = task.finished_position if up_to is None else min(up_to, task.finished_position)
        return await self.output(
            started.agent_id, execution_id=started.execution_id, after=starts[0].position, up_to=up_to, lines=lines
        )

    async def questions(self) -> list[Question]:
        """What agents ask and nobody has answered, oldest first."""
        pending = [permission for permission in in_order(self.state.permissions) if permission.status == "pending"]
        return [await self.question(permission.id) for permission in pending]

    async def question(self, request_id: str) -> Question:
        """What an agent asks or asked, with all it said about it.

        Raises:
            NotFound
        """
        permission = self.state.permissions.get(request_id)
        event = None if permission is None else await self.event(permission.position)
        if permission is None or event is None or not isinstance(event.payload, PermissionRequested):
            raise NotFound("permission request", request_id)
        return Question(permission=permission, input=event.payload.input)

    async def consequences(self, position: int) -> list[StoredEvent]:
        """What an event caused, and what that caused, in order, as far as it happened soon after; without output."""
        span = Span(position, min(position + EFFECTS_WITHIN, await self.head()))
        followed, found = {position}, list[int]()
        for at, cause, kind in await self._journal.log.reader.causes(branch=self._journal.branch, span=span):
            if cause in followed and kind != AgentOutput.type:
                followed.add(at)
                found.append(at)
        return await self._journal.log.reader.at(found[:CONSEQUENCES_TOLD])

    async def compare(self, before: tuple[str, int], after: tuple[str, int]) -> StateDiff:
        """What is different at one branch and position from another; files only within one branch.

        Raises:
            UnknownBranch
        """
        old = await self.timeline.state_at(before[1], branch=before[0])
        new = await self.timeline.state_at(after[1], branch=after[0])
        files = FilesChanged()
        if before[0] == after[0]:
            first, last = sorted((before[1], after[1]))
            files = await self._files_changed(before[0], Span(first, last))
            files = files if before[1] <= after[1] else files.reversed()
        return await asyncio.to_thread(diff, old, new, branches=(before[0], after[0]), files=files)

    async def _files_changed(self, branch: str, span: Span) -> FilesChanged:
        where = Filter(types=(WorkspaceFilesChanged.type,))
        pages = self._journal.log.reader.pages(branch=branch, span=span, where=where)
        return files_changed([event async for page in pages for event in page])

    async def causes(self, position: int) -> list[StoredEvent]:
        """The chain of causes of an event, itself first, back to what began it."""
        chain: list[StoredEvent] = []
        wanted: int | None = position
        while wanted and len(chain) < CAUSES_FOLLOWED:
            event = await self.event(wanted)
            if event is None:
                break
            chain.append(event)
            wanted = event.causation_id
        return chain
