"""Questions of agents: which wait for an answer, and whether somebody has looked at one long enough to answer it.

A question counts as waiting as long as the attempt that asked it goes on: nobody hears an answer after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nlargest

from core.projections import Permission, State

LOOKED_AT_S = 0.3
"""A key that was meant for something else must not answer a question that came up under it."""
GOING_ON = frozenset({"running", "paused"})


def goes_on(asked: Permission, state: State) -> bool:
    """Whether somebody still hears an answer."""
    execution = state.executions.get(asked.execution_id)
    return asked.status == "pending" and execution is not None and execution.status in GOING_ON


def asked_by(agent_id: str, state: State) -> Iterator[Permission]:
    """What an agent asks and can still be answered."""
    return (asked for asked in state.permissions.values() if asked.agent_id == agent_id and goes_on(asked, state))


class Inbox:
    """The questions of a state, found once for each state that differs in them."""

    def __init__(self) -> None:
        self._of: object = None
        self._pending: tuple[Permission, ...] = ()
        self._told: frozenset[str] = frozenset()

    def waiting(self, state: State) -> tuple[Permission, ...]:
        """Those that can be answered, the one asked first at the beginning."""
        if state.permissions is not self._of:
            self._of = state.permissions
            pending = [asked for asked in state.permissions.values() if asked.status == "pending"]
            self._pending = tuple(sorted(pending, key=lambda asked: asked.position))
        return tuple(asked for asked in self._pending if goes_on(asked, state))

    def news(self, state: State) -> list[Permission]:
        """Those that wait and were not among the answers of an earlier call."""
        waiting = self.waiting(state)
        fresh = [asked for asked in waiting if asked.id not in self._told]
        self._told = frozenset(asked.id for asked in waiting)
        return fresh

    def others(self, state: State, limit: int) -> list[Permission]:
        """The newest of those that cannot, the one answered last at the beginning."""
        over = (asked for asked in state.permissions.values() if not goes_on(asked, state))
        return nlargest(limit, over, key=lambda asked: (asked.decided_us or asked.requested_us, asked.position))


class Attention:
    """Which question is looked at, and since when."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._on: str | None = None
        self._since = 0.0
        self.seen = set[str]()
        """All that were looked at, or gone to, so far."""

    def turn_to(self, request_id: str | None) -> None:
        """This question is under the cursor and on the screen now, or none is."""
        if request_id != self._on:
            self._on, self._since = request_id, self._monotonic()
        if request_id is not None:
            self.seen.add(request_id)

    def has_been_on(self, request_id: str) -> bool:
        """Whether it has been looked at long enough."""
        return self._on == request_id and self._monotonic() - self._since >= LOOKED_AT_S
