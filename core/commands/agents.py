"""Commands about agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from core.commands.base import CommandsBase, agent_of, living_agent, task_of
from core.errors import IllegalMove, NoCapacity, NotFound, PlanError
from core.events import (
    AgentPaused,
    AgentResumed,
    AgentSpawned,
    AgentStatusChanged,
    AgentStopRequested,
    AgentTerminated,
    Append,
    Payload,
    SwarmScaled,
    TaskPaused,
    TaskResumed,
)
from core.projections import State
from core.projections.moves import require
from core.scheduling.policy import SWARM, Fleet
from core.scheduling.pool import next_agent_id, spawning

CANNOT_BE_PAUSED = frozenset({"paused", "stopping", "stopped", "failed"})
"""There is nothing to freeze, or it is about to end."""


class AgentCommands(CommandsBase):
    """Spawn, stop, kill, scale, pause and resume."""

    async def spawn(
        self, profile: str, *, name: str = "", depth: int = 0, actor: str = "user", cause: int | None = None
    ) -> str:
        """Add an agent of the profile: one that runs the profile's command, or else one that takes tasks; its id.

        Waits for room under the limits for the profile's `acquire_timeout`.

        Raises:
            NotFound: there is no such profile.
            NoCapacity: no room came free in time; the message says which limit held it back.
        """
        settings = self._config().profile(profile)
        if settings is None:
            raise NotFound("profile", profile)

        def decide(state: State) -> list[Append]:
            agent_id = name or next_agent_id(state, profile)
            if agent_id in state.agents:
                raise IllegalMove(f"agent {agent_id}", state.agents[agent_id].status, "spawned again; use another name")
            fleet = Fleet(state, self._config())
            room = fleet.room(profile, settings)
            if not room.spawn:
                raise NoCapacity(room.reason)
            return self._spawned(fleet, profile, agent_id, depth)

        return await self._when_there_is_room(decide, settings.acquire_timeout / 1000, actor=actor, cause=cause)

    async def stop_agent(self, agent_id: str, *, force: bool = False, reason: str = "", actor: str = "user") -> str:
        """End the agent gently; what it works on is lost, to be requeued or reviewed.

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            agent = living_agent(state, agent_id, "stopped")
            requested = AgentStopRequested(force=force, reason=reason)
            # At once, so that no task is handed to it any more.
            stopping = AgentStatusChanged(
                previous=agent.status, current="stopping", reason=reason or ("kill" if force else "stop")
            )
            return [Append(f"agent/{agent_id}", [requested, stopping])]

        async with self._journal.fleet:
            await self._journal.decide(decide, actor=actor)
        return agent_id

    async def kill_agent(self, agent_id: str, *, reason: str = "", actor: str = "user") -> str:
        """End the agent now.

        Raises:
            NotFound, IllegalMove
        """
        return await self.stop_agent(agent_id, force=True, reason=reason, actor=actor)

    async def scale(self, size: int, *, reason: str = "", actor: str = "user") -> int:
        """Set how many agents there may be; the number before. Running ones are not ended."""
        if size < 1:
            raise PlanError("there must be room for at least one agent")
        previous = 0

        def decide(state: State) -> list[Append]:
            nonlocal previous
            swarm = state.swarm.get(SWARM)
            previous = swarm.size if swarm is not None and swarm.size else self._config().max_agents
            scaled = SwarmScaled(previous=previous, current=size, reason=reason)
            return [Append(f"swarm/{SWARM}", [scaled])] if previous != size else []

        await self._journal.decide(decide, actor=actor)
        return previous

    async def pause(self, name: str, *, reason: str = "", actor: str = "user") -> str:
        """Hold a waiting task back, or freeze an agent; a running task's agent is frozen.

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            agent_id = agent_of(state, name)
            if agent_id is None:
                task = task_of(state, name)
                require(task, TaskPaused)
                return [Append(f"task/{name}", [TaskPaused(reason=reason)], task.version)]
            agent = living_agent(state, agent_id, "paused")
            if agent.status in CANNOT_BE_PAUSED:
                raise IllegalMove(f"agent {agent_id}", agent.status, "paused")
            return [Append(f"agent/{agent_id}", [AgentPaused(reason=reason)])]

        async with self._journal.fleet:
            await self._journal.decide(decide, actor=actor)
        return name

    async def resume(self, name: str, *, actor: str = "user") -> str:
        """The opposite of `pause`.

        Raises:
            NotFound, IllegalMove
        """

        def decide(state: State) -> list[Append]:
            agent_id = agent_of(state, name)
            if agent_id is None:
                task = task_of(state, name)
                require(task, TaskResumed)
                return [Append(f"task/{name}", [TaskResumed()], task.version)]
            agent = living_agent(state, agent_id, "resumed")
            if agent.status != "paused":
                raise IllegalMove(f"agent {agent_id}", agent.status, "resumed")
            return [Append(f"agent/{agent_id}", [AgentResumed()])]

        await self._journal.decide(decide, actor=actor)
        return name

    def _spawned(self, fleet: Fleet, profile: str, agent_id: str, depth: int) -> list[Append]:
        spawned = replace(spawning(agent_id, profile, self._config(), service=True), depth=depth)
        events: list[Payload] = [spawned]
        if not spawned.command:
            events.append(AgentStatusChanged(previous="starting", current="idle", reason="ready"))
        leaving = fleet.take(profile, fleet.room(profile, self._config().profiles[profile]))
        appends = [Append(f"agent/{agent_id}", events, 0)]
        if leaving is not None:
            makes_room = AgentTerminated(reason=f"makes room for {agent_id}")
            appends.insert(0, Append(f"agent/{leaving.id}", [makes_room]))
        return appends

    async def _when_there_is_room(
        self, decide: Callable[[State], list[Append]], limit_s: float, *, actor: str, cause: int | None
    ) -> str:
        """Decide until it does not lack room any more, looking again whenever something happened."""
        deadline = asyncio.get_running_loop().time() + limit_s
        while True:
            grown = self._journal.log.tail.arm()
            try:
                async with self._journal.fleet:
                    stored = await self._journal.decide(decide, actor=actor, cause=cause)
            except NoCapacity as full:
                reason = str(full)
            else:
                return next(event.aggregate_id for event in stored if isinstance(event.payload, AgentSpawned))
            try:
                async with asyncio.timeout_at(deadline):
                    await grown.wait()
            except TimeoutError:
                raise NoCapacity(f"{reason}; none came free in {limit_s:g} s") from None
