"""The conversation as a fold: what the events of executions become, in any order and with anything missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import events as e
from core.events import Payload, PermissionOption, PlanEntry, StoredEvent, UnknownEvent
from tui.transcript.entries import (
    Attempt,
    Call,
    Ending,
    Message,
    Note,
    Plan,
    Question,
    Record,
    Thought,
    Transcript,
    Usage,
)
from tui.transcript.speech import unfinished

SECOND = 1_000_000


def at(position: int, payload: Payload, stream: str = "execution/T-1.1") -> StoredEvent:
    return StoredEvent(
        position=position, branch="main", stream=stream, version=position, event_id_bytes=bytes(16),
        type=payload.type, schema_version=1, recorded_us=position * SECOND, session_id="S-1", tenant_id="local",
        correlation_id_bytes=None, causation_id=None, actor="agent:a", hash=b"", payload=payload,
    )  # fmt: skip


def told(*payloads: Payload, raw: bool = False) -> Transcript:
    return Transcript([at(position, payload) for position, payload in enumerate(payloads, 1)], raw=raw)


def spoken(position: int, *lines: str, channel: str = "text") -> StoredEvent:
    kind = "thought" if channel == "thought" else "text"
    return at(position, e.AgentOutput(channel=kind, lines=lines, execution_id="T-1.1"), "agent/a-1")


def call(status: str = "started", **more: object) -> Payload:
    match status:
        case "started":
            return e.ToolCallStarted(tool_call_id="c", tool_name="Read", input=more.get("input"))
        case "updated":
            return e.ToolCallUpdated(tool_call_id="c", title=str(more.get("title", "")), content=more.get("content"))
        case _:
            return e.ToolCallCompleted(tool_call_id="c", outcome="error" if status == "error" else "ok", output="out")


def test_messages_come_in_order_and_say_who_spoke() -> None:
    entries = told(
        e.MessageSent(text="go", by="user"), e.MessageReceived(text="hm", kind="thought"),
        e.MessageReceived(text="gone", role="assistant"), e.MessageReceived(text="again", role="user"),
    ).entries  # fmt: skip
    assert [(type(entry), getattr(entry, "text", ""), getattr(entry, "by", None)) for entry in entries] == [
        (Message, "go", "user"), (Thought, "hm", None), (Message, "gone", ""), (Message, "again", "user"),
    ]  # fmt: skip


def test_a_tool_call_is_one_entry_from_its_start_to_its_end() -> None:
    (entry,) = told(call(input={"path": "a"}), call("updated", title="Reading a", content="half"), call("ok")).entries
    assert isinstance(entry, Call)
    assert (entry.name, entry.title, entry.input, entry.content, entry.output) == (
        "Read", "Reading a", {"path": "a"}, "half", "out",
    )  # fmt: skip
    assert (entry.status, entry.at_us, entry.ended_us) == ("ok", SECOND, 3 * SECOND)


@pytest.mark.parametrize("first", ["updated", "ok"])
def test_a_call_nobody_announced_is_known_from_the_first_news_of_it(first: str) -> None:
    (entry,) = told(call(first, title="Reading"), call("error")).entries
    assert isinstance(entry, Call)
    assert entry.status == "error"


def test_the_same_call_id_in_two_attempts_is_two_calls() -> None:
    events = [at(1, call()), at(2, call("ok")), at(3, call(), "execution/T-1.2")]
    assert [entry.status for entry in Transcript(events).entries if isinstance(entry, Call)] == ["ok", "running"]


def test_what_an_attempt_left_open_is_closed_with_it() -> None:
    asked = e.PermissionRequested(request_id="p", tool_name="Read")
    tool, question, ending = told(call(), asked, e.ExecutionFailed(error="gone")).entries
    assert isinstance(tool, Call)
    assert isinstance(question, Question)
    assert (tool.status, tool.ended_us) == ("abandoned", 3 * SECOND)
    assert question.answer == "expired"
    assert isinstance(ending, Ending)
    assert (ending.status, ending.text) == ("failed", "gone")


def test_a_question_keeps_its_options_and_its_first_answer() -> None:
    option = PermissionOption(option_id="1", name="Yes", kind="allow_once")
    deadline = datetime(2026, 1, 1, tzinfo=UTC)
    (entry,) = told(
        e.PermissionRequested(request_id="p", tool_name="Edit", input={"x": 1}, options=(option,), deadline=deadline),
        e.PermissionGranted(request_id="p", option_id="1", kind="allow_once", by="user"),
        e.PermissionDenied(request_id="p", by="somebody else"),
    ).entries
    assert isinstance(entry, Question)
    assert (entry.answer, entry.kind, entry.by, entry.options) == ("granted", "allow_once", "user", (option,))
    assert entry.deadline_us == 1_767_225_600 * SECOND
    assert entry.decided_us == 2 * SECOND


def test_an_answer_whose_question_is_not_in_the_window_adds_nothing_but_itself() -> None:
    (entry,) = told(e.PermissionExpired(request_id="p")).entries
    assert isinstance(entry, Question)
    assert entry.answer == "expired"


def plan(status: str) -> e.PlanUpdated:
    return e.PlanUpdated(entries=(PlanEntry(content="one", status=status),))


def test_a_plan_that_changes_stays_where_it_is_until_something_else_happens() -> None:
    (entry,) = told(plan("pending"), plan("completed")).entries
    assert isinstance(entry, Plan)
    assert entry.steps[0].status == "completed"


def test_only_the_newest_plan_is_marked_so() -> None:
    old, _, new = told(plan("pending"), e.MessageReceived(text="x"), plan("completed")).entries
    assert isinstance(old, Plan)
    assert isinstance(new, Plan)
    assert (old.newest, new.newest) == (False, True)


def test_usage_adds_up_until_something_else_happens_and_context_replaces() -> None:
    first, _, second = told(
        e.UsageReported(input_tokens=10, output_tokens=1, cost_usd_micros=5, model="m"),
        e.UsageReported(scope="context", input_tokens=99, context_used_tokens=50, context_size_tokens=100),
        e.UsageReported(input_tokens=20),
        e.MessageReceived(text="x"),
        e.UsageReported(input_tokens=1),
    ).entries
    assert isinstance(first, Usage)
    assert (first.input_tokens, first.output_tokens, first.context_used_tokens) == (30, 1, 50)
    assert (first.cost_usd_micros, first.model) == (5, "m")
    assert isinstance(second, Usage)
    assert second.input_tokens == 1


def test_how_full_the_context_is_alone_is_no_entry_but_part_of_the_next() -> None:
    full = e.UsageReported(scope="context", context_used_tokens=50, context_size_tokens=100)
    message, used = told(full, e.MessageReceived(text="x"), full, e.UsageReported(output_tokens=1)).entries
    assert isinstance(message, Message)
    assert isinstance(used, Usage)
    assert (used.output_tokens, used.context_used_tokens, used.context_size_tokens) == (1, 50, 100)


def test_news_that_tell_the_input_and_the_content_by_name_are_taken_apart() -> None:
    (entry,) = told(call(), call("updated", content={"input": {"path": "a"}, "content": "half"})).entries
    assert isinstance(entry, Call)
    assert (entry.input, entry.content) == ({"path": "a"}, "half")


def test_turns_are_silent_and_everything_else_is_at_least_noted() -> None:
    unknown = UnknownEvent(type="mood:felt", schema_version=1, raw="{}")
    entries = told(
        e.ExecutionStarted(task_id="T-1", agent_id="a-1"), e.StepStarted(step_id="turn-1"),
        e.StepStarted(step_id="build", name="Build"), e.GoalEvaluated(goal_id="g", status="met"), unknown,
        e.ExecutionCompleted(),
    ).entries  # fmt: skip
    assert [type(entry) for entry in entries] == [Attempt, Note, Note, Note, Ending]
    assert [entry.unknown for entry in entries if isinstance(entry, Note)] == [False, False, True]


def test_records_of_the_protocol_are_shown_only_when_asked_for() -> None:
    events = [
        at(1, e.AgentOutput(channel="wire-in", lines=("{1}",)), "agent/a-1"),
        at(2, e.AgentOutput(channel="wire-in", lines=("{2}",)), "agent/a-1"),
        at(3, e.AgentOutput(channel="stderr", lines=("oops",)), "agent/a-1"),
        at(4, e.AgentOutput(channel="text", lines=("hello",)), "agent/a-1"),
    ]
    assert Transcript(events).entries == ()
    shown = [entry for entry in Transcript(events, raw=True).entries if isinstance(entry, Record)]
    assert [(entry.channel, entry.lines) for entry in shown] == [("wire-in", ("{1}", "{2}")), ("stderr", ("oops",))]


def test_an_entry_stays_the_same_object_until_something_changes_it() -> None:
    transcript = told(e.MessageReceived(text="x"), call())
    message, before = transcript.entries
    transcript.take(at(9, call("ok")))
    same, after = transcript.entries
    assert same is message
    assert after is not before


# -- what is being said -----------------------------------------------------------------------------------------------


def test_lines_without_a_whole_message_are_an_unfinished_one() -> None:
    (entry,) = unfinished([spoken(5, "one", "two"), spoken(6, "three")], told(e.MessageReceived(text="before")))
    assert isinstance(entry, Message)
    assert (entry.text, entry.unfinished, entry.at_us) == ("one\ntwo\nthree", True, 5 * SECOND)


def test_a_long_line_that_came_in_parts_is_one_line_again() -> None:
    (entry,) = unfinished([spoken(5, "one ", "two "), spoken(6, "three", "four  ", "five")], told())
    assert isinstance(entry, Message)
    assert entry.text == "one two three\nfour  \nfive"


def test_a_whole_message_ends_what_was_being_said() -> None:
    assert (
        unfinished([spoken(1, "one"), spoken(2, "two")], Transcript([at(3, e.MessageReceived(text="one\ntwo"))])) == []
    )


def test_lines_stored_after_their_whole_message_are_not_said_again() -> None:
    transcript = Transcript([at(3, e.MessageReceived(text="a")), at(4, e.MessageReceived(text="one\n two"))])
    late = at(5, e.AgentOutput(channel="text", lines=("a", "one", "two"), execution_id="T-1.1"), "agent/a-1")
    assert unfinished([late], transcript) == []
    (entry,) = unfinished([late, spoken(6, "three")], transcript)
    assert isinstance(entry, Message)
    assert entry.text == "three"


def test_the_same_words_said_again_much_later_are_a_new_message() -> None:
    transcript = Transcript([at(1, e.MessageReceived(text="yes"))])
    (entry,) = unfinished([spoken(60, "yes")], transcript)
    assert isinstance(entry, Message)
    assert entry.text == "yes"


def test_thoughts_and_words_are_told_apart() -> None:
    thought, message = unfinished([spoken(1, "hm", channel="thought"), spoken(2, "so")], told())
    assert isinstance(thought, Thought)
    assert isinstance(message, Message)


payloads = st.sampled_from(
    [
        call(), call("updated", title="t"), call("ok"), call("error"), plan("pending"), plan("completed"),
        e.MessageReceived(text="x"), e.MessageReceived(text="y", kind="thought"), e.MessageSent(text="z"),
        e.PermissionRequested(request_id="p"), e.PermissionGranted(request_id="p"), e.PermissionExpired(request_id="p"),
        e.UsageReported(input_tokens=1), e.ExecutionStarted(), e.ExecutionCompleted(), e.ExecutionFailed(error="x"),
        UnknownEvent(type="mood:felt", schema_version=1, raw="{}"), e.StepFailed(step_id="s"),
        e.AgentOutput(lines=("x",)),
    ]
)  # fmt: skip


@given(st.lists(payloads, max_size=30), st.booleans())
def test_any_events_in_any_order_fold_and_every_entry_has_its_own_key(events: list[Payload], raw: bool) -> None:
    whole = told(*events, raw=raw)
    keys = [entry.key for entry in whole.entries]
    assert len(keys) == len(set(keys))
    step_by_step = Transcript(raw=raw)
    for position, payload in enumerate(events, 1):
        step_by_step.take(at(position, payload))
    assert step_by_step.entries == whole.entries
