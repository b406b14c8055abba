"""Agents that print JSON, run as real tasks: tiny programs replay what real ones printed, whole, late or broken off."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from fakes.agents import RECORDINGS
from fakes.stage import Gate, SteppedClock, history, opened, payloads, printed, until, until_over

from core.agents.draft import NOTICE
from core.config import Profile
from core.engine import Engine
from core.events import (
    CustomRecorded,
    ExecutionCompleted,
    MessageReceived,
    StepCompleted,
    StepFailed,
    TaskFailed,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from core.events.envelope import to_us
from core.projections import State
from core.projections.records import Execution, Task

REPLAYS = Path(__file__).parents[1] / "fakes" / "replays.py"


def replaying(recording: str | Path, *options: str, **settings: object) -> Profile:
    """A profile whose agents replay a recording; its name begins with the preset's."""
    name = Path(recording).name.partition("-")[0]
    command = (sys.executable, str(REPLAYS), str(RECORDINGS / recording), *options)
    return Profile.model_validate({"adapter": f"jsonl:{name}", "command": command, **settings})


async def ran(engine: Engine, **settings: object) -> tuple[Task, Execution]:
    """The one task of the engine's agent once it is over, and its last execution."""
    task_id = await engine.commands.enqueue(prompt="do it", profile="agent", **settings)
    state = await until_over(engine, task_id)
    task = state.tasks[task_id]
    return task, state.executions[f"{task_id}.{task.attempt}"]


COMPLETED = {
    "claude-stream-json.SYNTHETIC.jsonl": ("Done", 1, 20, 12, 1000),
    "codex-exec-fail.jsonl": ("STUB: done.", 1, 200, 14, 0),
    "gemini-p-tool.jsonl": ("STUB: done.", 1, 200, 14, 0),
    "goose-run-tool.jsonl": ("STUB: done.", 1, 200, 14, 0),
    "opencode-run-tool.jsonl": ("STUB: done.", 1, 200, 14, 228),
}


@pytest.mark.parametrize("recording", COMPLETED)
async def test_an_agent_that_says_it_is_done_has_completed_its_task(project: Path, recording: str) -> None:
    async with opened(project, agent=replaying(recording, "--bytes", "7")) as engine:
        task, execution = await ran(engine)
        wire = await printed(engine, task.id, "wire-in")
        text = await printed(engine, task.id, "text")
        (completed,) = await payloads(engine, ExecutionCompleted)
        messages = await payloads(engine, MessageReceived)
    answer, calls, tokens_in, tokens_out, cost = COMPLETED[recording]
    assert task.status == execution.status == "completed"
    assert completed.output == answer
    assert (execution.tool_calls, execution.open_tool_calls, execution.open_steps) == (calls, (), ())
    assert (execution.input_tokens, execution.output_tokens) == (tokens_in, tokens_out)
    assert (execution.cost_usd_micros, task.cost_usd_micros) == (cost, cost)
    assert wire == (RECORDINGS / recording).read_text().splitlines()
    assert text == [message.text for message in messages]


async def test_what_an_agent_says_in_pieces_is_put_out_in_lines_and_received_whole(project: Path) -> None:
    async with opened(project, agent=replaying("goose-run-slow-SIGINT.jsonl")) as engine:
        task, _ = await ran(engine)
        (message,) = await payloads(engine, MessageReceived)
        text, stdout = await printed(engine, task.id, "text"), await printed(engine, task.id)
    assert text == [message.text] == ["".join(f"tick{tick} " for tick in range(10))]
    assert stdout[-1] == "     L L     goose is ready", "what is no record is output"
    assert task.status == "dead-lettered"
    assert task.error == "Headless run interrupted"


@pytest.mark.parametrize("lines", [0, 3, 4, 6])
async def test_an_agent_that_ends_half_way_has_failed_although_it_exits_with_0(project: Path, lines: int) -> None:
    profile = replaying("codex-exec-tool.jsonl", "--lines", str(lines), "--say", "the last word")
    async with opened(project, agent=profile) as engine:
        task, execution = await ran(engine)
        calls = [call.outcome for call in await payloads(engine, ToolCallCompleted)]
        steps = [*await payloads(engine, StepCompleted), *await payloads(engine, StepFailed)]
    assert task.status == "dead-lettered"
    assert task.error == "codex ended without saying that it had finished: the last word"
    assert calls == {4: ["abandoned"], 6: ["ok"]}.get(lines, [])
    assert [step.type for step in steps] == [StepFailed.type]
    assert (execution.open_tool_calls, execution.open_steps) == ((), ())


async def test_how_the_process_ended_is_told_where_the_agent_did_not_say(project: Path) -> None:
    profile = replaying("codex-exec-tool.jsonl", "--lines", "3", "--say", "out of memory", "--exit", "3")
    async with opened(project, agent=profile) as engine:
        task, _ = await ran(engine)
    assert task.error == "codex ended without saying that it had finished: out of memory (exit code 3)"


async def test_an_exit_code_does_not_outdo_what_the_agent_said(project: Path) -> None:
    async with opened(project, agent=replaying("codex-exec-tool.jsonl", "--exit", "3")) as engine:
        task, _ = await ran(engine)
        remarks = [note.fields["text"] for note in await payloads(engine, CustomRecorded) if note.event_type == NOTICE]
    assert task.status == "completed"
    assert remarks[-1] == "exit code 3, after it had said that it was done"


async def test_an_agent_that_is_not_signed_in_is_not_tried_again(project: Path) -> None:
    said = "Please set an Auth method in your settings.json or set the GEMINI_API_KEY environment variable"
    profile = replaying("gemini-p-tool.jsonl", "--lines", "0", "--say", said, "--exit", "41")
    async with opened(project, agent=profile) as engine:
        task, _ = await ran(engine, max_attempts=5)
        (failed,) = await payloads(engine, TaskFailed)
    assert task.status == "dead-lettered"
    assert failed.error == (f"gemini is not signed in ({said}): sign in with it, or hand its key on with `pass_env`")


async def test_a_limit_parks_the_profile_and_costs_the_task_no_attempt(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=replaying("opencode-run-limit.jsonl")) as engine:
        task_id = await engine.commands.enqueue(prompt="do it", profile="agent")

        def parked(state: State) -> bool:
            profile = state.profiles.get("agent")
            return profile is not None and profile.status == "parked"

        state = await until(engine, parked)
        until_us = state.profiles["agent"].until_us
        failures = await payloads(engine, TaskFailed)
    assert until_us == to_us(clock.now() + timedelta(seconds=20)), "as it said"
    assert state.task_outcome(task_id) == "queued"
    assert failures == []


async def test_records_are_told_as_they_come_also_when_the_next_is_torn(project: Path, gate: Gate) -> None:
    profile = replaying("codex-exec-tool.jsonl", "--gate", "gate", "--at", '"exit_code":0')
    async with opened(project, agent=profile) as engine:
        task_id = await engine.commands.enqueue(prompt="do it", profile="agent")

        def waits(state: State) -> bool:
            execution = state.executions.get(f"{task_id}.1")
            return execution is not None and execution.open_tool_calls == ("item_1",)

        state = await until(engine, waits)
        assert state.tasks[task_id].status == "running"
        gate.open()
        state = await until_over(engine, task_id)
        (call,) = await payloads(engine, ToolCallCompleted)
    assert state.tasks[task_id].status == "completed"
    assert (call.outcome, call.output) == ("ok", "from-codex\na.txt\n")


async def test_a_cancelled_agent_leaves_no_call_open(project: Path) -> None:
    profile = replaying("gemini-p-toolsleep-SIGTERM.jsonl", "--stay")
    async with opened(project, agent=profile) as engine:
        task_id = await engine.commands.enqueue(prompt="do it", profile="agent")
        await until(engine, lambda state: any(one.open_tool_calls for one in state.executions.values()))
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        calls = [call.outcome for call in await payloads(engine, ToolCallCompleted)]
    assert state.tasks[task_id].status == "cancelled"
    assert calls == ["abandoned"]
    assert state.executions[f"{task_id}.1"].open_steps == ()


async def test_events_of_an_agent_are_caused_by_its_start_and_told_by_it(project: Path) -> None:
    async with opened(project, agent=replaying("codex-exec-tool.jsonl")) as engine:
        task, execution = await ran(engine)
        told = await history(engine, f"execution/{execution.id}", types=[ToolCallStarted.type, UsageReported.type])
        started = await history(engine, types=["task:started"])
    assert {event.actor for event in told} == {f"agent:{execution.agent_id}"}
    assert all(event.causation_id is not None for event in told)
    assert task.id in {event.aggregate_id for event in started}


async def test_raw_records_are_told_apart_from_what_was_said(project: Path) -> None:
    async with opened(project, agent=replaying("codex-exec-tool.jsonl")) as engine:
        task, _ = await ran(engine)
        assert await engine.queries.output_of_task(task.id) == ["STUB: done."]


async def test_an_agent_that_needs_a_prompt_is_spawned_to_wait_for_one(project: Path) -> None:
    async with opened(project, agent=replaying("codex-exec-tool.jsonl")) as engine:
        agent_id = await engine.commands.spawn("agent")
        agent = engine.journal.state.agents[agent_id]
        assert (agent.service, agent.status) == (False, "idle")
        task, execution = await ran(engine)
    assert (task.status, execution.agent_id) == ("completed", agent_id)


async def test_raw_records_are_kept_only_if_the_profile_wants_them(project: Path) -> None:
    async with opened(project, agent=replaying("codex-exec-tool.jsonl", wire=False)) as engine:
        task, execution = await ran(engine)
        assert await printed(engine, task.id, "wire-in") == []
        assert execution.tool_calls == 1


async def test_secrets_in_records_reach_no_event(project: Path, tmp_path: Path) -> None:
    secret = 'hunter2 "quoted" hunter2'
    item = {"id": "1", "type": "mcp_tool_call", "tool": secret, "arguments": {secret: [secret]}, "status": "failed"}
    records = [
        {"type": "thread.started", "thread_id": secret},
        {"type": "item.completed", "item": item | {"error": {"message": secret}}},
        {"type": "item.completed", "item": {"id": "2", "type": "agent_message", "text": f"It is {secret}."}},
        {"type": "turn.failed", "error": {"message": secret}},
    ]
    recording = tmp_path / "codex-secret.jsonl"
    recording.write_text("".join(f"{json.dumps(record)}\n" for record in records) + f"{secret} as text\n")
    profile = replaying(recording, "--say", secret, env={"PASSWORD": secret})
    async with opened(project, agent=profile) as engine:
        task, _ = await ran(engine)
        text = await printed(engine, task.id, "text")
        stored = [json.dumps(str(event.payload)) for event in await history(engine)]
    assert text == ["It is [REDACTED:PASSWORD]."]
    assert task.error == "[REDACTED:PASSWORD]"
    assert not [event for event in stored if "hunter2" in event]


async def test_a_record_too_long_to_be_one_is_output_and_the_next_is_understood(project: Path, tmp_path: Path) -> None:
    recording = tmp_path / "codex-long.jsonl"
    usual = (RECORDINGS / "codex-exec-tool.jsonl").read_text()
    large = json.dumps(
        {"type": "item.completed", "item": {"id": "9", "type": "agent_message", "text": "x" * 15_000_000}}
    )
    too_long = json.dumps({"type": "of another kind", "text": "x" * 17_000_000})
    recording.write_text(f"{large}\n{too_long}\n{usual}")
    async with opened(project, agent=replaying(recording)) as engine:
        task, _ = await ran(engine)
        first, last = await payloads(engine, MessageReceived)
        (line,) = await printed(engine, task.id)
    assert task.status == "completed"
    assert first.text.endswith("x …[cut]")
    assert len(first.text) < 70_000
    assert last.text == "STUB: done."
    assert line.startswith('{"type": "of another kind"')


async def test_ten_thousand_records_are_told_in_order(project: Path, tmp_path: Path) -> None:
    recording = tmp_path / "codex-flood.jsonl"
    items = [{"id": f"i{number}", "type": "agent_message", "text": str(number)} for number in range(10_000)]
    records = [{"type": "item.completed", "item": item} for item in items]
    ending = {"type": "turn.completed", "usage": {"input_tokens": 1}}
    recording.write_text("".join(f"{json.dumps(record)}\n" for record in [*records, ending]))
    async with opened(project, agent=replaying(recording)) as engine:
        task, execution = await ran(engine)
        messages = await payloads(engine, MessageReceived)
        text = await printed(engine, task.id, "text")
    assert task.status == "completed"
    assert execution.messages == 10_000
    assert [message.text for message in messages] == text == [str(number) for number in range(10_000)]


@pytest.mark.parametrize("command", [("{python}", "{fake}", "{prompt}"), ("{python}", "{fake}", "-")])
async def test_the_prompt_comes_as_an_argument_or_on_standard_input(
    project: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    fake = tmp_path / "echoes.py"
    fake.write_text(
        "import json, sys\n"
        "said = sys.stdin.read() if sys.argv[1] == '-' else sys.argv[1]\n"
        "print(json.dumps({'type': 'result', 'subtype': 'success', 'is_error': False, 'result': said}))\n"
    )
    argv = tuple(part.replace("{python}", sys.executable).replace("{fake}", str(fake)) for part in command)
    async with opened(project, agent=Profile(adapter="jsonl:claude", command=argv)) as engine:
        task_id = await engine.commands.enqueue(prompt="--why $HOME\n✓", profile="agent")
        await until_over(engine, task_id)
        (completed,) = await payloads(engine, ExecutionCompleted)
    assert completed.output == "--why $HOME\n✓"


async def test_a_program_that_is_missing_is_one_sentence(project: Path) -> None:
    async with opened(project, agent=Profile(adapter="jsonl:codex", command=("no-such-agent", "exec"))) as engine:
        task_id = await engine.commands.enqueue(prompt="do it", profile="agent", max_attempts=3)
        state = await until_over(engine, task_id)
    assert state.tasks[task_id].status == "dead-lettered"
    assert state.tasks[task_id].error.startswith("cannot start 'no-such-agent': there is no such program in PATH")


# -- a document -----------------------------------------------------------------------------------------------


async def test_a_document_is_followed_while_it_grows_and_gone_afterwards(project: Path, gate: Gate) -> None:
    options = ("--document", "{records}", "--gate", "gate", "--at", "from-mini && ls")
    async with opened(project, agent=replaying("mini-traj.json", *options)) as engine:
        task_id = await engine.commands.enqueue(prompt="do it", profile="agent")
        # The task's text has the command too: there it waits first.
        await until(
            engine, lambda state: state.executions.get(f"{task_id}.1") and state.executions[f"{task_id}.1"].steps
        )
        gate.open()
        state = await until(engine, lambda state: state.executions[f"{task_id}.1"].open_tool_calls)
        assert state.tasks[task_id].status == "running"
        gate.open(4)
        state = await until_over(engine, task_id)
        wire = await printed(engine, task_id, "wire-in")
        stdout = await printed(engine, task_id)
    task, execution = state.tasks[task_id], state.executions[f"{task_id}.1"]
    assert task.status == "completed"
    assert (execution.tool_calls, execution.open_tool_calls) == (2, ())
    assert (execution.input_tokens, execution.output_tokens, execution.model) == (200, 14, "stub-1")
    messages = json.loads((RECORDINGS / "mini-traj.json").read_text())["messages"]
    assert [json.loads(line)["role"] for line in wire] == [message["role"] for message in messages]
    assert stdout == [f"step {number + 1}" for number in range(len(messages))]
    assert not (project / ".codewalkers" / "run" / f"{task_id}.1").exists()


async def test_a_document_that_never_comes_is_a_failure(project: Path) -> None:
    profile = replaying("mini-traj.json", "--lines", "0", "--document", "{records}", "--say", "no model")
    async with opened(project, agent=profile) as engine:
        task, _ = await ran(engine)
    assert task.error == "mini ended without saying that it had finished: no model"
