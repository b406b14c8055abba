"""What needs somebody, and in which order it is gone to."""

from __future__ import annotations

from datetime import UTC, datetime

from core.events import (
    AgentFailed,
    AgentSpawned,
    AgentStatusChanged,
    Payload,
    StoredEvent,
    TaskCreated,
    TaskDeadLettered,
)
from core.events.envelope import to_us
from core.projections import State, fold_many
from tui.screens.work import needing_you

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
    assert [selection.id for selection in needing_you(state)] == ["b", "T-1", "a"]
