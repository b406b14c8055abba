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
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from core.config import Config, plain
from core.durations import parse_ms
from core.errors import PlanError
from core.toml_places import Places

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
    priority: int = Field(default=0, ge=-1_000_000_000, le=1_000_000_000)
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
    _places: Places = PrivateAttr(default_factory=lambda: Places("the plan"))

    @classmethod
    def of(cls, tasks: Sequence[Mapping[str, object]], *, source: str = "the plan", text: str = "") -> Plan:
        """The plan made of the given tables.

        Raises:
            PlanError: names what is wrong, and the line when `text` is the file's.
        """
        places = Places(source, text)
        checked: list[PlannedTask] = []
        for index, table in enumerate(tasks):
            try:
                checked.append(PlannedTask.model_validate(table))
            except ValidationError as error:
                raise PlanError(_sentence(places, index, table, error)) from error
        _check_work(places, checked)
        _check_dependencies(places, checked)
        plan = cls(tasks=tuple(checked))
        plan._places = places
        return plan

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
        places = Places(str(path), text)
        for key in tables:
            if key != "task":
                raise PlanError(f"{places.name([key])}: there is no key {key!r} in a plan; tasks are [[task]]")
        tasks = tables.get("task", [])
        if not isinstance(tasks, list):
            raise PlanError(f"{places.name(['task'])}: a task is written [[task]], with two brackets")
        if not tasks:
            raise PlanError(f"{path}: it has no [[task]]")
        return cls.of(tasks, source=str(path), text=text)  # pyright: ignore[reportUnknownArgumentType]  TOML

    def check_against(self, config: Config) -> None:
        """Look whether every task can be given to an agent.

        Raises:
            PlanError: a profile does not exist, or has no command to give a prompt to.
        """
        for index, task in enumerate(self.tasks):
            try:
                config.check_work(task.title or task.id, task.profile, has_command=bool(task.run or task.command))
            except PlanError as error:
                raise PlanError(f"{self._places.name(['task', index, 'profile'])}: {error}") from error


def _check_work(places: Places, tasks: list[PlannedTask]) -> None:
    for index, task in enumerate(tasks):
        given = [name for name in ("run", "command", "prompt") if getattr(task, name)]
        if len(given) != 1:
            what = "nothing to do" if not given else f"both {' and '.join(given)}"
            where = places.name(["task", index])
            raise PlanError(f"{where}: task {task.id!r} has {what}; give it run, command or prompt")


def _check_dependencies(places: Places, tasks: list[PlannedTask]) -> None:
    seen: dict[str, int] = {}
    for index, task in enumerate(tasks):
        if task.id in seen:
            where = places.name(["task", index])
            raise PlanError(f"{where}: there are two tasks with the id {task.id!r}; an id is unique in its plan")
        seen[task.id] = index
    for index, task in enumerate(tasks):
        for needed in task.depends_on:
            if needed not in seen:
                where = places.name(["task", index, "depends_on"])
                raise PlanError(f"{where}: task {task.id!r} depends on {needed!r}, which is not in the plan")
    try:
        graphlib.TopologicalSorter({task.id: task.depends_on for task in tasks}).prepare()
    except graphlib.CycleError as error:
        # graphlib names the cycle from what is needed to what needs it.
        path = " → ".join(reversed(error.args[1]))
        where = places.name(["task", seen[error.args[1][0]], "depends_on"])
        raise PlanError(f"{where}: the tasks depend on each other in a circle: {path}") from None


def _sentence(places: Places, index: int, table: object, error: ValidationError) -> str:
    first = error.errors()[0]
    where = places.name(["task", index, *first["loc"]])
    if not isinstance(table, Mapping):
        return f"{where}: a task is a table, written [[task]]"
    key = str(first["loc"][0]) if first["loc"] else ""
    name = cast("Mapping[str, object]", table).get("id")
    task = f"task {name!r}" if isinstance(name, str) else "a task"
    if first["type"] == "extra_forbidden":
        known = ", ".join(PlannedTask.model_fields)
        return f"{where}: {task} has an unknown key {key!r}; there are {known}"
    if first["type"] == "missing":
        return f"{where}: {task} has no {key}"
    return f"{where}: {key} of {task}: {plain(first)}"
