"""What needs somebody, and in which order it is gone to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.events import (
    AgentFailed,
    AgentSpawned,
    AgentStatusChanged,
    ExecutionStarted,
    Payload,
    PermissionRequested,
    StoredEvent,
    TaskCreated,
    TaskDeadLettered,
)
from core.events.envelope import to_us
from core.projections import Permission, State, fold_many
from tui.asking import Inbox
from tui.details import Selection
from tui.screens.needing import Stop, beyond, stops

BEGAN_US = to_us(datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC))


def after(*steps: tuple[str, Payload]) -> State:
    """One second after the other."""
    return fold_many(
        State.empty(),
        [
            StoredEvent(
                position=number, branch="main", stream=stream, version=number, event_id_bytes=bytes(16),
                type=payload.type, schema_version=1, recorded_us=BEGAN_US + number * 1_000_000, session_id="S-1",
                tenant_id="local", correlation_id_bytes=None, causation_id=None, actor="x", hash=b"", payload=payload,
            )
            for number, (stream, payload) in enumerate(steps, 1)
        ],
    )  # fmt: skip


def test_what_cannot_go_on_without_an_answer_comes_first_and_then_the_oldest() -> None:
    state = after(
        ("agent/a", AgentSpawned(name="a", profile="shell")),
        ("agent/b", AgentSpawned(name="b", profile="shell")),
        ("task/T-1", TaskCreated(title="one", command="x")),
        ("task/T-1", TaskDeadLettered(attempts=1)),
        ("agent/a", AgentFailed(error="broken")),
        ("agent/b", AgentStatusChanged(previous="busy", current="waiting-permission")),
    )
    assert [stop.at.id for stop in stops(state, Inbox())] == ["b", "T-1", "a"]


def test_an_agent_is_gone_to_once_for_each_of_its_questions_in_the_order_they_were_asked() -> None:
    state = after(
        ("agent/a", AgentFailed(error="broken")),
        ("agent/b", AgentSpawned(name="b", profile="shell")),
        ("execution/T-1.1", ExecutionStarted(task_id="T-1", agent_id="b")),
        ("execution/T-1.1", PermissionRequested(request_id="p1")),
        ("execution/T-1.1", PermissionRequested(request_id="p2")),
        ("agent/b", AgentStatusChanged(previous="busy", current="waiting-permission")),
    )
    found = [(stop.at.id, stop.asked and stop.asked.id) for stop in stops(state, Inbox())]
    assert found == [("b", "p1"), ("b", "p2"), ("a", None)]


ASKS, TASK = Selection("agent", "a"), Selection("task", "T-1")
FIRST, SECOND, STUCK = Stop(ASKS, Permission(id="p1")), Stop(ASKS, Permission(id="p2")), Stop(TASK)
ALL = [FIRST, SECOND, STUCK]


@pytest.mark.parametrize(
    ("here", "by", "looked_at", "then"),
    [
        (Stop(Selection("nothing")), 1, (), FIRST),
        (Stop(Selection("nothing")), 1, ("p1", "p2"), FIRST),
        (Stop(Selection("nothing")), -1, ("p1", "p2"), STUCK),
        (FIRST, 1, ("p1",), SECOND),
        (STUCK, 1, ("p1",), SECOND),  # nobody has seen it yet
        (STUCK, 1, ("p1", "p2"), FIRST),
        (STUCK, -1, ("p1",), SECOND),
        (FIRST, -1, ("p1", "p2"), STUCK),
        (Stop(ASKS), 1, ("p1", "p2"), FIRST),  # at the agent, not at its question
    ],
)
def test_what_nobody_has_looked_at_comes_before_the_next(
    here: Stop, by: int, looked_at: tuple[str, ...], then: Stop
) -> None:
    assert beyond(ALL, here, by, looked_at) == then
