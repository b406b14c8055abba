"""What an event says in a few words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.events import (
    BudgetSet,
    BudgetTripped,
    Payload,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PlanEntry,
    PlanUpdated,
    ProfileParked,
    StoredEvent,
    UsageReported,
)
from tui.telling import tell

PLAN = (PlanEntry(content="Look", status="completed"), PlanEntry(content="Leap", status="pending"))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (PermissionGranted(request_id="p", kind="allow_once", by="user"), "once, by user"),
        (PermissionGranted(request_id="p", kind="allow_always", by="policy"), "from now on, by policy"),
        (PermissionGranted(request_id="p", kind="yes [red]", by="user"), "by user"),
        (PermissionDenied(request_id="p", kind="reject_once", by="user", reason="not now"), "by user · not now"),
        (PermissionDenied(request_id="p", by="policy", reason="policy"), "by policy"),
        (PermissionDenied(request_id="p"), "by nobody"),
        (PermissionExpired(request_id="p"), "nobody answered in time"),
        (BudgetSet(scope="session S-1", unit="tokens", limit=5_000), "0 of 5,000 tokens · session S-1"),
        (BudgetSet(scope="day 1", unit="tokens"), "no cap · day 1"),
        (BudgetTripped(scope="day 1", unit="usd_micros", limit=60_000, used=61_000), "$0.06 of $0.06 · day 1"),
        (ProfileParked(until=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), reason="enough"), "until 03:04:05 · enough"),
        (ProfileParked(reason="enough"), "enough"),
        (PlanUpdated(entries=PLAN), "1/2 · Leap"),
        (PlanUpdated(entries=PLAN[:1]), "1/1"),
        (PlanUpdated(entries=()), "0/0"),
        (UsageReported(input_tokens=1_200, output_tokens=30, cost_usd_micros=41_000), "1,200 in · 30 out · $0.04"),
        (UsageReported(scope="context", context_used_tokens=50, context_size_tokens=200), "25% of its context"),
        (UsageReported(scope="turn"), "turn"),
    ],
)
def test_events_about_answers_limits_and_usage_say_what_matters(payload: Payload, told: str) -> None:
    event = StoredEvent(
        position=1, branch="main", stream="execution/T-1.1", version=1, event_id_bytes=bytes(16), type=payload.type,
        schema_version=1, recorded_us=0, session_id="S-1", tenant_id="local", correlation_id_bytes=None,
        causation_id=None, actor="x", hash=b"", payload=payload,
    )  # fmt: skip
    assert tell(event) == told
