"""Profiles of agents that speak the Agent Client Protocol, and what became of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fakes.stage import payloads, until

from core.config import Profile
from core.engine import Engine
from core.events import MessageReceived, TaskFailed
from core.projections import Permission

AGENT = str(Path(__file__).parent / "acp_agent.py")


def acp(able: dict[str, object] | None = None, **settings: object) -> Profile:
    """A profile of an agent that does what its prompt says."""
    command = (sys.executable, AGENT, json.dumps(able or {}))
    return Profile.model_validate({"adapter": "acp", "command": command, **settings})


async def prompted(engine: Engine, prompt: str, **task: object) -> str:
    """A task for that agent."""
    return await engine.commands.enqueue(prompt, prompt=prompt, profile="agent", **task)


async def until_asked(engine: Engine, count: int = 1) -> list[Permission]:
    """The requests that wait, as soon as there are so many."""
    state = await until(
        engine, lambda state: sum(one.status == "pending" for one in state.permissions.values()) >= count
    )
    return sorted((one for one in state.permissions.values() if one.status == "pending"), key=lambda one: one.position)


async def said(engine: Engine, *streams: str) -> list[str]:
    """What the agent said, whole messages."""
    return [message.text.strip() for message in await payloads(engine, MessageReceived, *streams)]


async def failure(engine: Engine, task_id: str) -> str:
    """The sentence a task failed with."""
    (failed,) = await payloads(engine, TaskFailed, f"task/{task_id}")
    return failed.error
