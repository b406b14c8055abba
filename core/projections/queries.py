"""Questions to a state. Each looks at the records it holds; counters also cover records that were dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from msgspec.structs import replace

from core.projections.records import DAY, Agent, Memory, Task, Usage, session_scope
from core.projections.state import State


class _Placed(Protocol):
    @property
    def position(self) -> int: ...


R = TypeVar("R", bound=_Placed)


def in_order(records: Mapping[str, R]) -> list[R]:
    """Records in the order they came into being; a map itself has no order."""
    return sorted(records.values(), key=lambda record: record.position)


_UNSUCCESSFUL = ("failed", "lost", "dead-lettered")


class AgentQueries:
    """Agents of a state, in the order they were spawned."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._agents = in_order(state.agents)

    def by_status(self, status: str) -> list[Agent]:
        """Agents with this status."""
        return [agent for agent in self._agents if agent.status == status]

    def by_domain(self, domain: str) -> list[Agent]:
        """Agents of this domain."""
        return [agent for agent in self._agents if agent.domain == domain]

    def by_role(self, role: str) -> list[Agent]:
        """Agents with this role."""
        return [agent for agent in self._agents if agent.role == role]

    def healthy(self) -> list[Agent]:
        """Agents neither failing nor unknown."""
        return [agent for agent in self._agents if agent.health == "ok"]

    def completed(self, agent_id: str) -> list[str]:
        """Ids of the tasks the agent completed, oldest first; `Agent.completed` counts dropped ones too."""
        done = [task for task in self._state.tasks.values() if task.agent_id == agent_id and task.status == "completed"]
        return [task.id for task in sorted(done, key=lambda task: task.finished_position)]


class TaskQueries:
    """Tasks of a state, in the order they were created."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks = in_order(state.tasks)

    def by_status(self, status: str) -> list[Task]:
        """Tasks with this status."""
        return [task for task in self._tasks if task.status == status]

    def by_agent(self, agent_id: str) -> list[Task]:
        """Tasks whose latest attempt this agent has or had."""
        return [task for task in self._tasks if task.agent_id == agent_id]

    def by_kind(self, kind: str) -> list[Task]:
        """Tasks of this kind."""
        return [task for task in self._tasks if task.kind == kind]

    def average_duration_ms(self) -> float:
        """Mean run time of completed tasks, dropped ones included; 0 when there are none."""
        completed = self._state.task_counts.get("completed", 0)
        return self._state.totals.completed_duration_ms / completed if completed else 0.0

    def success_rate(self) -> float:
        """Completed tasks among those that completed or went wrong, 0 to 1; 0 when there are none."""
        completed, wrong = self._ended()
        return completed / (completed + wrong) if completed + wrong else 0.0

    def failure_rate(self) -> float:
        """Tasks that went wrong (failed, lost, dead-lettered) among those that ended, 0 to 1; 0 when there are none."""
        completed, wrong = self._ended()
        return wrong / (completed + wrong) if completed + wrong else 0.0

    def _ended(self) -> tuple[int, int]:
        counts = self._state.task_counts
        return counts.get("completed", 0), sum(counts.get(status, 0) for status in _UNSUCCESSFUL)


class MemoryQueries:
    """Shared memory of a state."""

    def __init__(self, state: State) -> None:
        self._entries = sorted(state.memory.values(), key=lambda entry: entry.id)

    def by_namespace(self, namespace: str) -> list[Memory]:
        """Entries of this namespace, by key."""
        return [entry for entry in self._entries if entry.namespace == namespace]

    def hot(self, limit: int) -> list[Memory]:
        """The entries read most, most read first."""
        return sorted(self._entries, key=lambda entry: (-entry.hits, -(entry.last_hit_us or 0)))[:limit]

    def cold(self, limit: int) -> list[Memory]:
        """The entries read least, least read first."""
        return sorted(self._entries, key=lambda entry: (entry.hits, entry.last_hit_us or 0))[:limit]

    def size_bytes(self, namespace: str | None = None) -> int:
        """Bytes held by the namespace, or by all."""
        return sum(entry.size_bytes for entry in self._entries if namespace in {None, entry.namespace})


class UsageQueries:
    """What was used up, oldest first; whoever used nothing is left out."""

    def __init__(self, state: State) -> None:
        self._state = state

    def by_agent(self) -> list[Usage]:
        """Of each agent, by its id."""
        return _spent(
            Usage(id=agent.id, tokens=agent.input_tokens + agent.output_tokens, cost_usd_micros=agent.cost_usd_micros)
            for agent in in_order(self._state.agents)
        )

    def by_task(self) -> list[Usage]:
        """Of each task, by its id; all its attempts together."""
        return _spent(
            Usage(id=task.id, tokens=task.tokens, cost_usd_micros=task.cost_usd_micros)
            for task in in_order(self._state.tasks)
        )

    def by_session(self) -> list[Usage]:
        """Of each session, by its id."""
        return self._scoped((session.id, session_scope(session.id)) for session in in_order(self._state.sessions))

    def by_day(self) -> list[Usage]:
        """Of each day of UTC, by its date."""
        days = sorted(scope for scope in self._state.usage if scope.startswith(DAY))
        return self._scoped((scope.removeprefix(DAY), scope) for scope in days)

    def _scoped(self, scopes: Iterable[tuple[str, str]]) -> list[Usage]:
        found = ((name, self._state.usage.get(scope)) for name, scope in scopes)
        return _spent(replace(usage, id=name) for name, usage in found if usage is not None)


def _spent(usages: Iterable[Usage]) -> list[Usage]:
    return [usage for usage in usages if usage.tokens or usage.cost_usd_micros]
