"""Real agents over the Agent Client Protocol: turns, permissions, cancels, messages, our tools; nothing is left."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest
from fakes.acp_stage import failure, prompted, said, until_asked
from fakes.stage import opened, payloads, until, until_over, until_printed
from live.installing import KEY, Agent
from live.waiting import until_made

from core.api.calls import SERVED
from core.config import Permissions, Profile
from core.engine import Engine
from core.events import (
    AgentStopped,
    CustomRecorded,
    PermissionDenied,
    PermissionGranted,
    StepFailed,
    TaskCreated,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def profile(agent: Agent) -> Profile:
    return agent.conversing()


async def call(engine: Engine) -> tuple[str, str]:
    """The one tool call: what it is called, and how it ended."""
    (started,) = await payloads(engine, ToolCallStarted)
    (completed,) = await payloads(engine, ToolCallCompleted)
    return started.tool_name, completed.outcome


async def test_a_turn(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        state = await until_over(engine, await prompted(engine, "say hello"))
        assert state.tasks["T-1"].status == "completed", state.tasks["T-1"].error
        assert await said(engine) == ["STUB: done."]
        assert any(used.scope == "turn" and used.input_tokens for used in await payloads(engine, UsageReported))
        assert (await payloads(engine, AgentStopped))[0].exit_code == 0
        spilled = [
            path for path in (project / ".codewalkers").rglob("*") if path.is_file() and KEY in path.read_text("latin1")
        ]
        assert spilled == []


@pytest.mark.parametrize("kind", ["allow_once", "deny"])
async def test_a_permission(project: Path, profile: Profile, kind: str) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "TOOL:touch made-by-it:END")
        (asked,) = await until_asked(engine)
        question = await engine.queries.question(asked.id)
        assert "touch made-by-it" in f"{question.permission.tool_name} {question.input}"
        assert not (project / "made-by-it").exists()
        await engine.commands.answer_permission(asked.id, kind=kind)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        assert (project / "made-by-it").exists() == (kind == "allow_once")
        assert (await call(engine))[1] == ("ok" if kind == "allow_once" else "denied")


async def test_a_permission_by_policy(project: Path, profile: Profile) -> None:
    def by(policy: str) -> Profile:
        return profile.model_copy(update={"permissions": Permissions.model_validate({"policy": policy})})

    async with opened(project, agent=by("allow"), strict=by("deny")) as engine:
        await until_over(engine, await prompted(engine, "TOOL:touch allowed:END"))
        await until_over(engine, await engine.commands.enqueue("x", prompt="TOOL:rm -f allowed:END", profile="strict"))
        assert (project / "allowed").exists()
        assert [one.by for one in await payloads(engine, PermissionGranted)] == ["policy"]
        assert [one.by for one in await payloads(engine, PermissionDenied)] == ["policy"]


async def test_a_cancel_in_the_middle_of_a_text(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "SLOW: go on")
        await until_printed(engine, "tick3")
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        assert (await payloads(engine, StepFailed))[0].error == "cancelled"
        assert (await payloads(engine, AgentStopped))[0].exit_code == 0
        assert (await said(engine))[0].startswith("tick0 tick1 tick2")


async def test_a_cancel_in_the_middle_of_a_tool(project: Path, profile: Profile) -> None:
    settings = profile.permissions.model_copy(update={"policy": "allow"})
    async with opened(project, agent=profile.model_copy(update={"permissions": settings})) as engine:
        task_id = await prompted(engine, "TOOL:touch begun; sleep 300:END")
        await until_made(project / "begun")
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        assert (await call(engine))[1] in {"abandoned", "ok", "error"}


async def test_a_cancel_while_it_asks(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "TOOL:touch never:END")
        await until_asked(engine)
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        assert (await call(engine))[1] == "denied"
        assert not (project / "never").exists()


async def test_several_turns_of_one_conversation(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until(engine, lambda state: state.agents[agent_id].status == "idle")
        for number in (1, 2, 3):
            await engine.commands.send(agent_id, f"hello {number}")
            await until(engine, lambda state, number=number: state.executions["agent-1.1"].messages == 2 * number)
            await until(engine, lambda state: state.agents[agent_id].status == "idle")
        await engine.commands.stop_agent(agent_id)
        await until(engine, lambda state: state.agents[agent_id].status == "terminated")
        assert await said(engine) == ["STUB: done."] * 3
        assert (await payloads(engine, AgentStopped))[0].exit_code == 0


async def test_it_goes_on_with_its_conversation_when_it_was_killed(project: Path, profile: Profile) -> None:
    again = {"when": "on-failure", "backoff": 0, "max_backoff": 0}
    profile = Profile.model_validate({**profile.model_dump(exclude_unset=True), "restart": again})
    async with opened(project, agent=profile) as engine:
        agent_id = await engine.commands.spawn("agent")
        state = await until(engine, lambda state: state.agents[agent_id].status == "idle")
        await engine.commands.send(agent_id, "remember this")
        await until(engine, lambda state: state.executions["agent-1.1"].messages == 2)
        first = state.agents[agent_id].conversation_id
        state = await until(engine, lambda state: state.agents[agent_id].status == "idle")
        psutil.Process(state.agents[agent_id].pid).kill()
        await until(engine, lambda state: state.agents[agent_id].attempt == 2)
        state = await until(engine, lambda state: state.agents[agent_id].status == "idle")
        if "gemini" not in profile.command[0]:  # which says that it has no such conversation: a new one then
            assert state.agents[agent_id].conversation_id == first
        assert await said(engine) == ["STUB: done."], "what was said before is not told again"
        await engine.commands.send(agent_id, "and now?")
        await until(engine, lambda state: state.executions["agent-1.2"].messages == 2)


async def test_our_own_tools(project: Path, profile: Profile) -> None:
    settings = profile.permissions.model_copy(update={"policy": "allow"})
    profile = profile.model_copy(update={"permissions": settings, "may_spawn": True})
    async with opened(project, agent=profile) as engine:
        prompt = 'MCP:enqueue_task:{"title":"from an agent","run":"true"}:END'
        task_id = await prompted(engine, prompt)
        state = await until_over(engine, task_id)
        created = await payloads(engine, TaskCreated)
        assert [task.title for task in created][1:] == ["from an agent"], os.linesep.join(await said(engine))
        assert state.executions[f"{task_id}.1"].tool_calls == 1
        (link,) = [custom for custom in await payloads(engine, CustomRecorded) if custom.event_type == SERVED]
        (started,) = await payloads(engine, ToolCallStarted)
        assert link.fields["tool_call_id"] in {"", started.tool_call_id}


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("goose", "it opened no conversation: .*Configuration value not found: GOOSE_PROVIDER"),
        (
            "gemini",
            "it needs to be logged in: Gemini API key is missing or not configured.; it offers: .*Gemini API key",
        ),
    ],
    indirect=["agent"],
)
async def test_one_that_has_no_key_says_so_in_a_sentence(
    project: Path, home: Path, agent: Agent, sentence: str
) -> None:
    without = agent._replace(environment={"HOME": str(home), "GOOSE_DISABLE_KEYRING": "1"})
    async with opened(project, agent=without.conversing()) as engine:
        task_id = await prompted(engine, "say hello")
        await until_over(engine, task_id)
        assert re.match(sentence, await failure(engine, task_id))
