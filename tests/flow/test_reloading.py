"""The configuration is changed while the fleet runs: real files, written as people and editors write them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes.stage import PATIENCE_S, Gate, history, payloads, printed, until, until_over, until_status

from core.config import CONFIG_NAME, Config
from core.engine import Engine
from core.errors import ConfigError
from core.events import BudgetSet, ConfigLoaded, ConfigRejected, Payload, StoredEvent, SwarmInitialized
from core.settings import Reading, Settings

GREETER = '[profiles.greeter]\ncommand = ["echo", "hello {prompt}"]\n'
WAITER = f"""
[profiles.waiter]
command = ["sh", "-c", '{Gate.WAIT}; echo "$1"', "sh", "{{prompt}}"]
"""


@pytest.fixture
def file(project: Path) -> Path:
    return project / CONFIG_NAME


@asynccontextmanager
async def running(project: Path, **call: object) -> AsyncIterator[Engine]:
    async with Engine.open(project, settings=Settings(project, **call), environment={"PATH": os.environ["PATH"]}) as it:
        yield it


async def next_news(engine: Engine, after: StoredEvent | None = None) -> StoredEvent:
    """The first event about the configuration that comes after that one."""
    position = 0 if after is None else after.position
    news = engine.journal.log.subscribe(after=position, types=[ConfigLoaded.type, ConfigRejected.type])
    async with asyncio.timeout(PATIENCE_S):
        return await anext(news)


async def loaded(engine: Engine, after: StoredEvent | None = None) -> StoredEvent:
    event = await next_news(engine, after)
    assert isinstance(event.payload, ConfigLoaded), event.payload
    return event


async def rejected(engine: Engine, after: StoredEvent | None = None) -> tuple[StoredEvent, ConfigRejected]:
    event = await next_news(engine, after)
    assert isinstance(event.payload, ConfigRejected), event.payload
    return event, event.payload


def replaced(file: Path, text: str) -> None:
    """As editors do it: another file takes its place."""
    beside = file.with_suffix(".toml~")
    beside.write_text(text)
    beside.rename(file)


# -- what a good change does ----------------------------------------------------------------------------------------


async def test_a_new_profile_can_be_used_at_once(project: Path, file: Path) -> None:
    async with running(project) as engine:
        file.write_text(GREETER)
        event = await loaded(engine)
        assert "greeter" in event.payload.profiles
        task_id = await engine.commands.enqueue("greet", prompt="world", profile="greeter")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == ["hello world"]


async def test_a_task_that_waits_for_its_profile_runs_when_there_is_one(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    async with running(project) as engine:
        start = await loaded(engine)
        await engine.commands.pause_session()
        task_id = await engine.commands.enqueue("greet", prompt="world", profile="greeter")
        replaced(file, "max_agents = 3\n")
        without = await loaded(engine, start)
        await engine.commands.resume_session()
        state = engine.journal.state
        assert engine.queries.why_waiting(state, state.tasks[task_id]) == "there is no profile 'greeter'"
        replaced(file, GREETER)
        await loaded(engine, without)
        await until_status(engine, "completed", task_id)


async def test_more_agents_are_started_as_soon_as_there_may_be_more(project: Path, file: Path, gate: Gate) -> None:
    file.write_text(f"max_agents = 1\n{WAITER}")
    async with running(project) as engine:
        start = await loaded(engine)
        tasks = [await engine.commands.enqueue(str(number), prompt="x", profile="waiter") for number in range(2)]
        await until(engine, lambda state: [state.tasks[one].status for one in tasks].count("running") == 1)
        replaced(file, f"max_agents = 2\n{WAITER}")
        await loaded(engine, start)
        await until_status(engine, "running", *tasks)
        assert engine.journal.state.swarm["main"].max_agents == 2
        gate.open(2)
        await until_status(engine, "completed", *tasks)
        assert [event.max_agents for event in await payloads(engine, SwarmInitialized)] == [1, 2]


async def test_what_runs_goes_on_although_its_profile_is_gone(project: Path, file: Path, gate: Gate) -> None:
    file.write_text(WAITER)
    async with running(project) as engine:
        start = await loaded(engine)
        task_id = await engine.commands.enqueue("wait", prompt="done", profile="waiter")
        await until_status(engine, "running", task_id)
        replaced(file, "")
        await loaded(engine, start)
        gate.open()
        await until_status(engine, "completed", task_id)
        await until(engine, lambda state: {agent.status for agent in state.agents.values()} == {"terminated"})


async def test_a_budget_holds_from_the_next_decision_on(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    async with running(project) as engine:
        start = await loaded(engine)
        replaced(file, f"[budget.session]\ntokens = 0\n{GREETER}")
        await loaded(engine, start)
        task_id = await engine.commands.enqueue("greet", prompt="world", profile="greeter")
        await until_status(engine, "queued", task_id)
        await until(engine, lambda state: engine.queries.why_waiting(state, state.tasks[task_id]))
        state = engine.journal.state
        assert "the budget of session S-1 is used up" in engine.queries.why_waiting(state, state.tasks[task_id])
        assert [event.limit for event in await payloads(engine, BudgetSet)] == [0]


async def test_what_the_call_demands_outlasts_every_change(project: Path, file: Path) -> None:
    async with running(project, max_agents=7) as engine:
        file.write_text("max_agents = 2\n")
        await loaded(engine)
        assert engine.config.max_agents == 7


# -- what a bad one does --------------------------------------------------------------------------------------------


async def test_a_bad_change_is_told_with_its_place_and_changes_nothing(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    async with running(project) as engine:
        start, before = await loaded(engine), engine.config
        replaced(file, f"{GREETER}maximum = 3\nmin = -1\n")
        event, what = await rejected(engine, start)
        assert (what.file, what.line) == (str(file), 3)
        assert what.message == (
            f"{file}:3: profiles.greeter.maximum: there is no such key (and 1 more: `cw config check` names all)"
        )
        assert engine.config is before
        replaced(file, f"{GREETER}max = 3\n")
        await loaded(engine, event)
        assert engine.config.profiles["greeter"].max == 3


async def test_a_mistake_that_is_taken_back_is_told_as_good_again(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    async with running(project) as engine:
        start = await loaded(engine)
        file.write_text("[")
        event, _ = await rejected(engine, start)
        file.write_text(GREETER)
        again = await loaded(engine, event)
        assert again.payload == start.payload


async def test_a_file_that_is_gone_changes_nothing_until_there_is_one_again(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    async with running(project) as engine:
        start = await loaded(engine)
        file.unlink()
        event, what = await rejected(engine, start)
        assert what.message == f"{file}: the file is gone"
        assert "greeter" in engine.config.profiles
        file.write_text(f"max_agents = 2\n{GREETER}")
        await loaded(engine, event)
        assert engine.config.max_agents == 2


async def test_a_start_with_a_bad_file_is_refused(project: Path, file: Path) -> None:
    file.write_text("max_agents = 0\n")
    with pytest.raises(ConfigError, match=r"codewalkers\.toml:1: max_agents"):
        async with running(project):
            raise AssertionError("it started")


# -- what is told ---------------------------------------------------------------------------------------------------


async def test_many_changes_in_a_row_end_with_the_last(project: Path, file: Path) -> None:
    async with running(project) as engine:
        for number in range(1, 30):
            replaced(file, f"max_agents = {number}\n")
        event = await loaded(engine)
        while engine.config.max_agents != 29:
            event = await loaded(engine, event)
        assert len(await payloads(engine, ConfigLoaded)) < 29


class Watched(Settings):
    """Says when it is read."""

    def __init__(self, project: Path) -> None:
        super().__init__(project)
        self.loop, self.read_again = asyncio.get_running_loop(), asyncio.Event()

    def read(self) -> Reading:
        reading = super().read()
        self.loop.call_soon_threadsafe(self.read_again.set)
        return reading


async def test_what_did_not_change_is_not_told(project: Path, file: Path) -> None:
    file.write_text(GREETER)
    settings = Watched(project)
    async with Engine.open(project, settings=settings) as engine, asyncio.timeout(PATIENCE_S):
        start = await loaded(engine)
        (project / "another.toml").write_text("max_agents = 9\n")
        for _ in range(2):
            settings.read_again.clear()
            replaced(file, GREETER)
            await settings.read_again.wait()
        replaced(file, "max_agents = 9\n")
        second = await loaded(engine, start)
        assert len(second.payload.profiles) == len(start.payload.profiles) - 1
    async with Engine.open(project) as engine:
        told = await history(engine, types=[ConfigLoaded.type, ConfigRejected.type])
    assert [event.position for event in told] == [start.position, second.position], "not at the next start either"


async def test_a_project_without_a_file_tells_nothing(project: Path) -> None:
    async with running(project) as engine:
        await until_over(engine, await engine.commands.enqueue("work", command="true"))
        kinds: list[type[Payload]] = [ConfigLoaded, ConfigRejected]
        assert [await payloads(engine, kind) for kind in kinds] == [[], []]


async def test_a_fixed_configuration_is_not_followed(project: Path, file: Path) -> None:
    file.write_text("max_agents = 9\n")
    async with Engine.open(project, config=Config(max_agents=2)) as engine:
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "follow the configuration"]
        assert await payloads(engine, ConfigLoaded) == []
