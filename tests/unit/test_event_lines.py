"""Lines that tell of events."""

from __future__ import annotations

from core.events import StoredEvent, TaskQueued
from tui.lines import because_lines
from tui.widgets.spans import text_of


def at(position: int) -> StoredEvent:
    return StoredEvent(
        position=position, branch="main", stream="task/T-1", version=position, event_id_bytes=bytes(16),
        type=TaskQueued.type, schema_version=1, recorded_us=1, session_id="S-1", tenant_id="local",
        correlation_id_bytes=None, causation_id=None, actor="x", hash=b"", payload=TaskQueued(),
    )  # fmt: skip


def test_causes_are_told_with_their_positions_however_long() -> None:
    told = [text_of(line) for line in because_lines([at(1_234_567), at(7)])]
    assert "1,234,567  task:queued" in told[0]
    assert "        7  task:queued" in told[1]
