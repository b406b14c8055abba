"""The vocabulary: what is registered, what survives, what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
import pytest

from core.errors import InvalidEvent, PayloadTooLarge
from core.events import (
    EVENT_TYPES,
    AgentRestarting,
    CustomRecorded,
    GoalEvaluated,
    TaskCreated,
    TaskQueued,
    UnknownEvent,
    decode,
    encode,
)
from core.events.registry import MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(("name", "cls"), EVENT_TYPES.items())
def test_a_class_is_named_after_its_type(name: str, cls: type) -> None:
    assert "".join(word.capitalize() for word in re.split("[:-]", name)) == cls.__name__


@pytest.mark.parametrize("cls", EVENT_TYPES.values())
def test_every_class_says_what_it_means(cls: type) -> None:
    assert cls.__doc__


def test_the_catalogue_is_whole() -> None:
    kinds = {name.partition(":")[0] for name in EVENT_TYPES}
    assert kinds == {
        "agent", "conversation", "task", "execution", "step", "tool-call", "artifact", "goal", "permission",
        "usage", "message", "plan", "custom", "memory", "swarm", "session", "workspace", "signal", "lock",
        "checkpoint", "branch", "budget", "profile", "config", "mcp-server", "bookmark", "log",
    }  # fmt: skip
    assert len(EVENT_TYPES) == 106


def test_what_goes_in_comes_out_typed() -> None:
    event = TaskCreated(title="build", depends_on=("a",), run_at=datetime(2026, 1, 2, tzinfo=UTC), command="make")
    text, back = encode(event)
    assert back == event
    assert decode("task:created", 1, text) == event


def test_a_list_given_for_a_tuple_is_stored_as_one() -> None:
    _, back = encode(TaskCreated(title="x", depends_on=["a"]))  # type: ignore[arg-type]
    assert isinstance(back, TaskCreated)
    assert back.depends_on == ("a",)


@pytest.mark.parametrize(
    "event",
    [
        TaskCreated(title=5),  # type: ignore[arg-type]
        TaskCreated(title="\ud800"),
        GoalEvaluated(goal_id="g", status="perhaps"),  # type: ignore[arg-type]
        CustomRecorded(event_type="x", fields={"a": object()}),
        UnknownEvent(type="odd:thing", schema_version=1, raw="not json"),
        UnknownEvent(type="odd:thing", schema_version=1, raw="[1]"),
        UnknownEvent(type="task:queued", schema_version=1, raw="{}"),
    ],
)
def test_what_would_not_come_back_is_refused(event: TaskCreated) -> None:
    with pytest.raises(InvalidEvent, match="nothing was stored"):
        encode(event)


def test_nesting_without_end_is_refused() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(50_000):
        inner["a"] = inner = {}
    with pytest.raises(InvalidEvent):
        encode(CustomRecorded(event_type="x", fields=deep))


def test_a_payload_over_the_limit_is_refused_by_its_bytes() -> None:
    encode(TaskCreated(title="x" * (MAX_PAYLOAD_BYTES - 500)))
    with pytest.raises(PayloadTooLarge):
        encode(TaskCreated(title="é" * (MAX_PAYLOAD_BYTES // 2)))


def test_an_unknown_type_keeps_its_bytes() -> None:
    raw = '{"b": 1,  "a": [null]}'
    event = decode("odd:thing", 7, raw)
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.schema_version, event.raw) == ("odd:thing", 7, raw)
    assert encode(event) == (raw, event)


def test_a_newer_schema_is_unknown_and_not_misread() -> None:
    event = decode("task:queued", 99, '{"reason": "x"}')
    assert isinstance(event, UnknownEvent)
    assert "newer" in event.reason


def test_a_damaged_payload_is_unknown_and_not_fatal() -> None:
    assert isinstance(decode("task:created", 1, '{"title": 3'), UnknownEvent)
    assert isinstance(decode("task:created", 1, b"\xff\xfe"), UnknownEvent)


def test_fields_of_a_newer_writer_are_ignored_when_the_schema_is_the_same() -> None:
    assert decode("task:queued", 1, '{"reason": "x", "colour": "red"}') == TaskQueued(reason="x")


def test_an_older_payload_is_upcast_through_every_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.events import registry

    def renamed(fields: dict[str, object]) -> dict[str, object]:
        return {"title": fields.pop("name"), **fields}

    def numbered(fields: dict[str, object]) -> dict[str, object]:
        return {**fields, "priority": int(str(fields["priority"]))}

    monkeypatch.setitem(registry._versions, "task:created", 3)
    monkeypatch.setitem(registry._upcasters, ("task:created", 1), renamed)
    monkeypatch.setitem(registry._upcasters, ("task:created", 2), numbered)
    assert decode("task:created", 1, '{"name": "old", "priority": "4"}') == TaskCreated(title="old", priority=4)
    assert decode("task:created", 2, '{"title": "old", "priority": "4"}') == TaskCreated(title="old", priority=4)


def test_events_cannot_be_changed() -> None:
    event = AgentRestarting(attempt=1)
    with pytest.raises(AttributeError):
        event.attempt = 2  # type: ignore[misc]


def test_payloads_name_every_field_so_that_a_default_may_change_later() -> None:
    text, _ = encode(TaskQueued())
    assert msgspec.json.decode(text) == {"reason": ""}
