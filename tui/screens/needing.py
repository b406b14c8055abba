"""What needs somebody: questions of agents first, since they run out, then agents and tasks that are stuck."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from core.projections import Permission, State
from tui.asking import Inbox
from tui.details import Selection
from tui.panels.agents import NEEDS_YOU as AGENT_NEEDS_YOU
from tui.panels.queue import NEEDS_YOU as TASK_NEEDS_YOU


class Stop(NamedTuple):
    """An agent with one of its questions, or an agent or task with none."""

    at: Selection
    asked: Permission | None = None


def stops(state: State, inbox: Inbox) -> list[Stop]:
    """All of them: what was asked first, then what came to it first."""
    asked = [Stop(Selection("agent", question.agent_id), question) for question in inbox.waiting(state)]
    asking = {stop.at.id for stop in asked}
    stuck = [
        (agent.status != "waiting-permission", agent.since_us, Selection("agent", agent.id))
        for agent in state.agents.values()
        if agent.status in AGENT_NEEDS_YOU and agent.id not in asking
    ]
    stuck += [
        (True, task.since_us, Selection("task", task.id))
        for task in state.tasks.values()
        if task.status in TASK_NEEDS_YOU
    ]
    return asked + [Stop(at) for *_, at in sorted(stuck, key=lambda found: found[:2])]


def beyond(stops: list[Stop], here: Stop, by: int, looked_at: Container[str]) -> Stop:
    """The stop after or before this one; a question nobody has looked at yet goes before everything."""
    new = next((stop for stop in stops if stop.asked is not None and stop.asked.id not in looked_at), None)
    if new is not None and by > 0:
        return new
    if here in stops:
        return stops[(stops.index(here) + by) % len(stops)]
    same = next((stop for stop in stops if stop.at == here.at), None)
    return same or stops[0 if by > 0 else -1]
