"""The command that looks at the configuration: what is in force, from where, and what is wrong."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import typer

from core.agents.redaction import Redactor
from core.errors import ConfigError, Mistake
from core.settings import Reading, Setting, Settings
from tui.bindings import Registry
from tui.cli.invocation import current
from tui.cli.printing import as_json, complain, say, say_json, say_json_list, table

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
What = Annotated[Literal["show", "check"], typer.Argument(help="What is in force, or what is wrong.")]
Everything = Annotated[bool, typer.Option("--all", help="Also what goes without saying.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(config)


def config(what: What = "show", everything: Everything = False, json: Json = False) -> None:
    """Show the configuration in force and where each value comes from, or check it and name all that is wrong."""
    settings = Settings(current.project.root)
    if what == "check":
        raise typer.Exit(_check(settings, json=json))
    _show(settings.read(), everything=everything, json=json)


def _show(reading: Reading, *, everything: bool, json: bool) -> None:
    shown = [one for one in reading.settings() if everything or json or not _goes_without_saying(one)]
    if json:
        say_json_list(
            {"key": one.key, "value": msgspec.Raw(_clean(one.value).encode()), "from": one.origin} for one in shown
        )
        return
    table(["KEY", "FROM", "VALUE"], [[one.key, one.origin, _written(one.value)] for one in shown])
    if not everything:
        say("What is built in and what profiles leave at its default is not shown; --all shows it too.")


def _goes_without_saying(setting: Setting) -> bool:
    return setting.key.startswith("profiles.") and setting.origin in {"default", "built in"}


def _written(value: object) -> str:
    return "none" if value is None else _clean(value)


def _clean(value: object) -> str:
    """As JSON, without what looks like a secret wherever it is written."""
    return Redactor().text(as_json(value))


def _check(settings: Settings, *, json: bool) -> int:
    found = mistakes(settings)
    if json:
        say_json({
            "file": str(settings.file),
            "mistakes": [{"file": one.file, "line": one.line, "key": one.key, "message": one.what} for one in found],
        })  # fmt: skip
    elif found:
        for mistake in found:
            complain(str(mistake))
    else:
        say(
            f"{settings.file}: nothing is wrong"
            if settings.file.exists()
            else "there is no codewalkers.toml, and none is needed"
        )
    return 2 if found else 0


def mistakes(settings: Settings) -> list[Mistake]:
    """Everything that is wrong, keys of the dashboard included."""
    try:
        reading = settings.read()
    except ConfigError as error:
        return list(error.mistakes)
    try:
        Registry(reading.config.keys)
    except ConfigError as error:
        return [reading.located(mistake) for mistake in error.mistakes]
    return []
