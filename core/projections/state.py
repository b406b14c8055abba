"""The state: everything the log says, at one position. Immutable, and structurally shared between positions.

Invariant: the state is a pure function of a lineage's events. The maps are persistent tries (rpds), so keeping a
thousand states costs little more than keeping their differences.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec
from msgspec import Struct
from rpds import HashTrieMap

from core.events.envelope import EPOCH, MICROSECOND
from core.projections.records import (
    Agent,
    Bookmark,
    Budget,
    Checkpoint,
    Execution,
    Lock,
    Memory,
    Permission,
    Profile,
    Session,
    Signal,
    Swarm,
    Task,
    Totals,
    Usage,
    Workspace,
)


class State(Struct, frozen=True, kw_only=True):
    """Agents, tasks and all the rest, by id, as of `position`."""

    position: int = 0
    """The last event folded; 0 before the first."""
    recorded_us: int = 0
    """When that event became durable."""
    session_id: str = ""
    """The newest session."""
    agents: HashTrieMap[str, Agent] = HashTrieMap()
    tasks: HashTrieMap[str, Task] = HashTrieMap()
    executions: HashTrieMap[str, Execution] = HashTrieMap()
    memory: HashTrieMap[str, Memory] = HashTrieMap()
    swarm: HashTrieMap[str, Swarm] = HashTrieMap()
    sessions: HashTrieMap[str, Session] = HashTrieMap()
    workspaces: HashTrieMap[str, Workspace] = HashTrieMap()
    locks: HashTrieMap[str, Lock] = HashTrieMap()
    signals: HashTrieMap[str, Signal] = HashTrieMap()
    permissions: HashTrieMap[str, Permission] = HashTrieMap()
    checkpoints: HashTrieMap[str, Checkpoint] = HashTrieMap()
    bookmarks: HashTrieMap[str, Bookmark] = HashTrieMap()
    budgets: HashTrieMap[str, Budget] = HashTrieMap()
    profiles: HashTrieMap[str, Profile] = HashTrieMap()
    usage: HashTrieMap[str, Usage] = HashTrieMap()
    """By scope: a session, a day, a profile in a session. Of agents and tasks, their records have it."""
    outcomes: HashTrieMap[str, str] = HashTrieMap()
    """Task id → status, of tasks whose records were dropped."""
    task_counts: HashTrieMap[str, int] = HashTrieMap()
    """Tasks by status, dropped ones included."""
    resting: HashTrieMap[int, tuple[int, str]] = HashTrieMap()
    """Completed and cancelled tasks in the order they ended: number → (finished position, task id). A task that
    was queued again leaves its entry behind, out of date."""
    totals: Totals = Totals()

    @classmethod
    def empty(cls) -> State:
        """The state before the first event."""
        return _EMPTY

    @property
    def recorded_at(self) -> datetime:
        """When the last event folded became durable, aware, UTC."""
        return EPOCH + self.recorded_us * MICROSECOND

    def task_outcome(self, task_id: str) -> str | None:
        """The status of a task, dropped or not; None when there never was one."""
        task = self.tasks.get(task_id)
        return self.outcomes.get(task_id) if task is None else task.status

    def to_json(self) -> bytes:
        """The state as canonical JSON: keys sorted, no spaces, so equal states give equal bytes."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "resting"}
        return msgspec.json.encode(fields, enc_hook=_plain, order="sorted")


def _plain(value: object) -> object:
    if isinstance(value, HashTrieMap):
        return dict(cast("HashTrieMap[object, object]", value).items())
    raise NotImplementedError(type(value).__name__)


_EMPTY = State()
