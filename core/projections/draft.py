"""A state being changed: folds of a batch write here, and the trees are rebuilt once at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec.structs import replace
from rpds import HashTrieMap

from core.events import AnyEvent
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
from core.projections.state import State

K = TypeVar("K", str, int)
R = TypeVar("R")


class Overlay(Generic[K, R]):
    """A persistent map and the changes made to it since; None means removed."""

    __slots__ = ("base", "changes")

    def __init__(self, base: HashTrieMap[K, R]) -> None:
        self.base = base
        self.changes: dict[K, R | None] = {}

    def get(self, key: K) -> R | None:
        """The record, or None."""
        changes = self.changes
        return changes[key] if key in changes else self.base.get(key)

    def put(self, key: K, record: R) -> None:
        """Set the record."""
        self.changes[key] = record

    def drop(self, key: K) -> None:
        """Remove the record if it is there."""
        self.changes[key] = None

    def values(self) -> Iterator[R]:
        """All records as they are now."""
        for key, record in self.base.items():
            if key not in self.changes:
                yield record
        yield from (record for record in self.changes.values() if record is not None)

    def finished(self) -> HashTrieMap[K, R]:
        """The map with all changes."""
        if not self.changes:
            return self.base
        result = self.base.update({key: record for key, record in self.changes.items() if record is not None})
        for key, record in self.changes.items():
            if record is None and key in result:
                result = result.remove(key)
        return result


class Draft:
    """The next state."""

    __slots__ = (
        "agents", "base", "bookmarks", "budgets", "checkpoints", "dropped_lines", "events", "executions", "locks",
        "memory", "outcomes", "output_lines", "permissions", "position", "profiles", "recorded_us", "resting",
        "resting_count", "session_id", "sessions", "signals", "swarm", "task_counts", "tasks", "totals",
        "unknown_events", "usage", "workspaces",
    )  # fmt: skip

    def __init__(self, base: State) -> None:
        self.base = base
        self.position = base.position
        self.recorded_us = base.recorded_us
        self.session_id = base.session_id
        self.events = self.unknown_events = self.output_lines = self.dropped_lines = 0
        """What nearly every event adds to, counted here since the base; `totals` holds the rest."""
        self.agents: Overlay[str, Agent] = Overlay(base.agents)
        self.tasks: Overlay[str, Task] = Overlay(base.tasks)
        self.executions: Overlay[str, Execution] = Overlay(base.executions)
        self.memory: Overlay[str, Memory] = Overlay(base.memory)
        self.swarm: Overlay[str, Swarm] = Overlay(base.swarm)
        self.sessions: Overlay[str, Session] = Overlay(base.sessions)
        self.workspaces: Overlay[str, Workspace] = Overlay(base.workspaces)
        self.locks: Overlay[str, Lock] = Overlay(base.locks)
        self.signals: Overlay[str, Signal] = Overlay(base.signals)
        self.permissions: Overlay[str, Permission] = Overlay(base.permissions)
        self.checkpoints: Overlay[str, Checkpoint] = Overlay(base.checkpoints)
        self.bookmarks: Overlay[str, Bookmark] = Overlay(base.bookmarks)
        self.budgets: Overlay[str, Budget] = Overlay(base.budgets)
        self.profiles: Overlay[str, Profile] = Overlay(base.profiles)
        self.usage: Overlay[str, Usage] = Overlay(base.usage)
        self.outcomes: Overlay[str, str] = Overlay(base.outcomes)
        self.task_counts: Overlay[str, int] = Overlay(base.task_counts)
        self.resting: Overlay[int, tuple[int, str]] = Overlay(base.resting)
        self.resting_count = sum(base.task_counts.get(status, 0) for status in ("completed", "cancelled")) - len(
            base.outcomes
        )
        self.totals = base.totals

    def advance(self, last: AnyEvent, events: int, unknown: int) -> None:
        """So many more events were folded, up to this one."""
        self.position, self.recorded_us = last.position, last.recorded_us
        self.events += events
        self.unknown_events += unknown

    def finished(self) -> State:
        """The next state, with everything that was not touched shared with the one before."""
        if self.position == self.base.position:
            return self.base
        return State(
            position=self.position,
            recorded_us=self.recorded_us,
            session_id=self.session_id,
            agents=self.agents.finished(),
            tasks=self.tasks.finished(),
            executions=self.executions.finished(),
            memory=self.memory.finished(),
            swarm=self.swarm.finished(),
            sessions=self.sessions.finished(),
            workspaces=self.workspaces.finished(),
            locks=self.locks.finished(),
            signals=self.signals.finished(),
            permissions=self.permissions.finished(),
            checkpoints=self.checkpoints.finished(),
            bookmarks=self.bookmarks.finished(),
            budgets=self.budgets.finished(),
            profiles=self.profiles.finished(),
            usage=self.usage.finished(),
            outcomes=self.outcomes.finished(),
            task_counts=self.task_counts.finished(),
            resting=self.resting.finished(),
            totals=self.all_totals(),
        )

    def all_totals(self) -> Totals:
        """The counters, with what was counted here."""
        totals = self.totals
        return replace(
            totals,
            events=totals.events + self.events,
            unknown_events=totals.unknown_events + self.unknown_events,
            output_lines=totals.output_lines + self.output_lines,
            dropped_lines=totals.dropped_lines + self.dropped_lines,
        )
