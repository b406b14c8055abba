"""Budgets and parking, from numbers alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agents.decoding import Outcome
from core.agents.limits import begins_nothing, held_back, next_change_us, to_tell, unparking
from core.agents.parking import LONGEST_S, SHORTEST_S, UNSAID_S, parking, rests_until
from core.config import Budget, Budgets, Config, Profile
from core.events import (
    AgentSpawned,
    Append,
    BudgetSet,
    BudgetTripped,
    BudgetWarned,
    ExecutionStarted,
    Payload,
    ProfileParked,
    ProfileUnparked,
    SessionStarted,
    StoredEvent,
    TaskCreated,
    UsageReported,
)
from core.events.envelope import to_us
from core.projections import State, Usage, UsageQueries, fold_many
from core.scheduling.policy import Fleet, why_waiting

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PROFILES = ("ann", "bob")


class World:
    """A state that grows, and the time in it."""

    def __init__(self, config: Config) -> None:
        self.config, self.now, self.state = config, NOON, State.empty()
        self.sessions = 0
        self.begin_session()
        for name in PROFILES:
            self.add(f"agent/{name}-1", AgentSpawned(name=f"{name}-1", profile=name))
            self.add(f"task/T-{name}", TaskCreated(title=name, profile=name))
            self.add(f"execution/{name}", ExecutionStarted(agent_id=f"{name}-1", task_id=f"T-{name}"))

    def add(self, stream: str, *payloads: Payload) -> None:
        for payload in payloads:
            position = self.state.position + 1
            event = StoredEvent(
                position, "main", stream, position, b"", payload.type, 1, to_us(self.now), f"S-{self.sessions}",
                "local", None, None, "user", b"", payload,
            )  # fmt: skip
            self.state = fold_many(self.state, [event])

    def append(self, appends: Sequence[Append]) -> list[Payload]:
        for append in appends:
            self.add(append.stream, *append.events)
        return [event for append in appends for event in append.events]

    def begin_session(self) -> None:
        self.sessions += 1
        self.add(f"session/S-{self.sessions}", SessionStarted(session_id=f"S-{self.sessions}"))

    def use(self, profile: str, tokens: int = 0, usd: float = 0.0) -> None:
        cost = round(usd * 1_000_000)
        self.add(f"execution/{profile}", UsageReported(input_tokens=tokens, cost_usd_micros=cost))

    def tell(self) -> list[Payload]:
        return self.append(to_tell(self.state, self.config, self.now))


def world(*, session: Budget | None = None, day: Budget | None = None, ann: Budget | None = None) -> World:
    profiles = {"ann": Profile(budget=ann or Budget()), "bob": Profile()}
    return World(Config(budget=Budgets(session=session or Budget(), day=day or Budget()), profiles=profiles))


# -- budgets ------------------------------------------------------------------------------------------------------


def test_without_caps_there_is_nothing_to_tell() -> None:
    free = world()
    free.use("ann", 10**9, 10**6)
    assert free.tell() == []
    assert held_back(free.state, "ann") == ""


def test_a_cap_is_set_then_warns_then_trips_once_each() -> None:
    capped = world(session=Budget(tokens=100))
    scope = "session S-1"
    assert capped.tell() == [BudgetSet(scope=scope, unit="tokens", limit=100, used=0)]
    capped.use("ann", 79)
    assert capped.tell() == []
    capped.use("bob", 1)
    assert capped.tell() == [BudgetWarned(scope=scope, unit="tokens", limit=100, used=80)]
    capped.use("bob", 1)
    assert capped.tell() == []
    assert held_back(capped.state, "ann") == ""
    capped.use("ann", 30)
    assert capped.tell() == [BudgetTripped(scope=scope, unit="tokens", limit=100, used=111)]
    capped.use("ann", 30)
    assert capped.tell() == []
    for profile in PROFILES:
        assert held_back(capped.state, profile) == "the budget of session S-1 is used up: 111 of 100 tokens"


def test_money_is_counted_in_dollars() -> None:
    capped = world(day=Budget(usd=2.5, warn_at=0.5))
    capped.use("ann", usd=1.3)
    told = capped.tell()
    assert told == [
        BudgetSet(scope="day 2026-01-02", unit="usd_micros", limit=2_500_000, used=1_300_000),
        BudgetWarned(scope="day 2026-01-02", unit="usd_micros", limit=2_500_000, used=1_300_000),
    ]
    capped.use("ann", usd=1.2)
    capped.tell()
    assert held_back(capped.state, "ann") == "the budget of day 2026-01-02 is used up: $2.50 of $2.50"


def test_a_profiles_budget_holds_nobody_else_back() -> None:
    capped = world(ann=Budget(tokens=10))
    capped.use("ann", 10)
    capped.use("bob", 10)
    capped.tell()
    assert "profile ann in S-1" in held_back(capped.state, "ann")
    assert held_back(capped.state, "bob") == ""


def test_nothing_at_all_may_be_used_of_a_budget_of_nothing() -> None:
    capped = world(ann=Budget(tokens=0))
    assert [type(event) for event in capped.tell()] == [BudgetSet, BudgetTripped]


def test_a_new_session_begins_with_nothing_used() -> None:
    capped = world(session=Budget(tokens=10))
    capped.use("ann", 10)
    capped.tell()
    capped.begin_session()
    assert capped.tell() == [BudgetSet(scope="session S-2", unit="tokens", limit=10, used=0)]
    assert held_back(capped.state, "ann") == ""


def test_a_new_day_begins_with_nothing_used_and_is_waited_for() -> None:
    capped = world(day=Budget(tokens=10))
    assert next_change_us(capped.state, capped.now) is None
    capped.use("ann", 10)
    capped.tell()
    midnight = datetime(2026, 1, 3, tzinfo=UTC)
    assert next_change_us(capped.state, capped.now) == to_us(midnight)
    capped.now = midnight
    assert capped.tell() == [BudgetSet(scope="day 2026-01-03", unit="tokens", limit=10, used=0)]
    assert held_back(capped.state, "ann") == ""
    assert next_change_us(capped.state, capped.now) is None


def test_a_raised_cap_lets_work_go_on_and_a_removed_one_too() -> None:
    capped = world(session=Budget(tokens=10))
    capped.use("ann", 10)
    capped.tell()
    capped.config = Config(budget=Budgets(session=Budget(tokens=20)), profiles=capped.config.profiles)
    assert capped.tell() == [BudgetSet(scope="session S-1", unit="tokens", limit=20, used=10)]
    assert held_back(capped.state, "ann") == ""
    capped.use("ann", 10)
    capped.tell()
    assert held_back(capped.state, "ann")
    capped.config = Config(profiles=capped.config.profiles)
    assert capped.tell() == [BudgetSet(scope="session S-1", unit="tokens")]
    assert held_back(capped.state, "ann") == ""
    assert capped.tell() == []


def test_a_turn_does_not_begin_although_it_was_not_yet_told_that_the_cap_is_reached() -> None:
    capped = world(ann=Budget(tokens=10))
    capped.use("ann", 10)
    assert begins_nothing(capped.state, "ann", capped.config, capped.now) == (
        "the budget of profile ann in S-1 is used up: 10 of 10 tokens"
    )
    assert begins_nothing(capped.state, "bob", capped.config, capped.now) == ""


def test_a_waiting_task_says_that_the_budget_is_used_up() -> None:
    capped = world(session=Budget(tokens=10))
    capped.use("ann", 12)
    capped.tell()
    task = capped.state.tasks["T-ann"]
    assert why_waiting(capped.state, capped.config, task) == ("the budget of session S-1 is used up: 12 of 10 tokens")


@st.composite
def _budgets(draw: st.DrawFn) -> Budget:
    tokens = draw(st.none() | st.integers(0, 60))
    cents = draw(st.none() | st.integers(0, 60))
    warn_at = draw(st.sampled_from([0.1, 0.5, 0.8, 1.0]))
    return Budget(tokens=tokens, usd=None if cents is None else cents / 100, warn_at=warn_at)


@st.composite
def _configs(draw: st.DrawFn) -> Config:
    profiles = {name: Profile(budget=draw(_budgets())) for name in PROFILES}
    return Config(budget=Budgets(session=draw(_budgets()), day=draw(_budgets())), profiles=profiles)


_STEPS = st.one_of(
    st.tuples(st.sampled_from(PROFILES), st.integers(0, 30), st.integers(0, 30)),
    st.timedeltas(timedelta(), timedelta(hours=30)),
    st.just("session"),
    _configs(),
)


@given(config=_configs(), steps=st.lists(_STEPS, max_size=12))
def test_agents_are_held_back_exactly_while_a_cap_is_reached(config: Config, steps: list[object]) -> None:
    here = World(config)
    used: Counter[tuple[str, str]] = Counter()
    told: list[Payload] = []
    for step in [None, *steps]:
        match step:
            case (str(profile), int(tokens), int(cents)):
                here.use(profile, tokens, cents / 100)
                for scope in (f"session {here.sessions}", f"day {here.now.date()}", f"{profile} {here.sessions}"):
                    used[scope, "tokens"] += tokens
                    used[scope, "cents"] += cents
            case timedelta():
                here.now += step
            case "session":
                here.begin_session()
            case Config():
                here.config = step
            case _:
                pass
        told += here.tell()
        assert here.tell() == [], "what was told is not told again"
        for profile in PROFILES:
            scopes = {
                f"session {here.sessions}": here.config.budget.session,
                f"day {here.now.date()}": here.config.budget.day,
                f"{profile} {here.sessions}": here.config.profiles[profile].budget,
            }
            reached = any(
                (budget.tokens is not None and used[scope, "tokens"] >= budget.tokens)
                or (budget.usd is not None and used[scope, "cents"] >= round(budget.usd * 100))
                for scope, budget in scopes.items()
            )
            assert bool(held_back(here.state, profile)) is reached
            assert bool(begins_nothing(here.state, profile, here.config, here.now)) is reached
            assert Fleet(here.state, here.config).place(profile).spawn is not reached
    for event in told:
        assert isinstance(event, BudgetSet | BudgetWarned | BudgetTripped)
        assert isinstance(event, BudgetSet) or (event.used >= event.limit) is isinstance(event, BudgetTripped)


def test_usage_is_told_by_agent_task_session_and_day() -> None:
    here = world()
    here.use("ann", 10, 0.5)
    here.now += timedelta(days=1)
    here.begin_session()
    here.use("ann", 5)
    here.use("bob", 1, 0.25)
    queries = UsageQueries(here.state)
    assert queries.by_agent() == [
        Usage(id="ann-1", tokens=15, cost_usd_micros=500_000), Usage(id="bob-1", tokens=1, cost_usd_micros=250_000)
    ]  # fmt: skip
    assert [(usage.id, usage.tokens) for usage in queries.by_task()] == [("T-ann", 15), ("T-bob", 1)]
    assert [(usage.id, usage.tokens) for usage in queries.by_session()] == [("S-1", 10), ("S-2", 6)]
    assert [(usage.id, usage.tokens) for usage in queries.by_day()] == [("2026-01-02", 10), ("2026-01-03", 6)]


def test_the_size_of_a_context_is_not_used_up() -> None:
    here = world()
    here.add("execution/ann", UsageReported(scope="context", input_tokens=500, context_used_tokens=500))
    assert UsageQueries(here.state).by_session() == []


# -- parking ------------------------------------------------------------------------------------------------------


def _limited(**told: float) -> Outcome:
    return Outcome(status="failed", text="429", **told)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (None, None),
        (Outcome(status="completed", retry_after_s=5), None),
        (Outcome(status="cancelled", retry_after_s=5), None),
        (Outcome(status="failed", text="no"), None),
        (_limited(retry_after_s=90), 90),
        (_limited(retry_after_s=0), UNSAID_S),
        (_limited(retry_after_s=-3), UNSAID_S),
        (_limited(retry_after_s=0.01), SHORTEST_S),
        (_limited(retry_after_s=math.inf), LONGEST_S),
        (_limited(retry_after_s=math.nan), UNSAID_S),
        (_limited(retry_after_s=1e300), LONGEST_S),
        (_limited(retry_after_s=5, retry_at_s=NOON.timestamp() + 600), 600),
        (_limited(retry_at_s=NOON.timestamp() - 600), UNSAID_S),
        (_limited(retry_at_s=1e300), LONGEST_S),
    ],
)
def test_a_rate_limit_ends_when_it_says_within_reason(outcome: Outcome | None, seconds: float | None) -> None:
    until = rests_until(outcome, NOON)
    assert until == (None if seconds is None else NOON + timedelta(seconds=seconds))


def test_a_profile_rests_until_the_latest_moment_that_was_told() -> None:
    here = world()
    soon, later = NOON + timedelta(seconds=60), NOON + timedelta(seconds=90)
    assert here.append(parking(here.state, "ann", later, "429")) == [ProfileParked(until=later, reason="429")]
    assert parking(here.state, "ann", soon, "429") == []
    assert parking(here.state, "ann", later, "429") == []
    assert parking(here.state, "ann", later + timedelta(seconds=1), "429")
    assert held_back(here.state, "ann") == "profile ann is parked until 12:01:30 UTC: 429"
    assert begins_nothing(here.state, "ann", here.config, here.now) == held_back(here.state, "ann")
    assert held_back(here.state, "bob") == ""


def test_a_parked_profile_goes_on_when_its_time_has_come() -> None:
    here = world()
    until = NOON + timedelta(seconds=60)
    here.append(parking(here.state, "ann", until, "429"))
    assert next_change_us(here.state, here.now) == to_us(until)
    assert unparking(here.state, until - timedelta(microseconds=1)) == []
    here.append(unparking(here.state, until))
    assert held_back(here.state, "ann") == ""
    assert next_change_us(here.state, until) is None
    assert unparking(here.state, until) == []


def test_a_profile_that_was_parked_without_an_end_waits_for_somebody() -> None:
    here = world()
    here.add("profile/ann", ProfileParked(reason="maintenance"))
    assert held_back(here.state, "ann") == "profile ann is parked: maintenance"
    assert unparking(here.state, NOON + timedelta(days=365)) == []
    assert next_change_us(here.state, NOON) is None
    assert parking(here.state, "ann", NOON, "429") == []
    here.add("profile/ann", ProfileUnparked())
    assert held_back(here.state, "ann") == ""
