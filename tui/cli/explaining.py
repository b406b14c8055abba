"""Commands that explain: why something happened, and what is different between two moments."""

from __future__ import annotations

from typing import Annotated

import typer

from core.engine import Desk
from core.errors import NotFound
from core.events import StoredEvent
from core.history.diff import StateDiff
from tui.changes import diff_lines
from tui.cli.desks import look
from tui.cli.lines import event_line
from tui.cli.names import any_named
from tui.cli.printing import event_fields, say, say_json, say_json_list
from tui.moments import place_of, position_of
from tui.widgets.spans import text_of

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(why)
    # A moment may be `-5m`, or `-1h`.
    app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})(diff)


def why(
    what: Annotated[str, typer.Argument(metavar="TASK|AGENT|POSITION")],
    json: Json = False,
) -> None:
    """Explain an event, or the latest of a task or an agent: its causes back to who began it, and what came of it."""

    async def explain(desk: Desk) -> tuple[list[StoredEvent], list[StoredEvent]]:
        position = await _position(what, desk)
        chain = await desk.queries.causes(position)
        if not chain:
            raise NotFound("event", what)
        return chain, await desk.queries.consequences(position)

    chain, consequences = look(explain)
    if json:
        fields = [event_fields(event) for event in chain]
        for itself in fields[:1]:
            itself["consequences"] = [event_fields(event) for event in consequences]
        say_json_list(fields)
        return
    for number, event in enumerate(reversed(chain)):
        mark = ">" if number == len(chain) - 1 else " "
        by = f"  (by {event.actor})" if not number else ""
        say(f"{mark} {event_line(event)}{by}")
    for event in consequences:
        say(f"  {event_line(event)}")


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A position, a time, a mark or an address.")],
    b: Annotated[str, typer.Argument(metavar="[B]", help="The same; now when it is left out.")] = "now",
    branch: Annotated[str, typer.Option("--branch", help="Of this branch, where no address says another.")] = "main",
    json: Json = False,
) -> None:
    """Show what is different at moment B from moment A: agents, tasks, memory, files, counts and cost."""

    async def compare(desk: Desk) -> StateDiff:
        now = desk.journal.clock.now()
        before = await place_of(a, desk.queries, now, branch=branch)
        return await desk.queries.compare(before, await place_of(b, desk.queries, now, branch=branch))

    found = look(compare)
    if json:
        say_json(found)
        return
    for line, _ in diff_lines(found):
        say(text_of(line).rstrip())


async def _position(what: str, desk: Desk) -> int:
    if what.isdigit():
        return await position_of(what, desk.queries, desk.journal.clock.now())
    state = desk.queries.state
    named = any_named(state, what)
    task = state.tasks.get(named)
    if task is not None:
        return task.last_position
    newest = await desk.queries.stream(f"agent/{named}", last=1)
    return newest[0].position if newest else 0
