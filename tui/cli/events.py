"""Commands that read the log itself: events, log."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated

import typer

from core.durations import parse_ms
from core.engine import Desk
from core.errors import UsageError
from core.events import AgentOutput, StoredEvent
from core.projections import State
from tui.cli.desks import look
from tui.cli.lines import event_line
from tui.cli.names import agent_named, any_named, task_named
from tui.cli.printing import event_fields, say, say_json, say_json_list

NEWEST_SHOWN = 100

Json = Annotated[bool, typer.Option("--json", help="Print JSON; with --follow one object a line.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until interrupted.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (events, log):
        app.command()(command)


def events(
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only this type; task:* is allowed.")] = None,
    stream: Annotated[list[str] | None, typer.Option("--stream", help="Only this stream, such as task/T-1.")] = None,
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task's stream.")] = None,
    agent: Annotated[list[str] | None, typer.Option("--agent", help="Only this agent's stream.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Only of this session.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="5m", help="Only of the last so long.")] = None,
    after: Annotated[int | None, typer.Option("--after", help="Only after this position.")] = None,
    branch: Annotated[str, typer.Option("--branch", help="Of this branch.")] = "main",
    limit: Annotated[int, typer.Option("--limit", "-n", help="The newest so many; 0: all.")] = NEWEST_SHOWN,
    follow: Follow = False,
    json: Json = False,
) -> None:
    """List events, oldest first."""

    async def show(desk: Desk) -> None:
        state = desk.queries.state
        streams = [
            *(stream or ()),
            *(f"task/{task_named(state, name)}" for name in task or ()),
            *(f"agent/{agent_named(state, name)}" for name in agent or ()),
        ]
        wanted = _Wanted(branch, streams or None, type_, session, _since(since, desk))
        end = await _end(desk, branch)  # before reading: what comes meanwhile is followed
        found = await wanted.read(desk, after, limit)
        if json and not follow:
            say_json_list([event_fields(event) for event in found])
            return
        _print(found, json)
        if follow:
            async for event in wanted.follow(desk, found[-1].position if found else end):
                _print([event], json)

    look(show)


class _Wanted:
    """Which events are asked for."""

    def __init__(
        self, branch: str, streams: list[str] | None, types: list[str] | None, session: str | None,
        since: datetime | None,
    ) -> None:  # fmt: skip
        self._branch, self._streams, self._types = branch, streams, types
        self._session, self._since = session, since

    async def read(self, desk: Desk, after: int | None, limit: int) -> list[StoredEvent]:
        newest = after is None and limit > 0
        found = desk.journal.log.read(
            branch=self._branch, after=after or 0, streams=self._streams, types=self._types,
            session_id=self._session, since=self._since, limit=limit or None, backwards=newest,
        )  # fmt: skip
        events = [event async for event in found]
        return events[::-1] if newest else events

    def follow(self, desk: Desk, after: int) -> AsyncIterator[StoredEvent]:
        return desk.journal.log.subscribe(
            branch=self._branch, after=after, streams=self._streams, types=self._types,
            session_id=self._session, since=self._since,
        )  # fmt: skip


def _since(text: str | None, desk: Desk) -> datetime | None:
    if text is None:
        return None
    try:
        return desk.journal.clock.now() - timedelta(milliseconds=parse_ms(text))
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None


async def _end(desk: Desk, branch: str) -> int:
    return await desk.journal.log.head(branch)


def _print(found: list[StoredEvent], json: bool) -> None:
    for event in found:
        say_json(event_fields(event)) if json else say(event_line(event))
    sys.stdout.flush()  # whoever follows through a pipe wants it now


def log(
    name: Annotated[str, typer.Argument(metavar="TASK|AGENT")],
    attempt: Annotated[int | None, typer.Option("--attempt", help="Of this attempt only.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", help="The last so many; 0: all.")] = 0,
    raw: Annotated[bool, typer.Option("--raw", help="The records of its protocol as they came, instead.")] = False,
    follow: Follow = False,
    json: Json = False,
) -> None:
    """Print what a task or an agent printed and said."""

    async def show(desk: Desk) -> None:
        named = any_named(desk.queries.state, name)
        source = _Output(desk.queries.state, named, attempt, raw=raw)
        end = await _end(desk, "main")
        written = desk.journal.log.read(streams=source.streams, types=[AgentOutput.type], up_to=end)
        found = [event async for event in written]
        outputs = [event for event in found if source.has(event)]
        printed = [(event, line) for event in outputs for line in _lines_of(event)]
        _print_output(printed[-lines:] if lines else printed, json, follow)
        if follow:
            async for event in desk.journal.log.subscribe(after=end, types=[AgentOutput.type]):
                if source.has(event):
                    _print_output([(event, line) for line in _lines_of(event)], json, follow)

    look(show)


class _Output:
    """Whose output is asked for."""

    def __init__(self, state: State, name: str, attempt: int | None, *, raw: bool) -> None:
        task = state.tasks.get(name)
        self._raw = raw
        self._agent = name if task is None else None
        self._task = None if task is None else name
        self._execution = None if attempt is None else f"{name}.{attempt}"
        agents = {execution.agent_id for execution in state.executions.values() if execution.task_id == name}
        self.streams = [f"agent/{agent}" for agent in (agents if task is not None else [name])]

    def has(self, event: StoredEvent) -> bool:
        payload = event.payload
        if not isinstance(payload, AgentOutput) or payload.is_raw != self._raw:
            return False
        if self._execution is not None:
            return payload.execution_id == self._execution
        return event.aggregate_id == self._agent if self._task is None else payload.task_id == self._task


def _lines_of(event: StoredEvent) -> tuple[str, ...]:
    return event.payload.lines if isinstance(event.payload, AgentOutput) else ()


def _print_output(printed: list[tuple[StoredEvent, str]], json: bool, follow: bool) -> None:
    fields = [{"position": event.position, "stream": event.stream, "line": line} for event, line in printed]
    if json and not follow:
        say_json_list(fields)
    else:
        for field in fields:
            say_json(field) if json else say(str(field["line"]))
    sys.stdout.flush()
