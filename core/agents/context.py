"""What running agents need from the house around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.agents.tools import ToolServer
from core.config import Config, Profile
from core.crash import keep
from core.errors import LaunchFailed
from core.events import Append, Payload
from core.journal import Journal
from core.processes import Runner
from core.project import Project


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by everything in this room; `config` is asked anew each time, since it may be reloaded."""

    journal: Journal
    runner: Runner
    project: Path
    environment: Mapping[str, str]
    """Our own environment, of which profiles hand some on."""
    config: Callable[[], Config]
    tools: ToolServer | None = None
    """None: agents get no tools of ours."""

    def profile(self, name: str) -> Profile:
        """The profile of that name.

        Raises:
            LaunchFailed: the configuration no longer has it.
        """
        profile = self.config().profile(name)
        if profile is None:
            raise LaunchFailed(f"there is no profile {name!r} in the configuration any more")
        return profile


async def our_mistake(context: Context, error: Exception) -> str:
    """Keep what is to be mended, and say so: one agent's failure, though ours, must not end the fleet."""
    path = await asyncio.to_thread(keep, Project(context.project), error)
    return f"a mistake of ours, {type(error).__name__}: {path} says more"


def to_agent(agent_id: str, *events: Payload) -> Append:
    """Events for an agent's stream."""
    return Append(f"agent/{agent_id}", list(events))
