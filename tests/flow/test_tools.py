"""Our tools as agents use them, over HTTP, with a real engine behind."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from fakes.calling import asked, at_work, calling, connected, reporting
from fakes.stage import SteppedClock, history, opened, payloads, until, until_over

from core.config import Config, Profile, Tools
from core.engine import Engine
from core.events import (
    AgentSpawned,
    ArtifactStored,
    CustomRecorded,
    GoalEvaluated,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    TaskCreated,
    ToolCallCompleted,
    ToolCallStarted,
)
from core.projections import State

KEY = "sk-ant-api03-0123456789abcdefghijklmnop"
PASSWORD = "correct horse battery"

ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
FREE = {"trusted": Profile(command=("cat",), may_spawn=True)}


def _asks(state: State) -> str | None:
    """The question that waits for an answer."""
    return next((permission.id for permission in state.permissions.values() if permission.status == "pending"), None)


async def _answer(engine: Engine, kind: str) -> None:
    request = _asks(await until(engine, _asks))
    assert request is not None
    await engine.commands.answer_permission(request, kind=kind)


# -- work handed on -----------------------------------------------------------------------------------------------


@ERAS
async def test_an_agent_enqueues_a_task_and_the_fleet_does_it(project: Path, mode: str) -> None:
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        answer = await agent.call("enqueue_task", mode, title="greet", prompt="hello")
        assert answer["title"] == "greet"
        state = await until_over(engine, answer["task_id"])
        task = state.tasks[answer["task_id"]]
        assert (task.status, task.profile, task.depth) == ("completed", "trusted", 1)


async def test_a_title_alone_is_what_the_agent_shall_do(project: Path) -> None:
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        answer = await agent.call("enqueue_task", title="tidy up")
        (_, created) = await payloads(engine, TaskCreated)
        assert (created.prompt, created.profile) == ("tidy up", "trusted")
        assert answer["status"] == "queued" or await until_over(engine, answer["task_id"])


async def test_everything_asked_of_a_task_reaches_it(project: Path) -> None:
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        await agent.call(
            "enqueue_task", title="later", run="true", priority=7, depends_on=[agent.task_id], max_attempts=3,
            delay="5m", timeout="90s",
        )  # fmt: skip
        created = (await payloads(engine, TaskCreated))[-1]
        assert (created.command, created.profile, created.priority) == ("true", "shell", 7)
        assert (created.depends_on, created.max_attempts) == ((agent.task_id,), 3)
        assert created.timeout_ms == 90_000
        assert created.run_at is not None


async def test_what_an_agent_makes_carries_its_name_and_follows_from_its_call(project: Path) -> None:
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        answer = await agent.call("enqueue_task", title="greet")
        (created,) = await history(engine, f"task/{answer['task_id']}", types=[TaskCreated.type])
        assert created.actor == f"agent:{agent.id}"
        why = [event.type for event in await engine.queries.causes(created.position)]
        assert why[:3] == ["task:created", "tool-call:started", "task:claimed"]


# -- whose record a call is ---------------------------------------------------------------------------------------


async def test_the_calls_of_a_plain_command_are_recorded_as_its_tool_calls(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        await agent.call("list_tasks", status="running")
        await agent.fails("enqueue_task", title="")
        started = await payloads(engine, ToolCallStarted)
        completed = await payloads(engine, ToolCallCompleted)
        assert [call.tool_name for call in started] == ["list_tasks", "enqueue_task"]
        assert [call.tool_call_id for call in started] == [call.tool_call_id for call in completed]
        assert [call.outcome for call in completed] == ["ok", "error"]
        assert started[0].input == {"status": "running"}
        assert engine.journal.state.executions[agent.execution_id].tool_calls == 2


@pytest.mark.parametrize("name", ["enqueue_task", "cw__enqueue_task", "mcp.cw.enqueue_task", "cw: enqueue task",
                                  "enqueue_task (cw MCP Server)"])  # fmt: skip
async def test_a_call_that_the_agent_reports_is_linked_and_not_counted_twice(project: Path, name: str) -> None:
    async with opened(project, **FREE) as engine:
        agent = await reporting(engine, profile="trusted")
        await agent.tells(ToolCallStarted(tool_call_id="shell", tool_name="bash"))
        mine = await agent.tells(ToolCallStarted(tool_call_id="mine", tool_name=name))
        await agent.tells(ToolCallStarted(tool_call_id="search", tool_name="grep"))
        answer = await agent.call("enqueue_task", title="greet")
        (link,) = await payloads(engine, CustomRecorded)
        assert link.event_type == "tool:served"
        assert (link.fields["tool"], link.fields["tool_call_id"]) == ("enqueue_task", "mine")
        assert link.fields["outcome"] == "ok"
        (created,) = await history(engine, f"task/{answer['task_id']}", types=[TaskCreated.type])
        assert created.causation_id == mine
        assert engine.journal.state.executions[agent.execution_id].tool_calls == 3


async def test_a_call_that_no_report_names_follows_from_the_newest_that_is_open(project: Path) -> None:
    async with opened(project) as engine:
        agent = await reporting(engine)
        await agent.tells(ToolCallStarted(tool_call_id="old", tool_name="bash"))
        newest = await agent.tells(ToolCallStarted(tool_call_id="new", tool_name="python"))
        over = ToolCallStarted(tool_call_id="over", tool_name="grep")
        await agent.tells(over, ToolCallCompleted(tool_call_id="over"))
        await agent.call("report_goal", goal="all green", status="met")
        (goal,) = await history(engine, types=[GoalEvaluated.type])
        assert goal.causation_id == newest


async def test_a_call_that_comes_before_its_report_follows_from_the_claim(project: Path) -> None:
    async with opened(project) as engine:
        worker = await at_work(engine)
        agent = await reporting(engine, task_id=worker.task_id)
        await agent.call("report_goal", goal="all green", status="met")
        (goal,) = await history(engine, types=[GoalEvaluated.type])
        assert goal.causation_id is not None
        cause = await engine.queries.event(goal.causation_id)
        assert cause is not None
        assert (cause.type, cause.aggregate_id) == ("task:claimed", worker.task_id)
        (link,) = await payloads(engine, CustomRecorded)
        assert link.fields["tool_call_id"] == ""
        assert engine.journal.state.executions[agent.execution_id].tool_calls == 0


# -- what goes wrong is told in a sentence ------------------------------------------------------------------------


@ERAS
async def test_an_unknown_tool_is_told_so(project: Path, mode: str) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        sentence = await agent.fails("make_coffee", mode)
        assert sentence.startswith("there is no tool 'make_coffee'; there are enqueue_task, list_tasks")


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("enqueue_task", {}, "enqueue_task: title is missing"),
    ("enqueue_task", {"title": "x", "color": "red"}, "enqueue_task: there is no 'color'; there are title, prompt"),
    ("enqueue_task", {"title": "x", "priority": "high"}, "enqueue_task: priority: "),
    ("enqueue_task", {"title": "x", "delay": "soon"}, "enqueue_task: delay: 'soon' is not a duration"),
    ("enqueue_task", {"title": "x", "prompt": "a", "run": "b"}, "enqueue_task: give a prompt or a command to run"),
    ("enqueue_task", {"title": "x", "profile": "no"}, "task 'x': there is no profile 'no'; there are aider"),
    ("enqueue_task", {"title": "x", "depends_on": ["T-99"], "profile": "trusted"}, "task 'x' depends on 'T-99'"),
    ("enqueue_task", {"title": "x", "prompt": "y" * 300_000, "profile": "trusted"}, "task:created is 300,"),
    ("enqueue_task", {"title": ["x"]}, "enqueue_task: title: write text, in quotes"),
    ("spawn_agent", {"profile": "no"}, "there is no profile 'no'; there are aider"),
    ("report_goal", {"goal": "g", "status": "done"}, "report_goal: status: "),
    ("report_goal", {"goal": "g", "status": "met", "score": 7}, "report_goal: score: "),
    ("list_tasks", {"limit": 0}, "list_tasks: limit: "),
    ("store_artifact", {"name": "a"}, "give exactly one of path, text and base64"),
    ("store_artifact", {"name": "a", "text": "t", "base64": "dA=="}, "give exactly one of path, text and base64"),
    ("store_artifact", {"name": "a", "base64": "?"}, "the content is not base64"),
    ("store_artifact", {"name": "a", "path": "missing.txt"}, "'missing.txt' cannot be read: No such file"),
    ("store_artifact", {"name": "a", "path": "../secret"}, "'../secret' is not in the project"),
    ("store_artifact", {"name": "a", "path": "/etc/passwd"}, "'/etc/passwd' is not in the project"),
    ("store_artifact", {"name": "a", "path": ".codewalkers/events.db"}, "'.codewalkers/events.db' is not in the"),
    ("store_artifact", {"name": "a", "path": "gate"}, "'gate' is not a file"),
    ("store_artifact", {"name": "a", "path": "."}, "'.' is not a file"),
    ("store_artifact", {"name": "a", "path": "way-out"}, "'way-out' is not in the project"),
    ("store_artifact", {"name": "a", "path": "a\0b"}, "'a\\x00b' cannot be read"),
    ("approve", {"input": {}}, "approve: tool_name is missing"),
]  # fmt: skip


async def test_wrong_arguments_are_told_in_a_sentence_and_change_nothing(project: Path) -> None:
    os.mkfifo(project / "gate")
    (project / "way-out").symlink_to("/etc/passwd")
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine)
        for tool, arguments, sentence in WRONG:
            assert (await agent.fails(tool, **arguments)).startswith(sentence), sentence
        assert len(await payloads(engine, TaskCreated)) == 1
        assert await payloads(engine, ArtifactStored) == []


async def test_a_mistake_of_ours_costs_one_call_and_is_written_down(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        with monkeypatch.context() as broken:
            broken.setattr("core.api.toolbox.why_waiting", lambda *_: 1 / 0)
            sentence = await agent.fails("list_tasks")
        assert sentence == "list_tasks failed by a mistake of ours; its traceback is in our log"
        await agent.call("list_tasks")
    assert "ZeroDivisionError" in engine.project.api_log.read_text()


# -- limits -------------------------------------------------------------------------------------------------------


def _limited(**limits: int) -> Config:
    return Config(tools=Tools.model_validate(limits), profiles=dict(FREE))


async def test_a_chain_of_agents_has_an_end(project: Path) -> None:
    async with Engine.open(project, config=_limited(max_depth=2)) as engine:
        near = await at_work(engine, profile="trusted", depth=1)
        await near.call("enqueue_task", title="one more")
        far = await at_work(engine, profile="trusted", depth=2)
        for tool, arguments in (("enqueue_task", {"title": "again"}), ("spawn_agent", {"profile": "trusted"})):
            assert "would be 3 deep and may be 2" in await far.fails(tool, **arguments)


async def test_an_agent_that_was_spawned_deep_spawns_no_deeper(project: Path) -> None:
    async with Engine.open(project, config=_limited(max_depth=1)) as engine:
        child = await engine.commands.spawn("trusted", depth=1)
        agent = await reporting(engine, child)
        assert "would be 2 deep and may be 1" in await agent.fails("enqueue_task", title="again", profile="trusted")


async def test_one_agent_adds_no_more_than_its_share(project: Path) -> None:
    async with Engine.open(project, config=_limited(max_per_agent=2)) as engine:
        greedy = await at_work(engine, profile="trusted")
        modest = await at_work(engine, profile="trusted")
        async with connected(greedy.access) as client:
            for title in ("one", "two"):
                assert not (await client.call_tool("enqueue_task", {"title": title})).is_error
        assert "added 2 tasks and agents in this session" in await greedy.fails("enqueue_task", title="three")
        await modest.call("enqueue_task", title="mine")


async def test_all_agents_together_add_no_more_than_the_session_allows(project: Path) -> None:
    async with Engine.open(project, config=_limited(max_per_session=2)) as engine:
        agents = [await at_work(engine, profile="trusted") for _ in range(3)]
        for agent in agents[:2]:
            await agent.call("enqueue_task", title="mine")
        assert "agents have added 2 tasks and agents" in await agents[2].fails("enqueue_task", title="mine")


async def test_what_was_refused_is_not_counted(project: Path) -> None:
    async with Engine.open(project, config=_limited(max_per_agent=1)) as engine:
        agent = await at_work(engine, profile="trusted")
        for _ in range(3):
            await agent.fails("enqueue_task", title="x", profile="no such profile")
        await agent.call("enqueue_task", title="x")


# -- asking the user ----------------------------------------------------------------------------------------------


async def test_spawning_waits_for_the_users_permission(project: Path) -> None:
    async with opened(project, quiet=Profile()) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("spawn_agent", profile="quiet", reason="more hands"))
        state = await until(engine, _asks)
        assert state.agents[agent.id].status == "waiting-permission"
        (question,) = await payloads(engine, PermissionRequested)
        assert (question.tool_name, question.input) == ("spawn_agent", {"profile": "quiet", "reason": "more hands"})
        assert [option.kind for option in question.options] == ["allow_once", "reject_once"]
        assert len(await payloads(engine, AgentSpawned)) == 1
        await _answer(engine, "allow")
        await reader.read()
        writer.close()
        spawned = (await history(engine, types=[AgentSpawned.type]))[-1]
        assert isinstance(spawned.payload, AgentSpawned)
        assert (spawned.payload.profile, spawned.payload.depth) == ("quiet", 1)
        assert spawned.actor == f"agent:{agent.id}"
        assert engine.journal.state.agents[agent.id].status == "busy"


async def test_a_refusal_is_told(project: Path) -> None:
    async with opened(project, quiet=Profile()) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("spawn_agent", profile="quiet"))
        await _answer(engine, "deny")
        assert b"the user said no" in await reader.read()
        writer.close()
        assert len(await payloads(engine, AgentSpawned)) == 1


async def test_a_question_nobody_answers_counts_as_refused(project: Path) -> None:
    clock = SteppedClock()
    patient = Profile.model_validate({"permissions": {"deadline": "3m"}})
    async with opened(project, clock=clock, patient=patient, quiet=Profile()) as engine:
        agent = await at_work(engine, profile="patient")
        reader, writer = await asked(agent.access, body=calling("spawn_agent", profile="quiet"))
        await until(engine, _asks)
        await clock.until_somebody_naps(180)
        clock.advance(180)
        assert b"did not answer in time" in await reader.read()
        writer.close()
        assert len(await payloads(engine, PermissionExpired)) == 1
        assert engine.journal.state.agents[agent.id].status == "busy"


async def test_a_profile_that_may_spawn_asks_nobody(project: Path) -> None:
    async with opened(project, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        answer = await agent.call("spawn_agent", profile="shell")
        assert engine.journal.state.agents[answer["agent_id"]].profile == "shell"
        assert await payloads(engine, PermissionRequested) == []


async def test_a_spawn_that_finds_no_room_says_which_limit_held_it_back(project: Path) -> None:
    full = Profile(max=1, acquire_timeout=0)
    async with opened(project, full=full, **FREE) as engine:
        agent = await at_work(engine, profile="trusted")
        await agent.call("spawn_agent", profile="full")
        assert (await agent.fails("spawn_agent", profile="full")).startswith("all 1 agents of profile full are taken")


async def test_a_shell_command_for_later_needs_permission_too(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        body = calling("enqueue_task", title="clean", run="rm -rf build")
        reader, writer = await asked(agent.access, body=body)
        await _answer(engine, "deny")
        assert b"the user said no" in await reader.read()
        writer.close()
        assert len(await payloads(engine, TaskCreated)) == 1


# -- approve ------------------------------------------------------------------------------------------------------


async def test_approve_answers_as_a_permission_prompt_tool_has_to(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        wanted = {"command": "make", "env": {"KEY": KEY}}
        body = calling("approve", tool_name="Bash", input=wanted, tool_use_id="toolu_1", mode="default")
        reader, writer = await asked(agent.access, body=body)
        await _answer(engine, "allow")
        text = _text(await reader.read())
        writer.close()
        assert json.loads(text) == {"behavior": "allow", "updatedInput": wanted}
        (question,) = await payloads(engine, PermissionRequested)
        assert (question.tool_name, question.tool_call_id) == ("Bash", "toolu_1")
        assert question.input == {"command": "make", "env": {"KEY": "[REDACTED:key]"}}
        assert await payloads(engine, ToolCallStarted) == []


async def test_approve_tells_a_refusal_without_failing(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("approve", tool_name="Bash", input={}))
        request = _asks(await until(engine, _asks))
        await agent.tells(PermissionDenied(request_id=request or "", by="user", reason="use make"))
        assert json.loads(_text(await reader.read())) == {"behavior": "deny", "message": "the user said no: use make"}
        writer.close()


async def test_what_a_profile_allows_or_denies_is_answered_without_the_user_and_recorded(project: Path) -> None:
    strict = Profile.model_validate({"permissions": {"policy": "deny", "allow": ["Read"], "deny": ["Bash"]}})
    async with opened(project, strict=strict) as engine:
        agent = await at_work(engine, profile="strict")
        for tool, behavior in (("Read", "allow"), ("Bash", "deny"), ("Write", "deny")):
            assert (await agent.call("approve", tool_name=tool, input={}))["behavior"] == behavior
        assert await agent.fails("spawn_agent", profile="shell") == "your profile does not allow it"
        granted, denied = await payloads(engine, PermissionGranted), await payloads(engine, PermissionDenied)
        assert [answer.by for answer in granted] == ["policy"]
        assert [answer.by for answer in denied] == ["policy"] * 3
        assert len(await payloads(engine, PermissionRequested)) == 4


async def test_an_agent_that_is_paused_while_it_asks_goes_on_with_its_work(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("approve", tool_name="Bash", input={}))
        await until(engine, _asks)
        await engine.commands.pause(agent.id)
        await _answer(engine, "allow")
        await reader.read()
        writer.close()
        assert engine.journal.state.agents[agent.id].status == "paused"
        await engine.commands.resume(agent.id)
        assert engine.journal.state.agents[agent.id].status == "busy"


async def test_an_agent_that_asks_too_much_at_once_is_told_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.api.questions.MOST_AT_ONCE", 2)
    async with opened(project) as engine:
        agent = await at_work(engine)
        waiting = [await asked(agent.access, body=calling("approve", tool_name="Bash", input={})) for _ in range(2)]
        await until(engine, lambda state: len(state.permissions) == 2)
        assert "more than 2 questions at once" in await agent.fails("approve", tool_name="Bash", input={})
        await _answer(engine, "allow")
        await _answer(engine, "deny")
        for reader, writer in waiting:
            await reader.read()
            writer.close()
        assert engine.journal.state.agents[agent.id].status == "busy"


async def test_a_question_about_something_large_is_asked_with_its_beginning(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        wanted = {"file_path": "big.txt", "content": "line\n" * 200_000}
        reader, writer = await asked(agent.access, body=calling("approve", tool_name="Write", input=wanted))
        await _answer(engine, "allow")
        assert json.loads(_text(await reader.read()))["updatedInput"] == wanted
        writer.close()
        (question,) = await payloads(engine, PermissionRequested)
        assert isinstance(question.input, dict)
        assert question.input["file_path"] == "big.txt"
        assert question.input["content"].startswith("line\n")
        assert question.input["content"].endswith("[cut]")


# -- the rest -----------------------------------------------------------------------------------------------------


@ERAS
async def test_the_tools_are_listed_with_what_they_want(project: Path, mode: str) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        async with connected(agent.access, mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["enqueue_task", "list_tasks", "spawn_agent", "report_goal", "store_artifact", "approve"]
        for tool in tools.values():
            assert tool.description
            assert tool.input_schema["type"] == "object"
            assert all(field["description"] for field in tool.input_schema["properties"].values())
        assert tools["enqueue_task"].input_schema["required"] == ["title"]


async def test_tasks_are_listed_newest_first_with_why_they_wait(project: Path) -> None:
    async with opened(project, max_agents=1) as engine:
        agent = await at_work(engine)
        for number in range(3):
            await engine.commands.enqueue(f"waits {number}", command="true")
        answer = await agent.call("list_tasks", status="queued", limit=2)
        assert [task["title"] for task in answer["tasks"]] == ["waits 2", "waits 1"]
        assert answer["tasks"][0]["waits_because"] == "all 1 agents are taken (the limit is 1)"
        assert answer["not_shown"] == 1
        assert answer["counts"] == {"queued": 3, "running": 1}


async def test_a_goal_is_reported_on_the_execution(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        await agent.call("report_goal", goal="all green", status="progressing", score=0.5, reason="half of them")
        (goal,) = await payloads(engine, GoalEvaluated, f"execution/{agent.execution_id}")
        assert (goal.goal_id, goal.status, goal.score, goal.reason) == ("all green", "progressing", 0.5, "half of them")
        assert engine.journal.state.executions[agent.execution_id].goal_score == 0.5


@pytest.mark.parametrize("way", ["text", "base64", "path"])
async def test_an_artifact_is_kept_by_the_hash_of_its_content(project: Path, way: str) -> None:
    content = "grüße\n".encode()
    (project / "work").mkdir()
    (project / "work" / "report.md").write_bytes(content)
    given = {"text": content.decode(), "base64": base64.b64encode(content).decode(), "path": "report.md"}[way]
    async with opened(project, trusted=Profile(workspace="work")) as engine:
        agent = await at_work(engine, profile="trusted")
        answer = await agent.call("store_artifact", name="report.md", media_type="text/markdown", **{way: given})
        (stored,) = await payloads(engine, ArtifactStored, f"execution/{agent.execution_id}")
        assert (stored.artifact_id, stored.size_bytes) == ("report.md", len(content))
        assert (stored.content_hash, stored.media_type) == (answer["content_hash"], "text/markdown")
        kept = engine.project.artifacts / stored.content_hash[:2] / stored.content_hash
        assert kept.read_bytes() == content
        assert kept.stat().st_mode & 0o777 == 0o600


async def test_the_same_content_is_kept_once(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        for name in ("one", "two"):
            await agent.call("store_artifact", name=name, text="same")
        assert len(await payloads(engine, ArtifactStored)) == 2
        assert len([path for path in engine.project.artifacts.rglob("*") if path.is_file()]) == 1


async def test_artifacts_have_a_largest_size_and_a_session_a_largest_sum(project: Path) -> None:
    (project / "big").write_bytes(b"x" * 101)
    async with Engine.open(project, config=_limited(max_artifact_bytes=100, max_artifacts_bytes=150)) as engine:
        agent = await at_work(engine)
        assert "may have 100 bytes, and this has 101" in await agent.fails("store_artifact", name="a", text="x" * 101)
        assert "may have 100 bytes, and 'big' has 101" in await agent.fails("store_artifact", name="a", path="big")
        await agent.call("store_artifact", name="a", text="x" * 100)
        assert "may grow by 50 bytes, and this has 60" in await agent.fails("store_artifact", name="b", text="x" * 60)
        await agent.call("store_artifact", name="c", text="x" * 50)


async def test_no_secret_of_an_agent_reaches_the_log_by_a_tool(project: Path) -> None:
    profile = Profile(command=("cat",), may_spawn=True, env={"PASSWORD": PASSWORD}, pass_env=("PASSED",))
    environment = {"PATH": os.environ["PATH"], "PASSED": "0123-passed-4567"}
    async with opened(project, environment=environment, keeper=profile) as engine:
        agent = await at_work(engine, profile="keeper")
        for told in (KEY, PASSWORD, "0123-passed-4567", agent.access.token):
            await agent.call("enqueue_task", title=told[:20], prompt=f"use {told}")
            await agent.call("report_goal", goal="g", status="met", reason=f"used {told}")
            await agent.call("store_artifact", name="a", text=told)
            await agent.fails("list_tasks", status=told, limit=told)
        everything = engine.journal.log.read()
        written = "\n".join([repr(event.payload) async for event in everything])
    for told in (KEY, PASSWORD, "0123-passed-4567", agent.access.token):
        assert told not in written
    assert "[REDACTED:PASSWORD]" in written


def _text(answer: bytes) -> str:
    """What a tool said, of the whole body of an answer."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])["result"]["content"][0]["text"]
