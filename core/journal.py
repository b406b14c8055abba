"""The journal: the log together with its live fold, on one branch.

Everybody who decides uses it: read `state`, append what follows, see the state that results. Whoever was answered
by an append finds it in the state, because the fold observes the log's commits.
Forbidden here: side effects other than appending.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

from core.clock import Clock
from core.errors import LogClosed, LogVanished, StorageFailed, VersionConflict
from core.events import Append, StoredEvent
from core.log import EventLog
from core.projections import State, fold_many

STORAGE_RETRY_S = 1.0  # between attempts to store what has already happened, while the disk refuses

Decision = Callable[[State], Sequence[Append]]
"""What to append, given the state. Called again on a newer state when somebody else was faster."""


class Journal:
    """Append facts, and know what they add up to."""

    def __init__(
        self, log: EventLog, state: State, clock: Clock, *, branch: str = "main", tenant: str = "local"
    ) -> None:
        self.log, self.clock, self.branch, self.tenant = log, clock, branch, tenant
        self.session_id = ""
        """Stamped on everything appended; set when the session starts."""
        self.trouble: str | None = None
        """Why facts cannot be stored at the moment, in a sentence; None when all is well."""
        self.state = state
        """The fold of everything appended so far."""
        self.fleet = asyncio.Lock()
        """Held while deciding who is in the fleet and what it takes: agents have no version to expect."""
        log.tail.observe(self._fold)

    def _fold(self, events: list[StoredEvent]) -> None:
        self.state = fold_many(self.state, [event for event in events if event.branch == self.branch])

    async def record(
        self,
        appends: Sequence[Append],
        *,
        actor: str,
        cause: int | None = None,
        correlation: UUID | None = None,
    ) -> list[StoredEvent]:
        """Append, durably, in one transaction, and fold.

        Raises:
            VersionConflict: an `expected_version` did not hold; nothing was stored.
            StorageFailed: nothing was stored.
        """
        try:
            stored = await self.log.append_many(
                appends, branch=self.branch, actor=actor, session_id=self.session_id, tenant_id=self.tenant,
                correlation_id=correlation, causation_id=cause,
            )  # fmt: skip
        except StorageFailed as failed:
            self.trouble = str(failed)
            raise
        self.trouble = None
        return stored

    async def decide(
        self, decision: Decision, *, actor: str, cause: int | None = None, correlation: UUID | None = None
    ) -> list[StoredEvent]:
        """Append what `decision` makes of the state; decide again when the state moved on meanwhile.

        Raises:
            CodewalkersError: whatever the decision raises; nothing was stored.
            StorageFailed: nothing was stored.
        """
        while True:
            seen = self.state.position
            appends = decision(self.state)
            if not any(append.events for append in appends):
                return []
            try:
                return await self.record(appends, actor=actor, cause=cause, correlation=correlation)
            except VersionConflict:
                if self.state.position == seen:
                    raise  # deciding again on the same state would conflict again

    async def record_fact(self, decision: Decision, *, actor: str, cause: int | None = None) -> list[StoredEvent]:
        """As `decide`, for what has already happened: while the disk refuses, try again until it does not.

        Raises:
            LogVanished, LogClosed: it can never be stored.
        """
        while True:
            try:
                return await self.decide(decision, actor=actor, cause=cause)
            except (LogVanished, LogClosed):
                raise
            except StorageFailed:
                await self.clock.sleep(STORAGE_RETRY_S)

    async def follow(self, after: int) -> AsyncIterator[list[StoredEvent]]:
        """Batches of this branch's events after `after`, for ever; `state` includes them when they come out."""
        while True:
            grown = self.log.tail.arm()
            head = self.log.tail.head
            events = self.log.tail.since(after)
            if events is None:
                events = [event async for event in self.log.read(branch=None, after=after, up_to=head)]
            own = [event for event in events if event.branch == self.branch]
            after = head
            if own:
                yield own
            elif not events:
                await grown.wait()
