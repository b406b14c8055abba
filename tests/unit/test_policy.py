"""Policy: what runs next, where, and when again, from numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Config, Profile, Retry
from core.events import (
    AgentSpawned,
    AgentStatusChanged,
    AgentTaskAssigned,
    AgentTerminated,
    Payload,
    ProfileParked,
    SessionPaused,
    SessionStarted,
    StoredEvent,
    SwarmScaled,
    TaskBlocked,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDeadLettered,
    TaskFailed,
    TaskQueued,
    TaskRequeued,
    TaskRetryScheduled,
    TaskScheduled,
)
from core.events.envelope import to_us
from core.projections import State, Task, fold_many
from core.projections.moves import MOVES, may
from core.scheduling import pool
from core.scheduling.policy import (
    FAIR_SHARE,
    LOSSES_ALLOWED,
    Fleet,
    after_failure,
    after_loss,
    backoff_limit_ms,
    entry,
    fair_turn,
    is_free,
    settle,
    why_waiting,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RETRY = Retry(backoff="1s", max_backoff="1m")
IDLE = AgentStatusChanged(current="idle")
BUSY = AgentStatusChanged(current="busy")


def state_of(*facts: tuple[str, Payload]) -> State:
    events = [
        StoredEvent(
            position, "main", stream, position, b"", payload.type, 1, to_us(NOW), "", "local", None, None, "user", b"",
            payload,
        )
        for position, (stream, payload) in enumerate(facts, 1)
    ]  # fmt: skip
    return fold_many(State.empty(), events)


def agents(*names: str, profile: str = "shell", status: Payload = IDLE) -> list[tuple[str, Payload]]:
    return [(f"agent/{name}", event) for name in names for event in (AgentSpawned(name=name, profile=profile), status)]


def tasks(outcomes: dict[str, Payload]) -> State:
    facts = [(f"task/{name}", event) for name, end in outcomes.items() for event in (TaskCreated(title=name), end)]
    return state_of(*facts)


def largest(limit: float) -> float:
    return limit


def test_every_eighth_claim_is_a_fair_one() -> None:
    assert [fair_turn(claims) for claims in range(FAIR_SHARE)] == [False] * 7 + [True]
    assert sum(map(fair_turn, range(800))) == 100


# -- where ------------------------------------------------------------------------------------------------------------


def test_an_idle_agent_of_the_profile_comes_first_and_the_oldest_of_them() -> None:
    placement = Fleet(state_of(*agents("b"), *agents("a")), Config()).place("shell")
    assert placement.agent_id == "b"


def test_without_an_idle_one_a_new_agent_is_allowed_under_the_limits() -> None:
    placement = Fleet(state_of(*agents("a", status=BUSY)), Config()).place("shell")
    assert placement.spawn


@pytest.mark.parametrize("status", ["waiting-permission", "stopping", "unknown", "parked"])
def test_an_agent_that_is_neither_idle_nor_gone_holds_its_place(status: str) -> None:
    state = state_of(*agents("a", status=AgentStatusChanged(current=status)))
    assert Fleet(state, Config(max_agents=1)).place("shell").reason == "all 1 agents are taken (the limit is 1)"


def test_an_agent_that_left_holds_no_place() -> None:
    state = state_of(*agents("a", status=AgentTerminated()))
    assert Fleet(state, Config(max_agents=1)).place("shell").spawn


def test_a_service_and_an_agent_with_a_task_are_not_free() -> None:
    state = state_of(
        ("agent/service", AgentSpawned(name="service", command="true")), ("agent/service", IDLE),
        *agents("worker"), ("agent/worker", AgentTaskAssigned(task_id="T-1")),
    )  # fmt: skip
    assert [is_free(agent) for agent in state.agents.values()] == [False, False]


def test_a_profiles_own_limit_is_named_before_the_fleets() -> None:
    config = Config(max_agents=1, profiles={"solo": Profile(max=1)})
    assert Fleet(state_of(*agents("a", profile="solo", status=BUSY)), config).place("solo").reason == (
        "all 1 agents of profile solo are taken"
    )


def test_a_parked_profile_and_an_unknown_one_say_so() -> None:
    state = state_of(("profile/shell", ProfileParked(until=LATER, reason="rate limit")))
    assert Fleet(state, Config()).place("shell").reason == ("profile shell is parked until 03:09:05 UTC: rate limit")
    assert Fleet(state, Config()).place("ghost").reason == "there is no profile 'ghost'"


def test_the_scaled_size_counts_before_the_configured_one() -> None:
    state = state_of(*agents("a", status=BUSY), ("swarm/main", SwarmScaled(previous=4, current=1)))
    assert Fleet(state, Config(max_agents=4)).place("shell").reason == "all 1 agents are taken (the limit is 1)"


def test_an_idle_agent_of_another_profile_makes_room_only_when_there_is_none() -> None:
    state = state_of(*agents("other", profile="other"))
    config = Config(max_agents=2, profiles={"other": Profile()})
    roomy = Fleet(state, config)
    assert roomy.take("shell", roomy.place("shell")) is None
    full = Fleet(state, config.model_copy(update={"max_agents": 1}))
    leaving = full.take("shell", full.place("shell"))
    assert leaving is not None
    assert leaving.id == "other"
    assert not full.place("shell").spawn, "the room is used up"
    assert full.place("other").reason, "who left cannot be taken"


@given(st.lists(st.sampled_from(["left", "right"]), max_size=12), st.integers(1, 6), st.integers(1, 3))
def test_however_places_are_taken_no_limit_is_ever_exceeded(wishes: Sequence[str], limit: int, most: int) -> None:
    config = Config(max_agents=limit, profiles={"left": Profile(max=most), "right": Profile(max=most)})
    there = {f"l{number}": "left" for number in range(min(most, limit))}
    state = state_of(*(fact for name, profile in there.items() for fact in agents(name, profile=profile)))
    fleet, busy = Fleet(state, config), 0
    for number, profile in enumerate(wishes):
        placement = fleet.place(profile)
        if placement.agent_id is None and not placement.spawn:
            assert placement.reason
            continue
        leaving = fleet.take(profile, placement)
        busy += 1
        if placement.spawn:
            there[f"n{number}"] = profile
        if leaving is not None:
            del there[leaving.id]
        assert len(there) <= limit
        assert all(list(there.values()).count(one) <= most for one in ("left", "right"))
    assert busy <= limit


# -- the pool ---------------------------------------------------------------------------------------------------------


def test_the_pool_is_filled_to_each_minimum_under_ids_nobody_ever_had() -> None:
    config = Config(max_agents=9, profiles={"crew": Profile(min=2), "pair": Profile(min=1)})
    state = state_of(*agents("crew-2", profile="pair", status=AgentTerminated()))
    ids = [append.stream for append in pool.fill(state, config)]
    assert len(set(ids)) == len(ids) == 3
    assert "agent/crew-2" not in ids


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 4))
def test_filling_stops_at_the_limit_and_a_second_look_finds_nothing_to_do(limit: int, left: int, right: int) -> None:
    config = Config(max_agents=limit, profiles={"left": Profile(min=left), "right": Profile(min=right)})
    appends = pool.fill(State.empty(), config)
    assert len(appends) == min(limit, left + right)
    filled = state_of(*((append.stream, event) for append in appends for event in append.events))
    assert pool.fill(filled, config) == []


def test_idle_agents_above_the_minimum_leave_after_their_time_the_longest_idle_first() -> None:
    config = Config(profiles={"shell": Profile(min=1, idle_timeout="1m")})
    state = state_of(*agents("a", "b", "c"))
    due = pool.next_retirement_us(state, config)
    assert due == to_us(NOW + timedelta(minutes=1))
    assert pool.retire(state, config, NOW + timedelta(seconds=59)) == []
    gone = [append.stream for append in pool.retire(state, config, NOW + timedelta(minutes=1))]
    assert gone == ["agent/a", "agent/b"]


def test_nobody_is_due_to_leave_at_the_minimum() -> None:
    config = Config(profiles={"shell": Profile(min=2)})
    assert pool.next_retirement_us(state_of(*agents("a", "b")), config) is None


# -- what follows -----------------------------------------------------------------------------------------------------


def test_a_new_task_is_queued_scheduled_or_blocked() -> None:
    state = tasks({"T-1": TaskQueued()})
    assert entry([], None, NOW, state) == TaskQueued()
    assert entry([], NOW, NOW, state) == TaskQueued()
    assert entry([], LATER, NOW, state) == TaskScheduled(run_at=LATER)
    assert entry(["T-1"], LATER, NOW, state) == TaskBlocked(waiting_on=("T-1",))


def test_a_completed_dependency_is_no_reason_to_wait_and_a_dead_one_is_named() -> None:
    state = tasks({"T-1": TaskCompleted(), "T-2": TaskDeadLettered(), "T-3": TaskQueued(), "T-4": TaskCancelled()})
    assert entry(["T-1"], None, NOW, state) == TaskQueued()
    assert entry(["T-1", "T-2", "T-3", "T-4"], None, NOW, state) == TaskBlocked(
        waiting_on=("T-2", "T-3", "T-4"), reason="T-2 is dead-lettered, T-4 is cancelled"
    )


def test_what_waits_for_a_blocked_task_that_cannot_go_on_cannot_go_on_either() -> None:
    stuck = tasks({"T-1": TaskBlocked(waiting_on=("T-0",), reason="T-0 is lost")})
    assert entry(["T-1"], None, NOW, stuck) == TaskBlocked(waiting_on=("T-1",), reason="T-1 is blocked")
    waiting = tasks({"T-1": TaskBlocked(waiting_on=("T-0",))})
    assert entry(["T-1"], None, NOW, waiting) == TaskBlocked(waiting_on=("T-1",))


def test_a_blocked_task_that_waited_for_both_a_task_and_a_time_waits_for_the_time_next() -> None:
    task = Task(id="T-2", status="blocked", depends_on=("T-1",), run_at_us=to_us(LATER))
    done = tasks({"T-1": TaskCompleted()})
    assert settle(task, NOW, done, RETRY, largest) == TaskScheduled(run_at=LATER)
    assert settle(task, LATER, done, RETRY, largest) == TaskQueued()


def test_a_blocked_task_is_told_again_only_when_something_is_new() -> None:
    task = Task(id="T-2", status="blocked", depends_on=("T-1",), waiting_on=("T-1",))
    assert settle(task, NOW, tasks({"T-1": TaskQueued()}), RETRY, largest) is None
    assert settle(task, NOW, tasks({"T-1": TaskDeadLettered()}), RETRY, largest) == TaskBlocked(
        waiting_on=("T-1",), reason="T-1 is dead-lettered"
    )


def test_a_dependency_that_just_failed_is_not_called_dead_before_it_is() -> None:
    task = Task(id="T-2", status="blocked", depends_on=("T-1",), waiting_on=("T-1",))
    assert settle(task, NOW, tasks({"T-1": TaskFailed(error="no")}), RETRY, largest) is None


def test_a_scheduled_task_is_queued_when_it_is_due_and_not_before() -> None:
    task = Task(id="T-1", status="scheduled", run_at_us=to_us(LATER))
    assert settle(task, LATER - timedelta(microseconds=1), State.empty(), RETRY, largest) is None
    assert settle(task, LATER, State.empty(), RETRY, largest) == TaskQueued()


@given(st.integers(1, 40), st.integers(1, 8), st.booleans(), st.floats(0, 1))
def test_a_failure_is_followed_by_another_attempt_or_by_the_dead_letter(
    failures: int, most: int, retryable: bool, luck: float
) -> None:
    task = Task(id="T-1", status="failed", failures=failures, max_attempts=most, retryable=retryable, error="why")
    following = after_failure(task, NOW, RETRY, lambda limit: luck * limit)
    if retryable and failures < most:
        assert isinstance(following, TaskRetryScheduled)
        assert following.run_at is not None
        assert NOW <= following.run_at <= NOW + timedelta(minutes=1)
    else:
        assert following == TaskDeadLettered(attempts=failures, last_error="why")


def test_the_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff_limit_ms(failures, 1_000, 60_000) for failures in (1, 2, 3, 6, 7, 5_000)] == [
        1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip


def test_only_an_idempotent_task_is_requeued_after_a_loss_and_not_for_ever() -> None:
    for losses in range(1, 6):
        task = Task(id="T-1", status="lost", losses=losses, idempotent=True)
        assert after_loss(task) == (TaskRequeued(reason="lost") if losses <= LOSSES_ALLOWED else None)
        assert after_loss(Task(id="T-1", status="lost", losses=losses)) is None


@given(st.sampled_from(["blocked", "scheduled", "queued", "claimed", "running", "paused", "failed", "lost", "completed",
                        "cancelled", "dead-lettered"]), st.booleans(), st.integers(0, 4))  # fmt: skip
def test_whatever_settles_a_task_is_a_legal_move(status: str, idempotent: bool, count: int) -> None:
    task = Task(
        id="T-1", status=status, idempotent=idempotent, losses=count, failures=count, max_attempts=2, run_at_us=0
    )  # fmt: skip
    move = settle(task, NOW, State.empty(), RETRY, largest)
    assert move is None or may(task, type(move))
    assert move is None or type(move) in MOVES


# -- why it waits -----------------------------------------------------------------------------------------------------


def why(state: State, task: Task) -> str:
    return why_waiting(state, Config(max_agents=1), task)


def test_every_waiting_task_says_why() -> None:
    state = state_of(*agents("a", status=BUSY))
    assert why(state, Task(id="T", status="queued")) == "all 1 agents are taken (the limit is 1)"
    assert why(state, Task(id="T", status="blocked", waiting_on=("T-1", "T-2"))) == "waits for T-1, T-2"
    assert why(state, Task(id="T", status="blocked", waiting_on=("T-1",), reason="T-1 is lost")) == "T-1 is lost"
    assert why(state, Task(id="T", status="lost")) == "nobody knows how it ended; retry or cancel it"
    assert why(state, Task(id="T", status="scheduled", reason="attempt 1 failed")) == "attempt 1 failed"
    assert why(state, Task(id="T", status="running")) == ""


def test_a_paused_session_is_the_first_reason() -> None:
    state = state_of(
        ("session/S-1", SessionStarted(session_id="S-1")), ("session/S-1", SessionPaused()),
        *agents("a", status=BUSY),
    )  # fmt: skip
    assert why(state, Task(id="T", status="queued")) == "the session is paused"
