"""What all commands share: the journal they append to, and finding what they are about."""

from __future__ import annotations

from collections.abc import Callable

from core.config import Config
from core.errors import IllegalMove, NotFound
from core.journal import Journal
from core.projections import Agent, State, Task
from core.projections.moves import IN_FLIGHT


class CommandsBase:
    """Commands about one journal, under the configuration in force."""

    def __init__(self, journal: Journal, config: Callable[[], Config]) -> None:
        self._journal, self._config = journal, config


def task_of(state: State, task_id: str) -> Task:
    """The task of that id.

    Raises:
        NotFound
    """
    task = state.tasks.get(task_id)
    if task is None:
        raise NotFound("task", task_id)
    return task


def living_agent(state: State, agent_id: str, move: str) -> Agent:
    """The agent of that id; `move` is what somebody wants done with it.

    Raises:
        NotFound
        IllegalMove: it has left the fleet.
    """
    agent = state.agents.get(agent_id)
    if agent is None:
        raise NotFound("agent", agent_id)
    if agent.status == "terminated":
        raise IllegalMove(f"agent {agent_id}", "gone", move)
    return agent


def agent_of(state: State, name: str) -> str | None:
    """The agent that is meant: by its own name, or as the one that runs the named task."""
    if name in state.agents:
        return name
    task = state.tasks.get(name)
    return task.agent_id if task is not None and task.status in IN_FLIGHT else None
