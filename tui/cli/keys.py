"""`cw keys`: what every key of the dashboard does, as the project's configuration has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from core.settings import load_config
from tui.bindings import Action, Group, Registry, key_names
from tui.cli.invocation import current
from tui.cli.printing import say, say_json, table
from tui.cli.tending import Json

Markdown = Annotated[bool, typer.Option("--markdown", help="Print the tables of the README.")]
TITLES: dict[Group, str] = {"Do": "Do", "Time": "Travel in time", "Go": "Move", "Show": "Show"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(keys)


def keys(json: Json = False, markdown: Markdown = False) -> None:
    """List the keys of the dashboard, and the names to rebind them by."""
    registry = Registry(load_config(current.project.root).keys)
    if json:
        say_json([{"action": action.id, "keys": action.keys, "help": action.help} for action in registry.actions])
    elif markdown:
        say_lines(as_markdown(registry.actions))
    else:
        rows = [[written(action), action.id, action.help] for action in registry.actions]
        table(["KEY", "ACTION", "DOES"], rows)


def say_lines(lines: Iterable[str]) -> None:
    """Each on a line of its own."""
    for line in lines:
        say(line)


def written(action: Action) -> str:
    """The keys as the footer shows them."""
    return " ".join(key_names(action.keys))


def as_markdown(actions: Iterable[Action]) -> Iterator[str]:
    """One table for each group of actions."""
    actions = tuple(actions)
    for group, title in TITLES.items():
        yield from ("", f"| {title} | |", "|---|---|")
        for action in actions:
            if action.group == group:
                keys = " ".join(f"`{name}`" for name in key_names(action.keys)).replace("|", "\\|")
                yield f"| {keys} | {action.help} |"
