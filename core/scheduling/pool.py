"""The agent pool: how many agents of each profile there are, decided from the state.

A profile has between `min` and `max` agents. A waiting task takes an idle one, or a new one within the limits;
an idle one above `min` leaves after `idle_timeout`, or at once when its profile is no longer configured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from itertools import count

from core.config import Config
from core.events import AgentSpawned, AgentStatusChanged, AgentTerminated, Append, Payload
from core.events.envelope import to_us
from core.projections import Agent, State
from core.scheduling.policy import HOLDS_A_PLACE, Fleet, alive, is_free


def next_agent_id(state: State, profile_name: str, taken: Collection[str] = ()) -> str:
    """The id for a new agent, profile and number, that no agent ever had and that is not `taken` just now."""
    ids = (f"{profile_name}-{number}" for number in count(state.totals.agents + len(taken) + 1))
    return next(agent_id for agent_id in ids if agent_id not in state.agents and agent_id not in taken)


def spawning(agent_id: str, profile_name: str, config: Config, *, service: bool = False) -> AgentSpawned:
    """The event that adds an agent of the profile to the fleet: a `service` runs on its own if it can."""
    profile = config.profiles[profile_name]
    alone = service and not profile.needs_prompt
    return AgentSpawned(
        name=agent_id, profile=profile_name, role=profile.role, domain=profile.domain,
        capabilities=profile.capabilities, command=profile.command if alone else (), protocol=profile.adapter,
        workspace=profile.workspace,
    )  # fmt: skip


def fill(state: State, config: Config) -> list[Append]:
    """New agents for profiles that have fewer than their `min`, as far as the limits allow; none leaves for them."""
    if not any(profile.min for profile in config.profiles.values()):
        return []
    fleet = Fleet(state, config)
    counts: dict[str, int] = {}
    for agent in alive(state):
        counts[agent.profile] = counts.get(agent.profile, 0) + 1
    fresh: dict[str, list[Payload]] = {}
    for name, profile in config.profiles.items():
        for _ in range(profile.min - counts.get(name, 0)):
            vacancy = fleet.vacancy(name, profile)
            if not vacancy.spawn:
                break
            fleet.take(name, vacancy)
            agent_id = next_agent_id(state, name, fresh)
            idle = AgentStatusChanged(previous="starting", current="idle", reason="ready")
            fresh[agent_id] = [spawning(agent_id, name, config), idle]
    return [Append(f"agent/{agent_id}", events, 0) for agent_id, events in fresh.items()]


def retire(state: State, config: Config, now: datetime) -> list[Append]:
    """Idle agents above their profile's `min` that have been idle for too long leave."""
    appends: list[Append] = []
    for agent in _expiring(state, config):
        if _due_us(agent, config) <= to_us(now):
            profile = config.profile(agent.profile)
            idle = "its profile is gone" if profile is None else f"idle for {profile.idle_timeout // 1000} s"
            appends.append(Append(f"agent/{agent.id}", [AgentTerminated(reason=idle)]))
    return appends


def next_retirement_us(state: State, config: Config) -> int | None:
    """When the next idle agent is due to leave; None when none is."""
    return min((_due_us(agent, config) for agent in _expiring(state, config)), default=None)


def _due_us(agent: Agent, config: Config) -> int:
    profile = config.profile(agent.profile)
    return agent.since_us + (0 if profile is None else profile.idle_timeout * 1000)


def _expiring(state: State, config: Config) -> list[Agent]:
    """Idle agents above the `min` of their profile: the ones idle longest."""
    workers: Counter[str] = Counter()
    idle: dict[str, list[Agent]] = {}
    for agent in state.agents.values():
        if agent.status in HOLDS_A_PLACE and not agent.service:
            workers[agent.profile] += 1
            if is_free(agent):
                idle.setdefault(agent.profile, []).append(agent)
    expiring: list[Agent] = []
    for name, agents in idle.items():
        agents.sort(key=lambda agent: (agent.since_us, agent.position))
        profile = config.profile(name)
        expiring += agents[: max(0, workers[name] - (0 if profile is None else profile.min))]
    return expiring
