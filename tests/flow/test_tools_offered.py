"""Our tools in the hands of real processes: how they are told of them, and what is left of it when they end."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from fakes.acp_stage import acp
from fakes.calling import calling, raw
from fakes.stage import PATIENCE_S, history, opened, payloads, printed, until_over
from pydantic import ValidationError

from core.agents.tools import ToolAccess
from core.config import Profile
from core.engine import Engine
from core.events import AgentStarted, CustomRecorded, TaskCreated, ToolCallCompleted, ToolCallStarted

USES_TOOLS = str(Path(__file__).parents[1] / "fakes" / "uses_tools.py")
GREET = json.dumps({"title": "greet", "prompt": "hello", "profile": "cat"})
CAT = Profile(command=("cat",))


def using(*options: str, adapter: str = "command", **settings: object) -> Profile:
    command = (sys.executable, USES_TOOLS, *options, "enqueue_task", GREET)
    return Profile.model_validate({"adapter": adapter, "command": command, "tools": True, **settings})


async def _worked(engine: Engine) -> tuple[str, str]:
    """The agent's task and the one that it enqueued, once both are completed."""
    mine = await engine.commands.enqueue("work", prompt="go", profile="agent")
    await until_over(engine, mine)
    created = (await history(engine, types=[TaskCreated.type]))[-1]
    state = await until_over(engine, created.aggregate_id)
    assert [state.tasks[task_id].status for task_id in (mine, created.aggregate_id)] == ["completed"] * 2
    assert created.actor == "agent:agent-1"
    assert state.tasks[created.aggregate_id].depth == 1
    return mine, created.aggregate_id


async def test_a_plain_program_finds_our_tools_in_its_environment(project: Path) -> None:
    async with opened(project, agent=using(), cat=CAT) as engine:
        mine, greeting = await _worked(engine)
        said = await printed(engine, mine)
        assert said[0] == "my token is [REDACTED:CW_TOOLS_TOKEN]"
        assert json.loads(said[1])["task_id"] == greeting
        assert await printed(engine, greeting) == ["hello"]
        (started,) = await payloads(engine, ToolCallStarted)
        (completed,) = await payloads(engine, ToolCallCompleted)
        assert (started.tool_name, completed.outcome) == ("enqueue_task", "ok")
        (created,) = await history(engine, f"task/{greeting}", types=[TaskCreated.type])
        why = [event.type for event in await engine.queries.causes(created.position)]
        assert why[:3] == ["task:created", "tool-call:started", "task:claimed"]


async def test_the_address_of_our_tools_can_be_an_argument(project: Path) -> None:
    profile = using("--url", "{tools_url}")
    async with opened(project, agent=profile, cat=CAT) as engine:
        await _worked(engine)


async def test_a_shell_task_finds_them_too_and_its_words_stay_as_they_are(project: Path) -> None:
    async with opened(project, agent=using(), cat=CAT) as engine:
        command = f"echo '{{tools_url}}'; {sys.executable} {USES_TOOLS} enqueue_task '{GREET}'"
        mine = await engine.commands.enqueue("work", command=command, profile="agent")
        state = await until_over(engine, mine)
        assert state.tasks[mine].status == "completed"
        assert (await printed(engine, mine))[0] == "{tools_url}"


async def test_an_agent_that_prints_json_reports_its_call_and_it_counts_once(project: Path) -> None:
    async with opened(project, agent=using("--codex", adapter="jsonl:codex"), cat=CAT) as engine:
        mine, _ = await _worked(engine)
        state = engine.journal.state
        assert state.executions[f"{mine}.1"].tool_calls == 1
        (started,) = await payloads(engine, ToolCallStarted)
        links = [custom for custom in await payloads(engine, CustomRecorded) if custom.event_type == "tool:served"]
        assert len(links) == 1
        assert links[0].fields["tool_call_id"] in {"", started.tool_call_id}


async def test_an_agent_of_the_agent_client_protocol_uses_them_by_itself(project: Path) -> None:
    async with opened(project, agent=acp({"mcpCapabilities": {"http": True}}), cat=CAT) as engine:
        mine = await engine.commands.enqueue("work", prompt=f"use enqueue_task {GREET}", profile="agent")
        await until_over(engine, mine)
        created = (await history(engine, types=[TaskCreated.type]))[-1]
        state = await until_over(engine, created.aggregate_id)
        assert state.tasks[created.aggregate_id].status == "completed"
        assert created.actor == "agent:agent-1"
        assert state.executions[f"{mine}.1"].tool_calls == 1
        assert len([one for one in await payloads(engine, CustomRecorded) if one.event_type == "tool:served"]) == 1


async def test_a_program_is_started_when_our_tools_are_served_because_some_do_not_wait_for_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, served = asyncio.Event(), asyncio.Event()

    async def until_served() -> None:
        waited.set()
        await served.wait()

    async with opened(project, agent=using(), cat=CAT) as engine:
        monkeypatch.setattr(engine.tools, "until_served", until_served)
        mine = await engine.commands.enqueue("work", prompt="go", profile="agent")
        async with asyncio.timeout(PATIENCE_S):
            await waited.wait()
        now = await engine.journal.log.head()
        served.set()
        await until_over(engine, mine)
        started = await history(engine, types=[AgentStarted.type])
        assert started[0].position > now


async def test_a_profile_that_is_not_given_them_has_none(project: Path) -> None:
    async with opened(project, agent=using(tools=False)) as engine:
        mine = await engine.commands.enqueue("work", prompt="go", profile="agent")
        await until_over(engine, mine)
        assert await printed(engine, mine) == ["no tools"]


async def test_a_token_is_worth_nothing_once_its_process_is_gone(project: Path) -> None:
    leaks = 'echo "$CW_TOOLS_URL" > url; echo "$CW_TOOLS_TOKEN" > token'
    async with opened(project, agent=using()) as engine:
        mine = await engine.commands.enqueue("work", command=leaks, profile="agent")
        await until_over(engine, mine)
        access = ToolAccess((project / "url").read_text().strip(), (project / "token").read_text().strip())
        status, _, _ = await raw(access, body=calling("list_tasks"))
        assert status == 401


def test_an_address_that_nobody_is_given_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ValidationError, match="tools = true"):
        using("--url", "{tools_url}", tools=False)
