"""What the records of the Agent Client Protocol mean: in recordings of real agents, and in hard cases."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import pytest
from fakes.told import FIXTURES, OPENING, answered, asked, chunk, decode, recording, refused, said, steps, turn, update
from hypothesis import given
from hypothesis import strategies as st

from core.agents.acp.decoder import AcpDecoder
from core.events import (
    ConversationOpened,
    Event,
    MessageReceived,
    Payload,
    PermissionDenied,
    PermissionGranted,
    PermissionRequested,
    PlanUpdated,
    StepCompleted,
    StepFailed,
    StepStarted,
    ToolCallCompleted,
    ToolCallStarted,
    ToolCallUpdated,
    UsageReported,
)
from core.events.registry import encode

RECORDINGS = sorted(path.stem for path in FIXTURES.glob("acp-*.jsonl"))
E = TypeVar("E", bound=Event)


def of(events: list[Payload], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def only(events: list[Payload], kind: type[E]) -> E:
    (event,) = of(events, kind)
    return event


# -- recordings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_call_and_turn_that_starts_ends_once(name: str) -> None:
    events, outcome = decode(AcpDecoder(), recording(name))
    started = [event.tool_call_id for event in of(events, ToolCallStarted)]
    ended = [event.tool_call_id for event in of(events, ToolCallCompleted)]
    assert sorted(started) == sorted(ended)
    assert len(set(started)) == len(started)
    turns = [event.step_id for event in of(events, StepStarted)]
    assert turns == [event.step_id for event in events if isinstance(event, StepCompleted | StepFailed)]
    permissions = Counter(event.request_id for event in of(events, PermissionRequested))
    decided = Counter(event.request_id for event in events if isinstance(event, PermissionGranted | PermissionDenied))
    assert permissions == decided
    assert outcome is not None
    for event in events:
        encode(event)


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_outcome_is_what_the_recording_is_named_after(name: str) -> None:
    _, outcome = decode(AcpDecoder(), recording(name))
    assert outcome is not None
    wanted = "cancelled" if "cancel" in name else "failed" if "noauth" in name else "completed"
    assert outcome.status == wanted
    if wanted == "completed":
        assert outcome.text == "STUB: done."
    if wanted == "failed":
        assert outcome.text.startswith("it needs to be logged in")
        assert not outcome.retryable


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_is_spoken_is_what_the_messages_hold(name: str) -> None:
    decoded = list(steps(AcpDecoder(), recording(name)))
    spoken = "".join(piece.text for one in decoded for piece in one.spoken)
    whole = "".join(event.text for one in decoded for event in one.events if isinstance(event, MessageReceived))
    assert spoken == whole


@pytest.mark.parametrize("name", [name for name in RECORDINGS if "tool-reject" in name and "codex" not in name])
def test_a_call_that_was_rejected_is_denied_whether_the_agent_says_so_or_not(name: str) -> None:
    events, _ = decode(AcpDecoder(), recording(name))
    assert only(events, ToolCallCompleted).outcome == "denied"
    assert only(events, PermissionDenied).reason == "reject_once"


@pytest.mark.parametrize("name", ["acp-goose-cancel-tool", "acp-codex-acp-cancel-tool"])
def test_a_call_that_a_cancel_leaves_open_is_abandoned(name: str) -> None:
    events, _ = decode(AcpDecoder(), recording(name))
    assert only(events, ToolCallCompleted).outcome == "abandoned"


def test_a_permission_request_is_the_start_of_a_call_nobody_announced() -> None:
    events, _ = decode(AcpDecoder(), recording("acp-gemini-edit"))
    kinds = [event.type for event in events]
    assert kinds.index("tool-call:started") < kinds.index("permission:requested")
    asked_for = only(events, PermissionRequested)
    assert asked_for.tool_call_id == only(events, ToolCallStarted).tool_call_id
    assert asked_for.tool_name == "Writing to g.txt"
    assert isinstance(asked_for.input, dict)
    assert asked_for.input["kind"] == "edit"
    assert asked_for.input["content"][0]["newText"] == "gem\n"
    assert [option.kind for option in asked_for.options] == ["allow_always", "allow_once", "reject_once"]


def test_usage_is_found_wherever_an_agent_tells_it() -> None:
    gemini, codex, opencode = (
        decode(AcpDecoder(), recording(name))[0]
        for name in ("acp-gemini-tool-allow", "acp-codex-acp-edit", "acp-opencode-tool-allow")
    )
    assert (only(gemini, UsageReported).input_tokens, only(gemini, UsageReported).output_tokens) == (200, 14)
    (turn_usage,) = [usage for usage in of(codex, UsageReported) if usage.scope == "turn"]
    assert (turn_usage.model, turn_usage.input_tokens, turn_usage.cached_tokens) == ("stub-1", 120, 80)
    context = [usage for usage in of(opencode, UsageReported) if usage.scope == "context"]
    assert sum(usage.cost_usd_micros or 0 for usage in context) == 228


# -- hard cases ---------------------------------------------------------------------------------------------------


def test_a_message_ends_where_another_begins_or_a_tool_is_used() -> None:
    records = [
        chunk("a", "1"), chunk("b", "1"), chunk("c", "2"), chunk("hm", kind="agent_thought_chunk"),
        update("tool_call", toolCallId="t", title="T", status="completed"), chunk("d"), chunk("e"),
    ]  # fmt: skip
    events, outcome = decode(AcpDecoder(), [*OPENING, *turn(*records)])
    said_ = [(message.kind, message.text) for message in of(events, MessageReceived)]
    assert said_ == [("text", "ab"), ("text", "c"), ("thought", "hm"), ("text", "de")]
    assert outcome is not None
    assert outcome.text == "de"
    types = [event.type for event in events]
    assert types.index("tool-call:started") == types.index("message:received") + 3


def test_a_message_as_long_as_any_costs_no_more_than_its_length() -> None:
    pieces = [chunk("x" * 1000) for _ in range(20_000)]
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(*pieces)])
    assert len(only(events, MessageReceived).text) == 256 * 1024


def test_what_was_said_before_is_not_news_when_a_conversation_is_loaded() -> None:
    records = [
        asked("initialize", 0), answered(0, protocolVersion=1, agentCapabilities={"loadSession": True}),
        asked("session/load", 1, sessionId="s"), update("user_message_chunk", content={"type": "text", "text": "hi"}),
        chunk("old"), update("tool_call", toolCallId="old", status="completed"), answered(1), *turn(chunk("new")),
    ]  # fmt: skip
    events, _ = decode(AcpDecoder(), records)
    assert only(events, MessageReceived).text == "new"
    assert not of(events, ToolCallStarted)
    assert only(events, ConversationOpened) == ConversationOpened(conversation_id="s", resumable=True)


def test_another_conversation_is_not_ours() -> None:
    news = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}
    stranger = said("incoming", method="session/update", params={"sessionId": "other", "update": news})
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(stranger)])
    assert not of(events, MessageReceived)


def test_meta_changes_nothing() -> None:
    spoof = chunk("real")
    spoof["msg"]["params"]["_meta"] = {"sessionId": "other", "update": "X"}  # type: ignore[index]
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(spoof)])
    assert only(events, MessageReceived).text == "real"


def test_a_call_told_only_when_it_is_over_starts_and_ends() -> None:
    over = update("tool_call_update", toolCallId="t", title="T", status="failed", rawOutput={"exit": 1})
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(over, over)])
    assert only(events, ToolCallStarted).tool_name == "T"
    assert only(events, ToolCallCompleted) == ToolCallCompleted(
        step_id="turn-1", tool_call_id="t", outcome="error", output={"exit": 1}
    )


def test_an_update_that_tells_nothing_new_is_no_event() -> None:
    running = update("tool_call_update", toolCallId="t", title="T", status="in_progress", rawInput={"a": 1})
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(running, running, running)])
    assert len(of(events, ToolCallStarted)) == 1
    assert not of(events, ToolCallUpdated)


def test_a_plan_is_told_whole_and_only_when_it_changed() -> None:
    entries = [{"content": "one", "priority": "high", "status": "pending"}, "nonsense", {"content": 3}]
    plan = update("plan", entries=entries)
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(plan, plan)])
    assert [entry.content for entry in only(events, PlanUpdated).entries] == ["one", ""]


def test_costs_are_told_for_the_whole_conversation_and_recorded_as_they_grow() -> None:
    def cost(amount: float, currency: str = "USD") -> dict[str, object]:
        return update("usage_update", used=1, size=2, cost={"amount": amount, "currency": currency})

    records = turn(cost(0.25), cost(0.25), cost(0.75), cost(9, "EUR"), cost(float("nan")), cost(float("inf")), cost(-1))
    events, _ = decode(AcpDecoder(), [*OPENING, *records])
    assert [usage.cost_usd_micros for usage in of(events, UsageReported)] == [250_000, 500_000]


@pytest.mark.parametrize(
    ("stop", "status", "words"),
    [
        ("end_turn", "completed", ""),
        ("max_tokens", "failed", "too long"),
        ("max_turn_requests", "failed", "as often as it may"),
        ("refusal", "failed", "refused"),
        ("cancelled", "failed", "gave the turn up"),
        ("weird", "failed", "unknown to us, 'weird'"),
    ],
)
def test_only_one_way_to_stop_is_success(stop: str, status: str, words: str) -> None:
    events, outcome = decode(AcpDecoder(), [*OPENING, *turn(stop=stop)])
    assert outcome is not None
    assert outcome.status == status
    assert words in outcome.text
    assert len([event for event in events if isinstance(event, StepCompleted | StepFailed)]) == 1


def test_an_agent_that_speaks_another_version_is_refused() -> None:
    for version, words in ((2, "speaks version 2"), ("1", "speaks no version"), (None, "speaks no version")):
        _, outcome = decode(AcpDecoder(), [asked("initialize", 0), answered(0, protocolVersion=version)])
        assert outcome is not None
        assert words in outcome.text
        assert not outcome.retryable


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "it opened no conversation: Internal error"),
        ("no provider\n  at main (x.js:1)", "it opened no conversation: Internal error: no provider"),
        ({"details": "no such model"}, "it opened no conversation: Internal error: no such model"),
        ({"message": "no such model"}, "it opened no conversation: Internal error: no such model"),
        ({"details": "Internal error"}, "it opened no conversation: Internal error"),
        (["odd"], "it opened no conversation: Internal error"),
    ],
)
def test_what_an_agent_refuses_is_one_sentence_with_its_details(data: object, sentence: str) -> None:
    refusal = refused(1, -32603, "Internal error")
    refusal["msg"]["error"]["data"] = data
    _, outcome = decode(AcpDecoder(), [*OPENING[:2], asked("session/new", 1), refusal])
    assert outcome is not None
    assert outcome.text == sentence


def test_a_rate_limit_says_when_to_come_back() -> None:
    prompt = asked("session/prompt", 2, prompt=[])
    _, outcome = decode(AcpDecoder(), [*OPENING, prompt, refused(2, 429, "Rate limit exceeded")])
    assert outcome is not None
    assert (outcome.status, outcome.retry_after_s, outcome.retryable) == ("failed", 0, True)


def test_an_end_in_the_middle_closes_everything() -> None:
    records = [*OPENING, *turn(chunk("half"), update("tool_call", toolCallId="t", title="T"))[:-1]]
    events, outcome = decode(AcpDecoder(), records)
    assert [event.type for event in events][-4:] == [
        "message:received", "tool-call:started", "tool-call:completed", "step:failed",
    ]  # fmt: skip
    assert outcome is not None
    assert outcome.text == "it ended in the middle of its turn"


def test_an_end_before_anything_is_a_failure() -> None:
    _, outcome = decode(AcpDecoder(), [])
    assert outcome is not None
    assert outcome.text == "it ended before a conversation was opened"


def test_the_same_call_id_may_come_again_in_another_turn() -> None:
    call = update("tool_call", toolCallId="t", title="T", status="completed")
    events, _ = decode(AcpDecoder(), [*OPENING, *turn(call), *turn(call, number=3)])
    assert [event.step_id for event in of(events, ToolCallCompleted)] == ["turn-1", "turn-2"]


WORDS = st.sampled_from([
    "dir", "msg", "id", "method", "params", "result", "error", "update", "sessionUpdate", "toolCallId", "status",
    "content", "text", "type", "sessionId", "toolCall", "options", "optionId", "outcome", "usage", "cost", "_meta",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
METHODS = st.sampled_from([
    "initialize", "session/new", "session/load", "session/prompt", "session/update", "session/request_permission", "x",
])  # fmt: skip
UPDATES = st.sampled_from([
    "agent_message_chunk", "tool_call", "tool_call_update", "plan", "usage_update", "current_mode_update", "x",
])  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {}, optional={"id": st.integers(0, 2) | JSON, "method": METHODS | JSON, "result": JSON, "error": JSON,
                  "params": st.fixed_dictionaries({}, optional={
                      "sessionId": st.just("s") | JSON, "toolCall": JSON, "options": JSON, "prompt": JSON,
                      "update": st.fixed_dictionaries({"sessionUpdate": UPDATES}, optional={
                          "toolCallId": st.sampled_from(["a", "b"]) | JSON, "status": JSON, "content": JSON,
                          "title": JSON, "entries": JSON, "used": JSON, "cost": JSON, "rawInput": JSON,
                      }) | JSON,
                  }) | JSON},
)  # fmt: skip


@given(
    st.lists(
        st.fixed_dictionaries({"dir": st.sampled_from(["incoming", "outgoing"]), "msg": MESSAGES | JSON}), max_size=8
    )
)
def test_a_record_of_any_shape_is_accepted(records: list[dict[str, object]]) -> None:
    events, _ = decode(AcpDecoder(), [*OPENING, *records])
    started = Counter(event.tool_call_id for event in of(events, ToolCallStarted))
    ended = Counter(event.tool_call_id for event in of(events, ToolCallCompleted))
    assert started == ended
