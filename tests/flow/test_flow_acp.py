"""Conversations with agents of the Agent Client Protocol: turns, messages, cancels, services, what they are given."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import psutil
import pytest
from fakes.acp_stage import acp, failure, prompted, said
from fakes.stage import PATIENCE_S, SteppedClock, history, opened, payloads, printed, until, until_over, until_printed

from core.agents.tools import ToolAccess
from core.config import Profile
from core.engine import Engine
from core.errors import IllegalMove, NotFound, UsageError
from core.events import (
    AgentFailed,
    AgentOutput,
    AgentStatusChanged,
    AgentStopped,
    ConversationOpened,
    CustomRecorded,
    ExecutionCompleted,
    MessageReceived,
    MessageSent,
    PlanUpdated,
    StepCompleted,
    StepFailed,
    StepStarted,
    UsageReported,
)

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "CANARY": "canary-7c1f0e"}


async def until_status(engine: Engine, status: str, agent_id: str = "agent-1") -> None:
    await until(engine, lambda state: agent_id in state.agents and state.agents[agent_id].status == status)


async def until_said(engine: Engine, text: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for event in engine.journal.log.subscribe(types=[MessageReceived.type]):
            if isinstance(event.payload, MessageReceived) and text in event.payload.text:
                return


# -- turns --------------------------------------------------------------------------------------------------------


async def test_a_task_is_a_turn_and_its_result_is_what_was_said_last(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "hello there")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        (ended,) = await payloads(engine, ExecutionCompleted)
        assert str(ended.output).strip() == "heard hello there"
        assert await payloads(engine, StepStarted) == [
            StepStarted(step_id="turn-1", step_type="turn", name="hello there")
        ]
        assert await payloads(engine, ConversationOpened, "agent/agent-1") == [ConversationOpened(conversation_id="s1")]
        assert await printed(engine, task_id, "text") == ["heard hello there"]
        assert (await payloads(engine, AgentStopped))[0].exit_code == 0


async def test_everything_an_agent_tells_is_recorded(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "plan")
        state = await until_over(engine, task_id)
        (plan,) = await payloads(engine, PlanUpdated)
        assert [(entry.content, entry.status) for entry in plan.entries] == [("one", "completed"), ("two", "pending")]
        (used,) = await payloads(engine, UsageReported)
        assert (used.context_used_tokens, used.context_size_tokens, used.cost_usd_micros) == (10, 100, 500_000)
        (mode,) = await payloads(engine, CustomRecorded)
        assert mode.fields == {"mode": "careful"}
        (thought,) = await payloads(engine, MessageReceived)
        assert (thought.kind, thought.text) == ("thought", "hm")
        assert await printed(engine, task_id, "thought") == ["hm"]
        assert state.tasks[task_id].cost_usd_micros == 500_000
        wire = await printed(engine, task_id, "wire-out")
        methods = [json.loads(line).get("method") for line in wire]
        assert methods == ["initialize", "session/new", "session/prompt"]


async def test_a_turn_the_agent_gives_up_is_no_success(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "give-up")
        await until_over(engine, task_id)
        assert "it gave the turn up" in await failure(engine, task_id)


async def test_a_task_with_a_command_of_its_own_is_a_command_whatever_the_profile(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await engine.commands.enqueue(command="echo plain; exit 3", profile="agent")
        await until_over(engine, task_id)
        assert await failure(engine, task_id) == "exit code 3: plain"


@pytest.mark.parametrize("prompt", ["wait", "deaf"])
async def test_a_cancelled_turn_is_over_whether_the_agent_agrees_or_not(project: Path, prompt: str) -> None:
    async with opened(project, agent=acp(conversation={"cancel_timeout": "300ms"})) as engine:
        task_id = await prompted(engine, prompt)
        await until_printed(engine, "waiting" if prompt == "wait" else "deaf")
        processes = psutil.Process().children(recursive=True)
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        (failed,) = await payloads(engine, StepFailed)
        assert (failed.step_id, failed.error) == (
            "turn-1", "cancelled" if prompt == "wait" else "it ended in the middle of its turn",
        )  # fmt: skip
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=PATIENCE_S)
        assert alive == []


async def test_an_agent_that_does_not_go_is_stopped(project: Path) -> None:
    async with opened(project, agent=acp({"stays": True}, conversation={"close_timeout": "200ms"})) as engine:
        task_id = await prompted(engine, "hello")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        (stopped,) = await payloads(engine, AgentStopped)
        assert stopped.signal is not None


# -- messages -----------------------------------------------------------------------------------------------------


async def test_a_message_to_a_task_is_its_next_turn(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask x")
        state = await until(engine, lambda state: state.permissions)
        assert await engine.commands.send(task_id, "one more") == "T-1.1"
        await engine.commands.send("agent-1", "and another", by="somebody")
        (asked,) = state.permissions
        await engine.commands.answer_permission(asked)
        await until_over(engine, task_id)
        assert await said(engine) == ["x: id-allow_once", "heard one more", "heard and another"]
        assert [sent.by for sent in await payloads(engine, MessageSent)] == ["user", "somebody"]
        assert [step.step_id for step in await payloads(engine, StepCompleted)] == ["turn-1", "turn-2", "turn-3"]
        (ended,) = await payloads(engine, ExecutionCompleted)
        assert str(ended.output).strip() == "heard and another"


async def test_a_message_after_a_failed_turn_is_not_delivered_and_says_so(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-kind x")
        state = await until(engine, lambda state: state.permissions)
        await engine.commands.send(task_id, "fail now")
        await engine.commands.send(task_id, "too late")
        (asked,) = state.permissions
        await engine.commands.answer_permission(asked)
        await until_over(engine, task_id)
        assert await failure(engine, task_id) == "its turn failed: now"
        late = (await history(engine, types=[MessageSent.type]))[-1].position
        lost = [step for step in await payloads(engine, StepFailed) if step.step_id == f"message-{late}"]
        assert [step.error for step in lost] == ["the message was not delivered: the agent had finished"]


async def test_nobody_is_told_anything_who_does_not_listen(project: Path) -> None:
    shell = Profile(command="sleep 1000")
    async with opened(project, agent=acp(), watcher=shell) as engine:
        done = await prompted(engine, "hello")
        await until_over(engine, done)
        service = await engine.commands.spawn("watcher")
        waiting = await engine.commands.enqueue(prompt="later", profile="agent", delay_ms=1_000_000)
        with pytest.raises(NotFound, match="no agent or task 'nobody'"):
            await engine.commands.send("nobody", "hello")
        with pytest.raises(IllegalMove, match="agent agent-1 is idle without a conversation and cannot be sent"):
            await engine.commands.send("agent-1", "hello")
        with pytest.raises(IllegalMove, match="task T-1 is completed and cannot be sent a message"):
            await engine.commands.send(done, "hello")
        with pytest.raises(IllegalMove, match="task T-2 is scheduled and cannot be sent a message"):
            await engine.commands.send(waiting, "hello")
        with pytest.raises(UsageError, match="takes no messages: its adapter is command"):
            await engine.commands.send(service, "hello")
        with pytest.raises(UsageError, match="needs some text"):
            await engine.commands.send("agent-1", "  ")


# -- services -----------------------------------------------------------------------------------------------------


async def test_a_spawned_agent_is_idle_between_the_turns_of_its_conversation(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until_status(engine, "idle")
        for text in ("first", "second"):
            await engine.commands.send(agent_id, text)
            await until_said(engine, f"heard {text}")
            await until_status(engine, "idle")
        changes = [(change.current, change.reason) for change in await payloads(engine, AgentStatusChanged)]
        assert changes == [("idle", ""), ("busy", "first"), ("idle", ""), ("busy", "second"), ("idle", "")]
        await engine.commands.send(agent_id, "fail badly")
        state = await until(engine, lambda state: "badly" in state.agents[agent_id].reason)
        assert state.agents[agent_id].reason in {"fail badly", "its turn failed: badly"}
        await until(engine, lambda state: state.agents[agent_id].reason == "its turn failed: badly")
        await engine.commands.send(agent_id, "third")
        await until_said(engine, "heard third")
        await engine.commands.stop_agent(agent_id)
        await until_status(engine, "terminated")
        (stopped,) = await payloads(engine, AgentStopped)
        assert stopped.exit_code == 0
        assert engine.journal.state.executions["agent-1.1"].status == "completed"


async def test_a_stop_in_the_middle_of_a_turn_cancels_it_first(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until_status(engine, "idle")
        await engine.commands.send(agent_id, "wait")
        await until_printed(engine, "waiting")
        await engine.commands.stop_agent(agent_id)
        await until_status(engine, "terminated")
        assert (await payloads(engine, StepFailed))[0].error == "cancelled"
        assert (await payloads(engine, AgentStopped))[0].exit_code == 0


async def test_a_spawned_agent_takes_no_task(project: Path) -> None:
    async with opened(project, agent=acp(max=1)) as engine:
        await engine.commands.spawn("agent")
        await until_status(engine, "idle")
        task_id = await prompted(engine, "hello")
        await until_over(engine, await engine.commands.enqueue(command="true"))
        assert engine.journal.state.tasks[task_id].status == "queued"


@pytest.mark.parametrize(
    ("able", "method"),
    [
        ({"sessionCapabilities": {"resume": {}}, "loadSession": True}, "session/resume"),
        ({"loadSession": True}, "session/load"),
        ({}, "session/new"),
        ({"loadSession": True, "forgets": True}, "session/new"),
    ],
)
async def test_an_agent_that_is_started_again_goes_on_with_its_conversation(
    project: Path, able: dict[str, object], method: str
) -> None:
    again = {"when": "on-failure", "backoff": 0, "max_backoff": 0}
    async with opened(project, agent=acp(able, restart=again)) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until_status(engine, "idle")
        await engine.commands.send(agent_id, "before")
        await until_said(engine, "heard before")
        await engine.commands.send(agent_id, "die")
        await until(engine, lambda state: state.agents[agent_id].attempt == 2)
        await until_status(engine, "idle")
        (failed,) = await payloads(engine, AgentFailed)
        assert failed.error == "it ended in the middle of its turn: exit code 7"
        await engine.commands.send(agent_id, "after")
        await until_said(engine, "heard after")
        assert await said(engine) == ["heard before", "heard after"]
        outputs = await history(engine, "agent/agent-1", types=["agent:output"])
        wire = [line for event in outputs if event.payload.channel == "wire-out" for line in event.payload.lines]
        asked = [json.loads(line)["method"] for line in wire]
        assert [one for one in asked if one in {"session/new", "session/load", "session/resume"}][1:][-1] == method


async def test_an_agent_that_leaves_between_its_turns_has_failed(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until_status(engine, "idle")
        await engine.commands.send(agent_id, "leave")
        await until_status(engine, "failed")
        (failed,) = await payloads(engine, AgentFailed)
        assert failed.error == "it ended the conversation: exit code 0"


async def test_an_agent_that_leaves_by_itself_has_failed(project: Path) -> None:
    leaver = Profile(adapter="acp", command=(sys.executable, "-c", "pass"))
    async with opened(project, agent=leaver) as engine:
        await engine.commands.spawn("agent")
        await until_status(engine, "failed")
        (failed,) = await payloads(engine, AgentFailed)
        assert failed.error == "it ended before a conversation was opened: exit code 0"


# -- what it is given ---------------------------------------------------------------------------------------------


async def test_nothing_is_offered_to_an_agent_so_that_it_uses_its_own_tools(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "hello")
        await until_over(engine, task_id)
        first = json.loads((await printed(engine, task_id, "wire-out"))[0])
        assert first["method"] == "initialize"
        assert first["params"]["protocolVersion"] == 1
        assert first["params"]["clientCapabilities"] == {}


# Newer agents have their modes among their options.
BY_MODE_OR_OPTION = pytest.mark.parametrize("able", ["modes", "options"])


@BY_MODE_OR_OPTION
async def test_the_mode_of_the_profile_is_set_before_anything_is_said(project: Path, able: str) -> None:
    async with opened(project, agent=acp({able: True}, conversation={"mode": "careful"})) as engine:
        await until_over(engine, await prompted(engine, "mode"))
        assert await said(engine) == ["careful"]


@BY_MODE_OR_OPTION
async def test_without_its_mode_nothing_is_said(project: Path, able: str) -> None:
    async with opened(project, agent=acp({able: True}, conversation={"mode": "wild"})) as engine:
        task_id = await prompted(engine, "mode")
        await until_over(engine, task_id)
        assert await failure(engine, task_id) == "it did not take the mode of its profile: no such mode"
        assert await said(engine) == []


SERVERS = {
    "files": {"command": ["files", "--all"], "env": {"KEY": "secret-of-files"}},
    "web": {"url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": "Bearer secret-of-web"}},
}


async def test_the_tool_servers_of_the_profile_are_handed_over_and_their_secrets_kept(project: Path) -> None:
    able = {"mcpCapabilities": {"http": True}}
    async with opened(project, agent=acp(able, conversation={"mcp_servers": SERVERS})) as engine:
        await until_over(engine, await prompted(engine, "hello"))
        given = json.loads((project / "servers").read_text())
        assert [server for server in given if server["name"] != "codewalkers"] == [
            {"name": "files", "command": "files", "args": ["--all"],
             "env": [{"name": "KEY", "value": "secret-of-files"}]},
            {"type": "http", "name": "web", "url": "http://127.0.0.1:1/mcp",
             "headers": [{"name": "Authorization", "value": "Bearer secret-of-web"}]},
        ]  # fmt: skip
        assert spilled(project, "secret-of-files", "secret-of-web") == []


async def test_a_tool_server_the_agent_cannot_reach_is_said_at_once(project: Path) -> None:
    async with opened(project, agent=acp(conversation={"mcp_servers": SERVERS})) as engine:
        task_id = await prompted(engine, "hello")
        await until_over(engine, task_id)
        assert await failure(engine, task_id) == "it cannot use the tool server 'web' of its profile, which has a url"


class OurTools:
    """Notes who is admitted."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.said: list[tuple[str, str]] = []

    def admit(self, agent_id: str, execution_id: str) -> ToolAccess:
        self.said.append((agent_id, execution_id))
        self.known.append("token-9f2c7d")
        return ToolAccess("http://127.0.0.1:2/mcp", "token-9f2c7d")

    def dismiss(self, token: str) -> None:
        self.known.remove(token)


@pytest.mark.parametrize("http", [True, False])
async def test_our_own_tools_are_offered_for_as_long_as_it_runs(project: Path, http: bool) -> None:
    tools = OurTools()
    async with opened(project, agent=acp({"mcpCapabilities": {"http": http}})) as engine:
        object.__setattr__(engine.supervisor._context, "tools", tools)
        await until_over(engine, await prompted(engine, "hello"))
        given = json.loads((project / "servers").read_text())
        assert [server["name"] for server in given] == (["codewalkers"] if http else [])
        assert tools.said == ([("agent-1", "T-1.1")] if http else [])
        assert tools.known == []
        assert spilled(project, "token-9f2c7d") == []


def spilled(project: Path, *secrets: str) -> list[str]:
    """Files of ours that have one of these in them, as raw bytes, while the log is open."""
    files = [path for path in (project / ".codewalkers").rglob("*") if path.is_file()]
    assert "events.db-wal" in {path.name for path in files}
    return [f"{secret} in {path.name}" for path in files for secret in secrets if secret.encode() in path.read_bytes()]


async def test_no_secret_reaches_the_disk_however_an_agent_says_it(project: Path) -> None:
    guarded = acp({"canary": "x"}, pass_env=["CANARY"])
    async with opened(project, environment=ENVIRONMENT, agent=guarded) as engine:
        task_id = await prompted(engine, "env CANARY")
        await until_over(engine, task_id)
        assert await printed(engine, task_id, "text") == ["[REDACTED:CANARY]", "[REDACTED:CANARY]"]
        assert spilled(project, ENVIRONMENT["CANARY"]) == []


# -- time ---------------------------------------------------------------------------------------------------------


async def test_deadlines_are_those_of_the_profile(project: Path) -> None:
    clock = SteppedClock()
    silent = Profile.model_validate({
        "adapter": "acp", "command": ["sleep", "1000"],
        "conversation": {"start_timeout": "17s", "close_timeout": "9s"},
    })  # fmt: skip
    async with opened(project, clock=clock, agent=silent) as engine:
        task_id = await prompted(engine, "hello")
        await clock.until_somebody_naps(17)
        clock.advance(17)
        await until_over(engine, task_id)
        assert await failure(engine, task_id) == "it did not answer to initialize within 17 s"


@pytest.mark.parametrize("able", [{"loadSession": True}, {"sessionCapabilities": {"resume": {}}}])
async def test_what_was_said_before_is_never_told_again_however_often_it_is_sent(
    project: Path, able: dict[str, object]
) -> None:
    again = {"when": "on-failure", "backoff": 0, "max_backoff": 0}
    async with opened(project, agent=acp(able, restart=again)) as engine:
        agent_id = await engine.commands.spawn("agent")
        for number in (1, 2, 3):
            await until_status(engine, "idle")
            await engine.commands.send(agent_id, f"word {number}")
            await until_said(engine, f"heard word {number}")
            await engine.commands.send(agent_id, "die")
            await until(engine, lambda state, number=number: state.agents[agent_id].attempt == number + 1)
        await until_status(engine, "idle")
        assert await said(engine) == [f"heard word {number}" for number in (1, 2, 3)]
        executions = [f"execution/agent-1.{number}" for number in (1, 2, 3, 4)]
        assert [await said(engine, execution) for execution in executions][3] == []
        spoken = await payloads(engine, AgentOutput)
        assert not any("again" in line for output in spoken if output.channel == "text" for line in output.lines)
