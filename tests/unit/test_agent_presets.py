"""How records are read that no recording has, after the programs' own schemas; and that no record ever breaks one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.agents import RECORDINGS, told
from hypothesis import given, settings
from hypothesis import strategies as st

from core.agents.draft import NOTICE
from core.agents.fitting import fitting
from core.agents.presets import PRESETS
from core.agents.presets.mini import messages_of
from core.agents.records import parse
from core.agents.redaction import Redactor
from core.events import (
    CustomRecorded,
    MessageReceived,
    PermissionDenied,
    PermissionExpired,
    PermissionRequested,
    PlanUpdated,
    StepCompleted,
    StepFailed,
    StepStarted,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from core.events.registry import encode

Json = dict[str, Any]

# -- codex ----------------------------------------------------------------------------------------------------


def codex_turn(**usage: int) -> list[Json]:
    return [{"type": "turn.started"}, {"type": "turn.completed", "usage": usage}]


def test_usage_that_codex_counts_up_over_its_thread_is_told_as_what_each_turn_added() -> None:
    first = codex_turn(input_tokens=200, cached_input_tokens=80, output_tokens=14)
    second = codex_turn(input_tokens=300, cached_input_tokens=120, output_tokens=21)
    found = told("codex", [*first, *second])
    assert found.usage == [(200, 14, 80, None), (100, 7, 40, None)]
    assert [step.step_id for step in found.all(StepCompleted)] == ["turn-1", "turn-2"]


def test_a_counter_that_fell_has_begun_anew() -> None:
    found = told("codex", [*codex_turn(input_tokens=200), *codex_turn(input_tokens=50)])
    assert [used[0] for used in found.usage] == [200, 50]


def test_a_second_turn_without_an_end_is_a_failure_although_the_first_had_one() -> None:
    found = told("codex", [*codex_turn(), {"type": "turn.started"}])
    assert [outcome.status for outcome in found.outcomes] == ["completed", "failed"]


def test_a_command_that_codex_declined_was_denied() -> None:
    item = {"id": "item_1", "type": "command_execution", "command": "rm -rf /", "status": "declined"}
    found = told("codex", [{"type": "turn.started"}, {"type": "item.completed", "item": item}])
    assert found.calls == [("command_execution", "denied")]
    assert [denied.by for denied in found.all(PermissionDenied)] == ["policy"]


def test_the_todo_list_of_codex_is_its_plan() -> None:
    items = [{"text": "read", "completed": True}, {"text": "write", "completed": False}]
    found = told("codex", [{"type": "item.updated", "item": {"id": "1", "type": "todo_list", "items": items}}])
    (plan,) = found.all(PlanUpdated)
    assert [(entry.content, entry.status) for entry in plan.entries] == [("read", "completed"), ("write", "pending")]


def test_reasoning_is_a_thought_and_not_the_answer() -> None:
    items = [{"id": "1", "type": "agent_message", "text": "Done"}, {"id": "2", "type": "reasoning", "text": "so"}]
    found = told("codex", [{"type": "item.completed", "item": item} for item in items] + codex_turn()[1:])
    assert [(message.kind, message.text) for message in found.all(MessageReceived)] == [
        ("text", "Done"),
        ("thought", "so"),
    ]
    assert found.outcome.text == "Done"


def test_the_reason_codex_gave_before_it_died_is_the_error() -> None:
    found = told("codex", [{"type": "turn.started"}, {"type": "error", "message": "stream disconnected"}])
    assert (found.outcome.status, found.outcome.text) == ("failed", "stream disconnected")


# -- gemini ---------------------------------------------------------------------------------------------------


def test_pieces_of_gemini_are_one_message_until_a_tool_is_used() -> None:
    piece = {"type": "message", "role": "assistant", "delta": True}
    found = told(
        "gemini",
        [
            {"type": "init", "session_id": "s", "model": "auto"},
            piece | {"content": "I "},
            piece | {"content": "look."},
            {"type": "tool_use", "tool_id": "t", "tool_name": "ls", "parameters": {}},
            {"type": "tool_result", "tool_id": "t", "status": "error", "error": {"type": "x", "message": "no"}},
            piece | {"content": "Hm."},
            {"type": "result", "status": "success", "stats": {}},
        ],
    )
    assert found.spoken == ["I ", "look.", "Hm."]
    assert found.texts == ["I look.", "Hm."]
    assert found.calls == [("ls", "error")]
    assert found.types.index("message:received") < found.types.index("tool-call:started")


def test_gemini_says_that_it_failed_and_why() -> None:
    error = {"type": "FatalTurnLimitedError", "message": "Reached max session turns for this session."}
    found = told("gemini", [{"type": "result", "status": "error", "error": error, "stats": {"input_tokens": 5}}])
    assert (found.outcome.status, found.outcome.text) == ("failed", error["message"])
    assert found.usage == [(5, 0, 0, None)]


# -- opencode -------------------------------------------------------------------------------------------------


def opencode(type_: str, **part: object) -> Json:
    return {"type": type_, "sessionID": "ses_1", "part": part}


REJECTED = {"status": "error", "input": {"command": "ls"}, "error": "The user rejected permission to use this tool"}


def test_opencode_ends_with_what_its_last_model_call_stopped_with() -> None:
    start, stop = opencode("step_start"), opencode("step_finish", reason="stop")
    tools, length = opencode("step_finish", reason="tool-calls"), opencode("step_finish", reason="length")
    assert told("opencode", [start, tools, start, stop]).outcome.status == "completed"
    assert told("opencode", [start, stop, start]).outcome.status == "failed"
    assert told("opencode", [start, stop, start, tools]).outcome.status == "failed"
    assert "'length'" in told("opencode", [start, length]).outcome.text


def test_what_nobody_allowed_opencode_is_denied_and_it_has_failed() -> None:
    call = opencode("tool_use", callID="c", tool="bash", state=REJECTED)
    done = {"type": "done", "sessionID": "ses_1", "reason": "idle", "rejected": ["bash"]}
    records = [opencode("step_start"), call, opencode("step_finish", reason="tool-calls"), done]
    found = told("opencode", records)
    assert found.calls == [("bash", "denied")]
    assert found.outcome.text == "it needs permission that nobody gave: bash"
    assert len(found.outcomes) == 2  # the record's own, and the same at the end
    assert found.outcomes[0] == found.outcomes[1]


def test_an_error_of_opencode_is_not_outdone_by_a_stop() -> None:
    error = {"type": "error", "sessionID": "s", "error": {"name": "MessageOutputLengthError"}}
    found = told("opencode", [opencode("step_start"), error, opencode("step_finish", reason="stop")])
    assert (found.outcome.status, found.outcome.text) == ("failed", "MessageOutputLengthError")


def test_cached_and_reasoning_tokens_of_opencode_are_counted_once() -> None:
    tokens = {"input": 10, "output": 5, "reasoning": 3, "cache": {"read": 100, "write": 20}}
    found = told("opencode", [opencode("step_finish", reason="stop", tokens=tokens, cost=0.0123456)])
    assert found.usage == [(130, 8, 100, 12346)]


# -- goose ----------------------------------------------------------------------------------------------------


def goose(*content: Json, role: str = "assistant", message_id: str = "m1") -> Json:
    return {"type": "message", "message": {"id": message_id, "role": role, "content": list(content)}}


def goose_answer(**result: object) -> Json:
    return goose({"type": "toolResponse", "id": "c", "toolResult": result}, role="user")


GOOSE_CALL = goose({"type": "toolRequest", "id": "c", "toolCall": {"status": "success", "value": {"name": "shell"}}})


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"status": "success", "value": {"content": [], "isError": False}}, "ok"),
        ({"status": "success", "value": {"content": [], "isError": True}}, "error"),
        ({"status": "success", "value": {"structuredContent": {"exit_code": 3}}}, "error"),
        ({"status": "error", "error": "no such tool"}, "error"),
        (
            {"status": "success", "value": {"content": [{"text": "The user has declined to run this tool."}]}},
            "denied",
        ),
    ],
)
def test_how_a_call_of_goose_ended(result: Json, outcome: str) -> None:
    assert told("goose", [GOOSE_CALL, goose_answer(**result)]).calls == [("shell", outcome)]


def test_a_thought_of_goose_and_its_words_are_two_messages() -> None:
    thinking, text = {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes"}
    found = told("goose", [goose(thinking), goose(text), {"type": "complete", "total_tokens": 1, "cost_usd": 0.5}])
    assert [(message.kind, message.text) for message in found.all(MessageReceived)] == [
        ("thought", "hm"),
        ("text", "Yes"),
    ]
    assert found.usage == [(0, 0, 0, 500_000)]


def test_what_goose_remarks_is_kept_as_a_notice() -> None:
    found = told("goose", [{"type": "notification", "extension_id": "developer", "log": {"message": "50 %"}}])
    assert [(note.event_type, note.fields["text"]) for note in found.all(CustomRecorded)] == [(NOTICE, "50 %")]


# -- claude ---------------------------------------------------------------------------------------------------


def claude(*content: Json, **fields: object) -> Json:
    message = {"id": "msg_1", "model": "m", "content": list(content)}
    return {"type": "assistant", "parent_tool_use_id": None, "message": message, **fields}


def claude_answer(text: str, *, error: bool) -> Json:
    block = {"type": "tool_result", "tool_use_id": "t1", "content": text, "is_error": error}
    return {"type": "user", "message": {"role": "user", "content": [block]}}


def claude_result(**fields: object) -> Json:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done", **fields}


CLAUDE_CALL = claude({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}})


def test_usage_of_claude_is_told_by_model_with_its_cost() -> None:
    used = {
        "opus": {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 90, "costUSD": 0.25},
        "haiku": {"inputTokens": 1, "outputTokens": 1, "cacheCreationInputTokens": 9, "costUSD": 0.000001},
    }
    found = told("claude", [claude_result(modelUsage=used, total_cost_usd=0.250001, usage={"input_tokens": 10})])
    assert [used.model for used in found.all(UsageReported)] == ["opus", "haiku"]
    assert found.usage == [(100, 5, 90, 250_000), (10, 1, 0, 1)]


def test_pieces_of_claude_are_heard_once_and_its_messages_come_whole() -> None:
    pieces = [
        {"type": "stream_event", "event": {"type": "content_block_delta", "delta": delta}}
        for delta in (
            {"type": "thinking_delta", "thinking": "so"},
            {"type": "text_delta", "text": "Hel"},
            {"type": "text_delta", "text": "lo"},
        )
    ]
    whole = claude({"type": "thinking", "thinking": "so"}, {"type": "text", "text": "Hello"})
    found = told("claude", [*pieces, whole, claude_result()])
    assert found.spoken == ["so", "Hel", "lo"]
    assert found.texts == ["so", "Hello"]


def test_words_of_a_subagent_are_not_the_answer() -> None:
    words = {"type": "text", "text": "I am the subagent"}
    found = told("claude", [claude(words, parent_tool_use_id="t0"), claude_result(result=None)])
    assert [message.role for message in found.all(MessageReceived)] == ["subagent"]
    assert found.outcome.text == ""


def test_a_tool_that_claude_was_not_allowed_is_denied() -> None:
    said = "Claude requested permissions to use Bash, but you haven't granted it yet."
    denials = [{"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {}}]
    found = told("claude", [CLAUDE_CALL, claude_answer(said, error=True), claude_result(permission_denials=denials)])
    assert found.calls == [("Bash", "denied")]
    assert len(found.all(PermissionDenied)) == 1
    found = told("claude", [CLAUDE_CALL, claude_result(permission_denials=denials)])
    assert found.calls == [("Bash", "denied")]


def test_a_question_nobody_answered_has_expired() -> None:
    request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t1"}
    found = told("claude", [{"type": "control_request", "request_id": "r1", "request": request}])
    assert len(found.all(PermissionRequested)) == 1
    assert [expired.request_id for expired in found.all(PermissionExpired)] == ["r1"]
    assert found.calls == [("Bash", "abandoned")]


@pytest.mark.parametrize("subtype", ["error_max_turns", "error_during_execution"])
def test_only_success_without_an_error_is_success(subtype: str) -> None:
    found = told("claude", [claude_result(subtype=subtype, is_error=True, result=None, errors=[])])
    assert (found.outcome.status, found.outcome.text, found.outcome.retryable) == ("failed", subtype, True)


def test_a_limit_of_claude_says_when_it_ends() -> None:
    limit = {"status": "rejected", "resetsAt": 1789040400, "rateLimitType": "five_hour"}
    said = claude({"type": "text", "text": "You've hit your limit"}, error="rate_limit")
    end = claude_result(is_error=True, result="You've hit your limit · resets 3pm", api_error_status=429)
    found = told("claude", [{"type": "rate_limit_event", "rate_limit_info": limit}, said, end])
    assert (found.outcome.status, found.outcome.retryable) == ("failed", True)
    assert (found.outcome.retry_after_s, found.outcome.retry_at_s) == (0, 1789040400)


def test_claude_that_is_not_signed_in_says_so_in_one_sentence() -> None:
    said = claude({"type": "text", "text": "Invalid API key · Please run /login"}, error="authentication_failed")
    found = told("claude", [said, claude_result(is_error=True, result="Invalid API key · Please run /login")])
    assert found.outcome.text == (
        "claude is not signed in (Invalid API key · Please run /login): sign in with it, or hand its key on with "
        "`pass_env`"
    )
    assert not found.outcome.retryable


def test_the_todos_of_claude_are_its_plan() -> None:
    todos = [{"content": "read", "status": "in_progress", "activeForm": "Reading"}]
    found = told("claude", [claude({"type": "tool_use", "id": "t", "name": "TodoWrite", "input": {"todos": todos}})])
    (plan,) = found.all(PlanUpdated)
    assert [(entry.content, entry.status) for entry in plan.entries] == [("read", "in_progress")]


# -- mini -----------------------------------------------------------------------------------------------------


TRAJECTORY = json.loads((RECORDINGS / "mini-traj.json").read_text())


def test_a_trajectory_that_never_exits_is_a_failure() -> None:
    found = told("mini", messages_of(TRAJECTORY)[:-1])
    assert (found.outcome.status, found.outcome.text) == ("failed", "mini ended without saying that it had finished")


def test_only_submitting_is_success_for_mini() -> None:
    task = {"role": "user", "content": "do it"}
    extra = {"exit_status": "LimitsExceeded", "submission": ""}
    found = told("mini", [task, {"role": "exit", "content": "LimitsExceeded", "extra": extra}])
    assert (found.outcome.status, found.outcome.text) == ("failed", "LimitsExceeded")
    extra = {"exit_status": "Submitted", "submission": "a patch"}
    assert told("mini", [task, {"role": "exit", "content": "", "extra": extra}]).outcome.text == "a patch"


def test_an_action_of_a_model_without_tool_calls_is_answered_by_the_user() -> None:
    messages = [
        {"role": "assistant", "content": "I look.", "extra": {"actions": [{"command": "ls"}], "cost": 0.01}},
        {"role": "user", "content": "<returncode>2</returncode>", "extra": {"returncode": 2, "raw_output": "no"}},
    ]
    found = told("mini", messages)
    assert found.calls == [("bash", "error")]
    assert found.usage == [(0, 0, 0, 10_000)]


# -- whatever comes -------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "", "1", "item_1", "in_progress", "completed", "failed", "declined", "success", "error", "stop", "assistant",
        "user", "exit", "text", "thinking", "tool_use", "tool_result", "toolRequest", "toolResponse", "can_use_tool",
        "init", "command_execution", "todo_list", "agent_message", "Submitted", "\ud83d", "a" * 300, "\x00\x1b[31m",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "thread.started", "turn.started", "turn.completed", "turn.failed", "item.started", "item.completed", "error",
        "init", "message", "tool_use", "tool_result", "result", "step_start", "step_finish", "text", "reasoning",
        "done", "notification", "complete", "system", "assistant", "user", "stream_event", "control_request",
        "rate_limit_event", "of another kind",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "id", "type", "item", "message", "messages", "content", "text", "thinking", "status", "state", "part", "usage",
        "tokens", "cost", "stats", "models", "error", "role", "delta", "event", "request", "request_id", "tool_id",
        "tool_use_id", "callID", "toolCall", "toolResult", "value", "name", "input", "output", "result", "subtype",
        "is_error", "modelUsage", "extra", "actions", "returncode", "exit_status", "reason", "rejected", "items",
        "todos", "permission_denials", "errors", "rate_limit_info", "resetsAt", "input_tokens", "costUSD", "sessionID",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        WORDS,
        st.none(),
        st.booleans(),
        st.integers(-(10**40), 10**40),
        st.floats(),
        st.text(st.characters(categories=None), max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
RECORDS = st.builds(
    lambda type_, fields: {**fields, "type": type_}, TYPES | VALUES, st.dictionaries(NAMES, VALUES, max_size=8)
)


@pytest.mark.parametrize("preset", PRESETS)
@given(records=st.lists(RECORDS, max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_record_breaks_a_preset_and_all_it_tells_can_be_stored(preset: str, records: list[Json]) -> None:
    found = told(preset, records)
    for event in found.events:
        encode(fitting(event, Redactor()))
    started = [call.tool_call_id for call in found.all(ToolCallStarted)]
    assert len(started) == len(set(started))
    assert sorted(call.tool_call_id for call in found.all(ToolCallCompleted)) == sorted(started)
    turns = [step.step_id for step in found.all(StepStarted)]
    assert turns == [f"turn-{number}" for number in range(1, len(turns) + 1)]
    assert len(found.all(StepCompleted)) + len(found.all(StepFailed)) == len(turns)
    assert all(used.input_tokens >= 0 and (used.cost_usd_micros or 0) >= 0 for used in found.all(UsageReported))
    assert found.outcomes


@pytest.mark.parametrize("preset", PRESETS)
@given(record=RECORDS)
@settings(max_examples=20, deadline=None)
def test_records_are_read_the_same_from_text(preset: str, record: Json) -> None:
    parsed = parse(json.dumps(record))
    assert parsed is not None
    assert told(preset, [parsed]).events == told(preset, [json.loads(json.dumps(record))]).events


@pytest.mark.parametrize("preset", PRESETS)
def test_a_stream_without_a_record_is_a_failure(preset: str) -> None:
    assert told(preset, []).outcome.text == f"{preset} ended without saying that it had finished"


@pytest.mark.parametrize("line", ["", "{", "[1]", "42", '"text"', "null", "{" * 100_000, '[{"a": 1}]'])
def test_what_is_no_object_is_no_record(line: str) -> None:
    assert parse(line) is None


def test_half_a_surrogate_pair_is_read_as_programs_print_it() -> None:
    found = told("gemini", [parse(r'{"type": "message", "role": "assistant", "content": "cut \ud83d"}') or {}])
    assert fitting(found.events[0], Redactor()).text == "cut ?"


def test_no_record_is_deeper_than_what_walks_it_can_go() -> None:
    for depth in (100, 500, 900):
        parsed = parse(
            '{"type": "item.started", "item": {"type": "mcp_tool_call", "arguments": '
            + "[" * depth
            + "]" * depth
            + "}}"
        )
        assert parsed is not None
        (call,) = told("codex", [parsed]).all(ToolCallStarted)
        encode(fitting(call, Redactor()))


def test_pieces_that_come_with_the_end_of_their_message_are_heard_once() -> None:
    begun, rest = {"type": "text", "text": "I "}, {"type": "text", "text": "look."}
    call = {"type": "toolRequest", "id": "c", "toolCall": {"value": {"name": "shell"}}}
    alone = told("goose", [goose(rest, call)])
    assert (alone.spoken, alone.texts) == (["look."], ["look."])
    later = told("goose", [goose(begun), goose(rest, call)])
    assert (later.spoken, later.texts) == (["I ", "look."], ["I look."])
