"""What people type for a task or an agent: the id, in any case, or a task's bare number."""

from __future__ import annotations

from core.errors import NotFound
from core.projections import State


def task_named(state: State, text: str) -> str:
    """The task's id.

    Raises:
        NotFound
    """
    for candidate in (text, text.upper(), f"T-{text}"):
        if state.task_outcome(candidate) is not None:
            return candidate
    raise NotFound("task", text)


def agent_named(state: State, text: str) -> str:
    """The agent's id.

    Raises:
        NotFound
    """
    for candidate in (text, text.lower()):
        if candidate in state.agents:
            return candidate
    raise NotFound("agent", text)


def any_named(state: State, text: str) -> str:
    """The id of the agent or the task.

    Raises:
        NotFound
    """
    try:
        return agent_named(state, text)
    except NotFound:
        pass
    try:
        return task_named(state, text)
    except NotFound:
        raise NotFound("task or agent", text) from None


def request_named(state: State, text: str) -> str:
    """The permission request's id.

    Raises:
        NotFound
    """
    if text in state.permissions:
        return text
    folded = [request for request in state.permissions if request.casefold() == text.casefold()]
    if len(folded) != 1:
        raise NotFound("permission request", text)
    return folded[0]
