"""Commands that look at the state: tasks, agents, state, sessions, why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from core.engine import Desk
from core.events.envelope import to_us
from core.projections import Agent, Session, State, Task, in_order
from tui.cli.desks import look
from tui.cli.printing import escaped, local_time, say_json_list, table
from tui.moments import position_of
from tui.text import ago, count, duration, money

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
At = Annotated[str | None, typer.Option("--at", metavar="POSITION|TIME", help="Look at a past moment.")]
Branch = Annotated[str, typer.Option("--branch", help="Of this branch.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (tasks, agents, state, sessions):
        app.command()(command)


def tasks(
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help="Only with this status.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Only for this profile.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="Only with this label.")] = None,
    at: At = None,
    json: Json = False,
) -> None:
    """List the tasks, in the order they were created."""

    def wanted(task: Task) -> bool:
        return (
            (not status or task.status in status)
            and (profile is None or task.profile == profile)
            and (label is None or label in task.labels)
        )

    look(lambda desk: _tasks(desk, wanted, at, json))


async def _tasks(desk: Desk, wanted: Callable[[Task], bool], at: str | None, json: bool) -> None:
    state = await _state(desk, at)
    chosen = [task for task in in_order(state.tasks) if wanted(task)]
    if json:
        say_json_list(chosen)
        return
    now_us = _now_us(desk, state, at)
    rows = [
        [
            task.id, task.status, str(task.priority), _attempt(task), _age(task, now_us), task.agent_id or "",
            task.title, desk.queries.why_waiting(state, task) or task.error,
        ]
        for task in chosen
    ]  # fmt: skip
    table(["ID", "STATUS", "PRI", "TRY", "TIME", "AGENT", "TITLE", "WHY"], rows, right=(2, 3, 4))


def agents(
    at: At = None,
    json: Json = False,
    everybody: Annotated[bool, typer.Option("--all", help="Also those that left.")] = False,
) -> None:
    """List the agents, in the order they were spawned."""
    look(lambda desk: _agents(desk, at, json, everybody))


async def _agents(desk: Desk, at: str | None, json: bool, everybody: bool) -> None:
    state = await _state(desk, at)
    chosen = [agent for agent in in_order(state.agents) if everybody or agent.status != "terminated"]
    if json:
        say_json_list(chosen)
        return
    now_us = _now_us(desk, state, at)
    table(
        ["ID", "STATUS", "PROFILE", "TASK", "FOR", "DONE", "FAILED", "LINES", "COST", "DOING"],
        [_agent_row(agent, now_us) for agent in chosen],
        right=(4, 5, 6, 7, 8),
    )


def state(
    at: At = None,
    branch: Branch = "main",
    cold: Annotated[bool, typer.Option("--cold", help="Fold from the first event, without keyframes.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON is all it prints.", hidden=True)] = True,
) -> None:
    """Print the whole state as canonical JSON, now or at a past moment."""
    del json
    sys.stdout.write(escaped(look(lambda desk: _state_json(desk, at, branch, cold)).decode()) + "\n")


async def _state_json(desk: Desk, at: str | None, branch: str, cold: bool) -> bytes:
    head = await desk.journal.log.head(branch)
    position = head if at is None else await position_of(at, desk.queries, desk.journal.clock.now(), branch=branch)
    return (await desk.timeline.state_at(position, branch=branch, cold=cold)).to_json()


def sessions(json: Json = False) -> None:
    """List the runs of the orchestrator, oldest first."""

    async def list_all(desk: Desk) -> list[Session]:
        return in_order(desk.queries.state.sessions)

    found = look(list_all)
    if json:
        say_json_list(found)
        return
    rows = [
        [
            session.id, session.status, local_time(session.started_us), local_time(session.finished_us),
            str(session.pid), str(session.orphans), str(session.lost), str(session.requeued),
        ]
        for session in found
    ]  # fmt: skip
    table(["ID", "STATUS", "START", "END", "PID", "ORPHANS", "LOST", "REQUEUED"], rows, right=(4, 5, 6, 7))


async def _state(desk: Desk, at: str | None) -> State:
    if at is None:
        return desk.queries.state
    return await desk.timeline.state_at(await position_of(at, desk.queries, desk.journal.clock.now()))


def _now_us(desk: Desk, state: State, at: str | None) -> int:
    """Ages in the past are counted to the moment that is looked at."""
    return state.recorded_us if at is not None else to_us(desk.journal.clock.now())


def _attempt(task: Task) -> str:
    return f"{task.attempt}/{max(task.max_attempts, task.attempt)}" if task.attempt else ""


def _age(task: Task, now_us: int) -> str:
    if task.duration_ms is not None:
        return duration(task.duration_ms)
    return ago((now_us - task.since_us) / 1000)


def _agent_row(agent: Agent, now_us: int) -> list[str]:
    return [
        agent.id, agent.status, agent.profile, agent.task_id or "", ago((now_us - agent.since_us) / 1000),
        str(agent.completed), str(agent.failed), count(agent.output_lines, compact=True),
        money(agent.cost_usd_micros) if agent.cost_usd_micros else "", agent.reason,
    ]  # fmt: skip
