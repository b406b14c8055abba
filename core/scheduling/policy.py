"""Pure policy: numbers in, decisions out. No clock, no I/O, no randomness of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from core.agents.limits import held_back
from core.config import Config, Profile, Retry
from core.events import (
    Payload,
    TaskBlocked,
    TaskDeadLettered,
    TaskQueued,
    TaskRequeued,
    TaskRetryScheduled,
    TaskScheduled,
)
from core.events.envelope import EPOCH, MICROSECOND
from core.projections import Agent, State, Task
from core.projections.moves import DEAD, IN_FLIGHT

FAIR_SHARE = 8
"""Every eighth slot goes to the task that waits longest, so that low priorities never starve."""

SWARM = "main"
"""The one swarm a project has."""

LOSSES_ALLOWED = 3
"""An idempotent task is requeued after this many lost attempts, then it waits for review."""

HOLDS_A_PLACE = frozenset({"starting", "idle", "busy", "waiting-permission", "stopping", "parked", "unknown",
                           "restarting", "paused", "stopped", "failed"})  # fmt: skip
"""Statuses of agents that count against the limits: all but `terminated`."""


Jitter = Callable[[float], float]
"""A random number from 0 up to its argument."""


class Placement(Struct, frozen=True):
    """Where a task may run."""

    agent_id: str | None = None
    """An idle agent that takes it."""
    spawn: bool = False
    """Or a new one, which the limits allow."""
    reason: str = ""
    """Or why it has to wait."""


def fair_turn(claims: int) -> bool:
    """Whether the next claim, after `claims` of them, goes to whoever waits longest."""
    return claims % FAIR_SHARE == FAIR_SHARE - 1


def alive(state: State) -> list[Agent]:
    """Agents that are in the fleet, oldest first."""
    agents = (agent for agent in state.agents.values() if agent.status in HOLDS_A_PLACE)
    return sorted(agents, key=lambda agent: agent.position)


def in_flight(state: State) -> list[Task]:
    """Tasks that an agent has, oldest first."""
    tasks = (task for task in state.tasks.values() if task.status in IN_FLIGHT)
    return sorted(tasks, key=lambda task: task.position)


class Fleet:
    """Which agents are free and how much room is left, while claims are being handed out."""

    def __init__(self, state: State, config: Config) -> None:
        self._config, self._state = config, state
        agents = alive(state)
        self._total = len(agents)
        self._count: dict[str, int] = {}
        self._idle: dict[str, dict[str, Agent]] = {}
        """By profile and id, each profile's oldest first."""
        for agent in agents:
            self._count[agent.profile] = self._count.get(agent.profile, 0) + 1
            if is_free(agent):
                self._idle.setdefault(agent.profile, {})[agent.id] = agent
        swarm = state.swarm.get(SWARM)
        self._limit = swarm.size if swarm is not None and swarm.size else config.max_agents

    def place(self, profile_name: str) -> Placement:
        """Where a task of that profile may run now."""
        profile = self._config.profile(profile_name)
        if profile is None:
            return Placement(reason=f"there is no profile {profile_name!r}")
        if reason := held_back(self._state, profile_name):
            return Placement(reason=reason)
        for agent_id in self._idle.get(profile_name, ()):
            return Placement(agent_id=agent_id)
        return self.room(profile_name, profile)

    def room(self, name: str, profile: Profile) -> Placement:
        """Whether another agent of the profile fits, if need be in the place of an idle one of another profile."""
        vacancy = self.vacancy(name, profile)
        if not vacancy.spawn and self._count.get(name, 0) < profile.max and self._retirable(name) is not None:
            return Placement(spawn=True)
        return vacancy

    def vacancy(self, name: str, profile: Profile) -> Placement:
        """Whether another agent of the profile fits under the limits."""
        count = self._count.get(name, 0)
        if count >= profile.max:
            return Placement(reason=f"all {count} agents of profile {name} are taken")
        if self._total >= self._limit:
            return Placement(reason=f"all {self._total} agents are taken (the limit is {self._limit})")
        return Placement(spawn=True)

    def _retirable(self, name: str) -> Agent | None:
        """The oldest idle agent of another profile."""
        oldest = [next(iter(idle.values())) for profile, idle in self._idle.items() if profile != name and idle]
        return min(oldest, key=lambda agent: agent.position, default=None)

    def take(self, name: str, placement: Placement) -> Agent | None:
        """Use the placement up. Returns an idle agent of another profile that has to leave for the new one, if any."""
        if placement.agent_id is not None:
            del self._idle[name][placement.agent_id]
            return None
        leaving = self._retirable(name) if self._total >= self._limit else None
        if leaving is not None:
            del self._idle[leaving.profile][leaving.id]
            self._count[leaving.profile] -= 1
            self._total -= 1
        self._total += 1
        self._count[name] = self._count.get(name, 0) + 1
        return leaving


def is_free(agent: Agent) -> bool:
    """Whether the agent can take a task now."""
    return agent.status == "idle" and agent.task_id is None and not agent.service


def why_waiting(state: State, config: Config, task: Task) -> str:
    """Why a task does not run, in a few words; empty when it does or is over."""
    match task.status:
        case "blocked":
            return task.reason or f"waits for {', '.join(task.waiting_on)}"
        case "scheduled":
            return task.reason
        case "lost":
            return f"{task.reason or 'nobody knows how it ended'}; retry or cancel it"
        case "queued":
            session = max(state.sessions.values(), key=lambda session: session.position, default=None)
            if session is not None and session.status == "paused":
                return "the session is paused"
            return Fleet(state, config).place(task.profile).reason
        case _:
            return ""


# -- what follows from what ---------------------------------------------------------------------------------------


def entry(
    depends_on: Iterable[str], run_at: datetime | None, now: datetime, state: State, together: Collection[str] = ()
) -> Payload:
    """The event that puts a new task where it belongs: blocked, scheduled or queued.

    `together` are the ids of tasks that are created in the same append.
    """
    needed = tuple(depends_on)
    if any(task_id in together for task_id in needed):
        return TaskBlocked(waiting_on=tuple(n for n in needed if state.task_outcome(n) != "completed"))
    return _blocked(needed, state) or _timed(run_at, now)


def settle(task: Task, now: datetime, state: State, retry: Retry, jitter: Jitter) -> Payload | None:
    """A task's next move, now that something changed; None when it stays where it is."""
    match task.status:
        case "blocked":
            blocked = _blocked(task.depends_on, state)
            if blocked is None:
                run_at = None if task.run_at_us is None else EPOCH + task.run_at_us * MICROSECOND
                return _timed(run_at, now)
            return blocked if (blocked.waiting_on, blocked.reason) != (task.waiting_on, task.reason) else None
        case "scheduled":
            due = task.run_at_us is not None and EPOCH + task.run_at_us * MICROSECOND <= now
            return TaskQueued() if due else None
        case "failed":
            return after_failure(task, now, retry, jitter)
        case "lost":
            return after_loss(task)
        case _:
            return None


def _blocked(depends_on: Iterable[str], state: State) -> TaskBlocked | None:
    outcomes = {needed: state.task_outcome(needed) for needed in depends_on}
    waiting_on = tuple(needed for needed, outcome in outcomes.items() if outcome != "completed")
    if not waiting_on:
        return None
    dead = [f"{needed} is {outcomes[needed] or 'unknown'}" for needed in waiting_on if _is_dead(needed, state)]
    return TaskBlocked(waiting_on=waiting_on, reason=", ".join(dead))


def _is_dead(needed: str, state: State) -> bool:
    """Whether a dependency will not complete by itself, or waits for one that will not."""
    task = state.tasks.get(needed)
    if task is not None and task.status == "blocked":
        return bool(task.reason)
    outcome = state.task_outcome(needed)
    # `failed` is followed at once by another attempt or by the dead letter, which then says so.
    return outcome is None or (outcome in DEAD and outcome != "failed")


def _timed(run_at: datetime | None, now: datetime) -> Payload:
    return TaskQueued() if run_at is None or run_at <= now else TaskScheduled(run_at=run_at)


def after_failure(task: Task, now: datetime, retry: Retry, jitter: Jitter) -> Payload:
    """What follows `task:failed`: another attempt after a backoff, or the dead letter.

    The backoff is full jitter over a limit that doubles with each failure.
    """
    if not task.retryable or task.failures >= task.max_attempts:
        return TaskDeadLettered(attempts=task.failures, last_error=task.error)
    delay_ms = round(jitter(backoff_limit_ms(task.failures, retry.backoff, retry.max_backoff)))
    run_at = now + timedelta(milliseconds=delay_ms)
    return TaskRetryScheduled(attempt=task.attempt, run_at=run_at, delay_ms=delay_ms)


def after_loss(task: Task) -> Payload | None:
    """What follows `task:lost`: requeued when it may be repeated without asking, else it waits for review."""
    if task.idempotent and task.losses <= LOSSES_ALLOWED:
        return TaskRequeued(reason="lost")
    return None


def backoff_limit_ms(failures: int, backoff_ms: int, max_backoff_ms: int) -> int:
    """The longest delay after so many failures in a row."""
    return min(max_backoff_ms, backoff_ms * 2 ** min(failures - 1, 32))
