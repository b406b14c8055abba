"""The command that searches everything ever recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from core.engine import Desk
from core.errors import UsageError
from core.events import StoredEvent
from core.events.said import around
from core.log.pages import PAGE_EVENTS
from tui.cli.desks import look
from tui.cli.printing import complain, event_fields, say_json_list, table
from tui.look import local
from tui.search import Query
from tui.telling import who
from tui.text import clock_time, count, label

NEWEST_SHOWN = 100
SNIPPET_CELLS = 160


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words, and terms as type:task, agent:sh-*.")],
    branch: Annotated[str, typer.Option("--branch", help="Of this branch.")] = "main",
    limit: Annotated[int, typer.Option("--limit", "-n", help="The newest so many; 0: all.")] = NEWEST_SHOWN,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search everything that was ever said, asked, printed or answered, oldest first.

    All of the words must occur, in any place, whichever part of a longer word they are; letters in either case. An
    argument in quotes is looked for as it is.
    """
    query = Query.of(words, " ".join(words))
    if limit < 0:
        raise UsageError("--limit: a number from 0 on")

    async def show(desk: Desk) -> None:
        hits = await _hits(desk, query, branch)
        shown = hits[-limit:] if limit else hits
        found = [
            event
            for first in range(0, len(shown), PAGE_EVENTS)
            for event in await desk.journal.log.reader.at(shown[first : first + PAGE_EVENTS])
        ]
        if json:
            say_json_list([_fields(event, query) for event in found])
            return
        if not hits:
            complain("nothing found")
            return
        rows = [
            [str(event.position), _time(event), who(event), event.type, _snippet(event, query, SNIPPET_CELLS)]
            for event in found
        ]
        table(["POSITION", "TIME", "WHO", "TYPE", "SAID"], rows, right=(0,))
        if len(shown) < len(hits):
            complain(f"the newest {count(len(shown))} of {count(len(hits))} hits; --limit 0 prints all")

    look(show)


async def _hits(desk: Desk, query: Query, branch: str) -> list[int]:
    head = await desk.journal.log.head(branch)
    pages = desk.timeline.matches(query.filter, up_to=head, branch=branch)
    return [position async for page in pages for position in page]


def _fields(event: StoredEvent, query: Query) -> dict[str, object]:
    told = event_fields(event)
    names = ("position", "branch", "stream", "type", "recorded_at", "actor")
    return {**{name: told[name] for name in names}, "snippet": around(event.payload, query.words)}


def _time(event: StoredEvent) -> str:
    return clock_time(local(event.recorded_us), "full")


def _snippet(event: StoredEvent, query: Query, cells: int) -> str:
    return label(around(event.payload, query.words), cells)
