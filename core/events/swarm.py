"""The swarm: the fleet as a whole."""

from __future__ import annotations

from typing import ClassVar

from core.events.envelope import Event


class SwarmInitialized(Event):
    """The fleet has its limits."""

    type: ClassVar[str] = "swarm:initialized"
    topology: str = ""
    min_agents: int = 0
    max_agents: int = 0


class SwarmScaled(Event):
    """The number of agents wanted changed."""

    type: ClassVar[str] = "swarm:scaled"
    previous: int = 0
    current: int
    reason: str = ""


class SwarmPhaseChanged(Event):
    """The fleet entered another phase of its work."""

    type: ClassVar[str] = "swarm:phase-changed"
    previous: str = ""
    current: str


class SwarmMilestoneReached(Event):
    """Something worth a flag on the timeline."""

    type: ClassVar[str] = "swarm:milestone-reached"
    name: str


class SwarmError(Event):
    """Something went wrong that belongs to no single agent or task."""

    type: ClassVar[str] = "swarm:error"
    error: str


class SwarmTerminated(Event):
    """The fleet was dissolved."""

    type: ClassVar[str] = "swarm:terminated"
    reason: str = ""
