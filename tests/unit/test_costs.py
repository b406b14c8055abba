"""What was used up, told: in the header, beside agents and tasks, and as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fakes.recorded import Step
from fakes.talking import ASKS, PRINTS, RESTS, WRITES, conversation, held_back

from core.events import (
    Append,
    BudgetSet,
    BudgetTripped,
    BudgetWarned,
    ExecutionCompleted,
    Payload,
    ProfileParked,
    ProfileUnparked,
    StoredEvent,
)
from core.events.envelope import to_us
from core.projections import State, fold
from tui.costs import cost_lines, session_facts
from tui.limits import news
from tui.look import Look
from tui.panels.agents import agent_rows
from tui.panels.header import Vitals, header
from tui.panels.queue import TaskRows, task_order
from tui.text import UNICODE, label
from tui.widgets.spans import text_of

BEGAN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def folded(steps: list[Step]) -> tuple[State, int]:
    """The state after these steps, and when that is."""
    state, moment, position = State.empty(), BEGAN, 0
    for seconds, appends in steps:
        moment += timedelta(seconds=seconds)
        for append in appends:
            for payload in append.events:
                position += 1
                state = fold(state, _stored(position, append, payload, to_us(moment)))
    return state, to_us(moment)


def _stored(position: int, append: Append, payload: Payload, at_us: int) -> StoredEvent:
    return StoredEvent(
        position=position, branch="main", stream=append.stream, version=position, event_id_bytes=bytes(16),
        type=payload.type, schema_version=1, recorded_us=at_us, session_id="S-1", tenant_id="local",
        correlation_id_bytes=None, causation_id=None, actor="x", hash=b"", payload=payload,
    )  # fmt: skip


def looking(*more: Step) -> Look:
    state, now_us = folded([*conversation(), *more])
    return Look(state=state, live=True, position=1, head=1, now_us=now_us, clock_us=now_us)


def told(look: Look) -> list[str]:
    return [text_of(line).rstrip() for line in cost_lines(look)]


def test_budgets_come_first_with_what_is_used_by_now() -> None:
    assert told(looking())[:5] == [
        "BUDGETS",
        "day 2026-03-14      $0.05 of $0.06", "███████████████▎░░░ nearly used up",
        "session S-1         16.6k of 100k tokens", "███▏░░░░░░░░░░░░░░░ in bounds",
    ]  # fmt: skip


def test_who_used_most_stands_first_and_who_used_nothing_is_left_out() -> None:
    lines = told(looking())
    agents = lines[lines.index("BY AGENT              tokens    cost") + 1 :][:2]
    assert agents == ["planner-1              13.2k   $0.04", "coder-2                 3.3k $0.0070"]
    assert not any(PRINTS in line for line in lines)
    assert "T-1 Make the reade…    13.2k   $0.04" in lines
    assert "2026-03-14             16.6k   $0.05" in lines
    assert "S-1                    16.6k   $0.05" in lines


def test_without_any_use_there_is_nothing_to_tell() -> None:
    assert list(cost_lines(Look(State.empty(), True, 0, 0, 0, 0))) == []


def test_a_session_says_what_it_and_the_day_used() -> None:
    look = looking()
    facts = [text_of(line) for line in session_facts(look.state.sessions["S-1"], look)]
    assert facts[2:] == ["so far   16,550 tokens · $0.05", "today    16,550 tokens · $0.05"]


VITALS = Vitals(label("webshop"), label("S-1"), (0.0,), 0.0)


def head(look: Look, vitals: Vitals = VITALS) -> str:
    left, right = header(look, vitals, 160, UNICODE)
    return text_of((*left, *right))


def test_the_header_shows_the_day_beside_its_cap() -> None:
    assert "$0.05 / $0.06 today" in head(looking())


def test_without_a_cap_the_header_shows_what_the_day_cost() -> None:
    lifted = Append("budget/day/usd_micros", [BudgetSet(scope="day 2026-03-14", unit="usd_micros")])
    assert "  $0.05 today" in head(looking((0, [lifted])))


def test_yesterday_is_not_today() -> None:
    assert "$0.00 / $0.06 today" in head(looking((86_400, [Append("execution/T-2.1", [ExecutionCompleted()])])))


@pytest.mark.parametrize(("asking", "said"), [(1, "1 question waits"), (3, "3 questions wait")])
def test_the_header_counts_the_questions_that_wait(asking: int, said: str) -> None:
    vitals = Vitals(label("webshop"), label("S-1"), (0.0,), 0.0, asking=asking)
    assert said in head(looking(), vitals)


def test_a_cap_that_is_reached_says_so_in_the_table() -> None:
    tripped = BudgetTripped(scope="session S-1", unit="tokens", limit=10_000, used=16_550)
    lines = told(looking((0, [Append("budget/session/tokens", [tripped])])))
    assert "███████████████████ used up" in lines


def test_agents_say_what_they_are_at_and_what_it_cost() -> None:
    rows = {row.id: row for row in agent_rows(looking())}
    assert rows[ASKS].doing == "T-1 Edit"
    assert (rows[ASKS].context, rows[ASKS].tokens, rows[ASKS].cost) == ("26%", "13.2k", "$0.04")
    assert rows[WRITES].doing == "T-2 Explain the exit codes"
    assert rows[PRINTS].doing == "T-3 Build the docs"
    assert (rows[PRINTS].tokens, rows[PRINTS].cost) == ("", "")


def test_between_tools_an_agent_is_at_a_step_of_its_plan() -> None:
    steps = conversation()
    ended = next(
        index for index, (_, appends) in enumerate(steps) if "c2" in str(appends) and "exit_code" in str(appends)
    )
    state, now_us = folded(steps[: ended + 1])
    look = Look(state=state, live=True, position=1, head=1, now_us=now_us, clock_us=now_us)
    (row,) = agent_rows(look)
    assert row.doing == "T-1 plan 0/4 Make the reader understand quotes"


def test_tasks_say_what_they_used() -> None:
    look = looking()
    rows = TaskRows(task_order(look.state), 0, look)
    assert [(rows.row(index).tokens, rows.row(index).cost) for index in range(3)] == [
        ("13.2k", "$0.04"), ("3.3k", "$0.0070"), ("", ""),
    ]  # fmt: skip


# -- what is held back --------------------------------------------------------------------------------------------


def held(*more: Step) -> Look:
    state, now_us = folded([*held_back(), *more])
    return Look(state=state, live=True, position=1, head=1, now_us=now_us, clock_us=now_us)


def test_a_parked_profile_says_until_when_beside_its_agents_and_its_tasks() -> None:
    look = held()
    agents = {row.id: row for row in agent_rows(look)}
    assert (agents[RESTS].status, agents[RESTS].doing) == ("parked", "until 09:41:30 · rate limit reached")
    assert agents[WRITES].status == "busy", "what it began it may end"
    tasks = TaskRows(task_order(look.state), 0, look)
    rows = {row.id: row for row in (tasks.row(index) for index in range(len(tasks)))}
    assert (rows[label("T-5")].status, rows[label("T-5")].aside) == ("parked", "until 09:41:30 · rate limit reached")
    assert rows[label("T-6")].status == "queued"


def test_a_profile_that_is_not_parked_any_more_holds_nothing_back() -> None:
    look = held((1, [Append("profile/coder", [ProfileUnparked(reason="its time has come")])]))
    assert {row.status for row in agent_rows(look)} == {"waiting-permission", "busy", "idle"}
    assert "PARKED" not in told(look)


def test_the_costs_say_how_long_a_profile_is_parked() -> None:
    lines = told(held())
    assert lines[lines.index("PARKED") + 1] == "coder               until 09:41:30 · 13m48s left · rate limit reached"


def test_a_budget_that_is_used_up_says_so_in_the_header_however_narrow() -> None:
    assert "$0.06 / $0.06 today used up" in head(held())
    left, right = header(held(), VITALS, 60, UNICODE)
    assert "$ used up" in text_of((*left, *right))


def test_the_cap_that_stops_is_shown_before_one_that_is_only_fuller() -> None:
    tripped = BudgetTripped(scope="profile coder in S-1", unit="tokens", limit=100, used=120)
    fuller = BudgetSet(scope="session S-1", unit="usd_micros", limit=1)
    appends = [Append("budget/profile/coder/tokens", [tripped]), Append("budget/session/usd_micros", [fuller])]
    assert "of coder used up" in head(looking((0, appends)))


@pytest.mark.parametrize(
    ("payloads", "said"),
    [
        ((BudgetWarned(scope="session S-1"), BudgetTripped(scope="day 1")), "the budget of day 1 is used up"),
        ((BudgetWarned(scope="session S-1"),), "the budget of session S-1 is nearly used up"),
        ((ProfileParked(until=BEGAN, reason="enough"), BudgetWarned(scope="x")), "coder is parked until 09:26:53: en"),
        ((ProfileParked(reason="enough"),), "coder is parked: enough"),
        ((ExecutionCompleted(),), None),
    ],
)
def test_the_gravest_limit_that_was_just_reached_is_told(payloads: tuple[Payload, ...], said: str | None) -> None:
    append = Append("profile/coder", list(payloads))
    found = news(_stored(position, append, payload, 0) for position, payload in enumerate(payloads, 1))
    assert found is None if said is None else found is not None and found[0].startswith(said)
