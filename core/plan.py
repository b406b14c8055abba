"""Plans: the tasks of a TOML file, checked before anything of them is enqueued.

    [[task]]
    id = "tests"                    # unique in the plan
    title = "Run the tests"
    run = "python -m pytest -q"     # a shell line; or `command = ["program", "argument"]`; or `prompt = "…"`
    profile = "shell"
    priority = 5                    # higher first
    depends_on = ["build"]
    max_attempts = 3
    timeout = "2m"
    delay = "5s"
    idempotent = true

Also `kind`, `labels` and `workspace`. Every problem is an error that names the line.
"""

from __future__ import annotations

import graphlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.config import Config
from core.durations import parse_ms
from core.errors import PlanError

Milliseconds = Annotated[int, BeforeValidator(parse_ms)]


class PlannedTask(BaseModel):
    """One `[[task]]` of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    title: str = ""
    run: str = ""
    command: Annotated[tuple[str, ...], Field(strict=False)] = ()
    prompt: str = ""
    profile: str = "shell"
    kind: str = ""
    priority: int = 0
    depends_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    max_attempts: int = Field(default=1, ge=1)
    timeout: Milliseconds | None = None
    delay: Milliseconds = 0
    idempotent: bool = False
    labels: Annotated[tuple[str, ...], Field(strict=False)] = ()
    workspace: str = ""


class Plan(BaseModel):
    """Tasks that may depend on each other, by the ids of the plan."""

    model_config = ConfigDict(frozen=True)

    tasks: tuple[PlannedTask, ...]

    @classmethod
    def of(cls, tasks: Sequence[Mapping[str, object]], *, source: str = "the plan", text: str = "") -> Plan:
        """The plan made of the given tables.

        Raises:
            PlanError: names what is wrong, and the line when `text` is the file's.
        """
        starts = _table_lines(text)
        checked: list[PlannedTask] = []
        for index, table in enumerate(tasks):
            start = starts[index] if index < len(starts) else 0
            try:
                checked.append(PlannedTask.model_validate(table))
            except ValidationError as error:
                raise PlanError(_sentence(source, text, start, table, error)) from error
        _check_work(source, starts, checked)
        _check_dependencies(source, text, starts, checked)
        return cls(tasks=tuple(checked))

    @classmethod
    def load(cls, path: Path) -> Plan:
        """The plan of a file.

        Raises:
            PlanError: the file cannot be read, is not TOML, or is not a plan; names the line.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"{path}: {error}") from error
        for key in tables:
            if key != "task":
                raise PlanError(
                    f"{path}:{_find(text, 0, key) or 1}: there is no key {key!r} in a plan; tasks are [[task]]"
                )
        tasks = tables.get("task", [])
        if not isinstance(tasks, list) or not tasks:
            raise PlanError(f"{path}: it has no [[task]]")
        return cls.of(tasks, source=str(path), text=text)  # pyright: ignore[reportUnknownArgumentType]  TOML

    def check_against(self, config: Config) -> None:
        """Look whether every task can be given to an agent.

        Raises:
            PlanError: a profile does not exist, or has no command to give a prompt to.
        """
        for task in self.tasks:
            config.check_work(task.title or task.id, task.profile, has_command=bool(task.run or task.command))


def _check_work(source: str, starts: list[int], tasks: list[PlannedTask]) -> None:
    for index, task in enumerate(tasks):
        given = [name for name in ("run", "command", "prompt") if getattr(task, name)]
        if len(given) != 1:
            what = "nothing to do" if not given else f"both {' and '.join(given)}"
            raise PlanError(
                f"{_at(source, starts, index)}: task {task.id!r} has {what}; give it run, command or prompt"
            )


def _check_dependencies(source: str, text: str, starts: list[int], tasks: list[PlannedTask]) -> None:
    seen: dict[str, int] = {}
    for index, task in enumerate(tasks):
        if task.id in seen:
            raise PlanError(f"{_at(source, starts, index)}: there are two tasks with the id {task.id!r}")
        seen[task.id] = index
    for index, task in enumerate(tasks):
        for needed in task.depends_on:
            if needed not in seen:
                line = _find(text, starts[index], "depends_on") if starts else None
                where = f"{source}:{line}" if line else _at(source, starts, index)
                raise PlanError(f"{where}: task {task.id!r} depends on {needed!r}, which is not in the plan")
    try:
        graphlib.TopologicalSorter({task.id: task.depends_on for task in tasks}).prepare()
    except graphlib.CycleError as error:
        # graphlib names the cycle from what is needed to what needs it.
        path = " → ".join(reversed(error.args[1]))
        first = seen[error.args[1][0]]
        line = _find(text, starts[first], "depends_on") if starts else None
        where = f"{source}:{line}" if line else _at(source, starts, first)
        raise PlanError(f"{where}: the tasks depend on each other in a circle: {path}") from None


def _sentence(source: str, text: str, start: int, table: Mapping[str, object], error: ValidationError) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    line = _find(text, start, key) or start
    where = f"{source}:{line}" if line else source
    name = table.get("id")
    task = f"task {name!r}" if isinstance(name, str) else "a task"
    if first["type"] == "extra_forbidden":
        return f"{where}: {task} has an unknown key {key!r}"
    if first["type"] == "missing":
        return f"{where}: {task} has no {key}"
    return f"{where}: {key} of {task}: {first['msg'].removeprefix('Value error, ')}"


def _at(source: str, starts: list[int], index: int) -> str:
    return f"{source}:{starts[index]}" if index < len(starts) else source


def _table_lines(text: str) -> list[int]:
    """The line numbers of `[[task]]`, outside of multi-line strings."""
    lines: list[int] = []
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not quote and line.strip().startswith("[[task]]"):
            lines.append(number)
        for mark in ('"""', "'''"):
            if quote in {"", mark} and line.count(mark) % 2:
                quote = "" if quote else mark
    return lines


def _find(text: str, start: int, key: str) -> int | None:
    """The first line from `start` on that sets `key`, before the next table."""
    for number, line in enumerate(text.splitlines(), 1):
        if number < start:
            continue
        stripped = line.strip()
        if number > start > 0 and stripped.startswith("[["):
            return None
        if stripped.partition("=")[0].strip(" \"'[]") == key:
            return number
    return None
