"""Folds: what events make of the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalMove
from core.events import (
    EVENT_TYPES,
    AgentFailed,
    AgentOutput,
    AgentPaused,
    AgentRestarting,
    AgentResumed,
    AgentSpawned,
    AgentStarted,
    AgentStatusChanged,
    AgentStopped,
    AgentTaskAssigned,
    AgentTaskCompleted,
    AgentTerminated,
    BareEvent,
    BookmarkRemoved,
    BookmarkSet,
    BudgetTripped,
    Event,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStarted,
    LockAcquired,
    LockReleased,
    MemoryDeleted,
    MemoryRetrieved,
    MemoryStored,
    Payload,
    PermissionDenied,
    PermissionGranted,
    PermissionRequested,
    SessionClosed,
    SessionStarted,
    StoredEvent,
    TaskBlocked,
    TaskCancelled,
    TaskCancelRequested,
    TaskClaimed,
    TaskCompleted,
    TaskCreated,
    TaskDeadLettered,
    TaskFailed,
    TaskLost,
    TaskPaused,
    TaskPriorityChanged,
    TaskQueued,
    TaskRequeued,
    TaskResumed,
    TaskRetryScheduled,
    TaskScheduled,
    TaskStaleResult,
    TaskStarted,
    ToolCallCompleted,
    ToolCallStarted,
    ToolCallUpdated,
    UnknownEvent,
    UsageReported,
)
from core.projections import AgentQueries, MemoryQueries, State, TaskQueries, TaskStatus, fold, fold_many
from core.projections import tasks as tasks_module
from core.projections.moves import MOVES, require

START_US = 1_700_000_000_000_000
Happening = tuple[str, Payload]


def stored(happenings: Sequence[Happening], *, after: int = 0) -> list[StoredEvent]:
    """Events a second apart."""
    return [
        StoredEvent(
            position, "main", stream, position, b"", payload.type, 1, START_US + position * 1_000_000, "", "local",
            None, None, "user", b"", payload,
        )
        for position, (stream, payload) in enumerate(happenings, after + 1)
    ]  # fmt: skip


def state_of(*happenings: Happening) -> State:
    return fold_many(State.empty(), stored(happenings))


def a_task(*payloads: Payload) -> State:
    return state_of(*[("task/a", payload) for payload in payloads])


RAN = (
    TaskCreated(title="a"),
    TaskQueued(),
    TaskClaimed(agent_id="w", attempt=1, fence=1),
    TaskStarted(agent_id="w", execution_id="a.1"),
)


# -- tasks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payloads", "status"),
    [
        ([TaskCreated(title="a")], "queued"),
        ([TaskCreated(title="a", depends_on=("b",))], "blocked"),
        ([TaskCreated(title="a", run_at=datetime(2030, 1, 1, tzinfo=UTC))], "scheduled"),
        ([TaskCreated(title="a"), TaskBlocked(waiting_on=("b",), reason="b failed")], "blocked"),
        ([TaskCreated(title="a"), TaskScheduled(run_at=datetime(2030, 1, 1, tzinfo=UTC))], "scheduled"),
        (RAN[:2], "queued"),
        (RAN[:3], "claimed"),
        (RAN, "running"),
        ([*RAN, TaskCompleted(duration_ms=5)], "completed"),
        ([*RAN, TaskFailed(error="boom")], "failed"),
        ([*RAN, TaskFailed(error="boom"), TaskRetryScheduled(attempt=1, delay_ms=1000)], "scheduled"),
        ([*RAN, TaskFailed(error="boom"), TaskDeadLettered(attempts=1)], "dead-lettered"),
        ([*RAN, TaskLost(reason="crash")], "lost"),
        ([*RAN, TaskLost(reason="crash"), TaskRequeued(reason="lost")], "queued"),
        ([*RAN, TaskCancelRequested()], "running"),
        ([*RAN, TaskCancelRequested(), TaskCancelled()], "cancelled"),
        ([*RAN[:2], TaskPaused()], "paused"),
        ([*RAN[:2], TaskPaused(), TaskPaused(), TaskResumed()], "queued"),
        ([*RAN, TaskCompleted(), TaskCancelled()], "completed"),
        ([*RAN, TaskCancelled(), TaskCompleted()], "cancelled"),
        ([*RAN, TaskFailed(error="x"), TaskDeadLettered(), TaskRequeued(reason="retry")], "queued"),
    ],
)
def test_a_tasks_status_follows_its_events(payloads: Sequence[Payload], status: str) -> None:
    assert a_task(*payloads).tasks["a"].status == status


def test_an_attempt_leaves_its_marks() -> None:
    task = a_task(*RAN, TaskFailed(error="boom\nand more"), TaskRetryScheduled(attempt=1, delay_ms=3000)).tasks["a"]
    assert (task.attempt, task.fence, task.failures, task.error) == (1, 1, 1, "boom")
    assert (task.agent_id, task.executions, task.duration_ms) == (None, ("a.1",), 1000)
    assert task.run_at_us == START_US + 6_000_000 + 3_000_000


def test_only_failures_count_against_the_attempts_and_a_new_life_clears_them() -> None:
    failed = a_task(*RAN, TaskFailed(error="x"), TaskDeadLettered(attempts=1)).tasks["a"]
    assert failed.failures == 1
    lost = a_task(*RAN, TaskLost(), TaskRequeued(reason="lost")).tasks["a"]
    assert (lost.failures, lost.losses) == (0, 1)
    again = a_task(*RAN, TaskFailed(error="x"), TaskDeadLettered(attempts=1), TaskRequeued(reason="retry")).tasks["a"]
    assert (again.failures, again.attempt) == (0, 1)


def test_priority_cancel_wish_and_stale_results_are_kept() -> None:
    task = a_task(*RAN, TaskPriorityChanged(current=7), TaskCancelRequested(force=True), TaskStaleResult()).tasks["a"]
    assert (task.priority, task.cancel_requested, task.force_requested, task.stale_results) == (7, True, True, 1)
    assert task.status == "running"


def test_a_long_text_is_cut_to_one_line() -> None:
    task = a_task(TaskCreated(title="first\nsecond"), *RAN[1:], TaskFailed(error="e" * 5000)).tasks["a"]
    assert task.title == "first"
    assert len(task.error) == 200


def test_counts_follow_every_move() -> None:
    state = state_of(
        ("task/a", TaskCreated(title="a")),
        ("task/b", TaskCreated(title="b", depends_on=("a",))),
        ("task/a", TaskClaimed(agent_id="w")),
        ("task/a", TaskCompleted(duration_ms=100)),
    )
    assert {status: count for status, count in state.task_counts.items() if count} == {"completed": 1, "blocked": 1}
    assert (state.totals.tasks, state.totals.claims, state.totals.completed_duration_ms) == (2, 1, 100)


def test_the_oldest_finished_tasks_are_dropped_but_their_outcome_and_the_counters_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks_module, "RESTING_KEPT", 2)
    happenings: list[Happening] = []
    for name in "abcde":
        happenings += [
            (f"task/{name}", TaskCreated(title=name)),
            (f"task/{name}", TaskStarted(execution_id=f"{name}.1")),
            (f"execution/{name}.1", ExecutionStarted(task_id=name)),
            (f"task/{name}", TaskCancelled() if name == "b" else TaskCompleted(duration_ms=10)),
        ]
    happenings.append(("task/a", TaskStaleResult()))
    state = state_of(*happenings)
    assert set(state.tasks) == set(state.executions) - {f"{n}.1" for n in "de"} | {"d", "e"} == {"d", "e"}
    assert dict(state.outcomes.items()) == {"a": "completed", "b": "cancelled", "c": "completed"}
    assert (state.task_outcome("b"), state.task_outcome("e"), state.task_outcome("z")) == (
        "cancelled",
        "completed",
        None,
    )
    assert dict(state.task_counts.items())["completed"] == 4
    assert TaskQueries(state).average_duration_ms() == 10


def test_a_finished_task_that_is_queued_again_is_not_dropped_in_its_old_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "RESTING_KEPT", 1)
    state = state_of(
        ("task/a", TaskCreated(title="a")), ("task/a", TaskCancelled()), ("task/a", TaskRequeued(reason="retry")),
        ("task/b", TaskCreated(title="b")), ("task/b", TaskCompleted()),
        ("task/c", TaskCreated(title="c")), ("task/c", TaskCompleted()),
    )  # fmt: skip
    assert set(state.tasks) == {"a", "c"}
    assert state.tasks["a"].status == "queued"


def test_every_status_is_the_end_of_some_move_or_a_beginning() -> None:
    ends = {move.end for move in MOVES.values()} | {"paused"}
    assert set(get_args(TaskStatus)) <= ends | {None}


def test_an_illegal_move_is_refused_with_the_status_in_its_sentence() -> None:
    task = a_task(*RAN, TaskCompleted()).tasks["a"]
    with pytest.raises(IllegalMove, match="task a is completed and cannot be cancelled"):
        require(task, TaskCancelRequested)


# -- agents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payloads", "status", "health"),
    [
        ([AgentSpawned(name="w")], "starting", "ok"),
        ([AgentSpawned(name="w"), AgentStarted(pid=1)], "idle", "ok"),
        ([AgentSpawned(name="w"), AgentTaskAssigned(task_id="a"), AgentStarted(pid=1)], "busy", "ok"),
        ([AgentStatusChanged(current="waiting-permission")], "waiting-permission", "ok"),
        ([AgentStatusChanged(current="unknown")], "unknown", "unknown"),
        ([AgentFailed(error="x")], "failed", "failing"),
        ([AgentRestarting(attempt=2, delay_ms=5)], "restarting", "failing"),
        ([AgentStopped(exit_code=0)], "stopped", "ok"),
        ([AgentTerminated()], "terminated", "ok"),
        ([AgentStatusChanged(current="busy"), AgentPaused(), AgentPaused(), AgentResumed()], "busy", "ok"),
        ([AgentPaused()], "paused", "ok"),
        ([AgentSpawned(name="w", command="serve"), AgentStarted(pid=1)], "busy", "ok"),
        ([AgentTaskAssigned(task_id="a"), AgentPaused(), AgentStarted(pid=1)], "paused", "ok"),
        ([AgentTaskAssigned(task_id="a"), AgentPaused(), AgentStarted(pid=1), AgentResumed()], "busy", "ok"),
        ([AgentSpawned(name="w", command="serve"), AgentPaused(), AgentStarted(pid=1), AgentResumed()], "busy", "ok"),
    ],
)
def test_an_agents_status_follows_its_events(payloads: Sequence[Payload], status: str, health: str) -> None:
    agent = state_of(*[("agent/w", payload) for payload in payloads]).agents["w"]
    assert (agent.status, agent.health) == (status, health)


def test_agents_are_found_by_what_they_are() -> None:
    state = state_of(
        ("agent/w1", AgentSpawned(name="w1", role="code", domain="core")),
        ("agent/w2", AgentSpawned(name="w2", role="test", domain="core")),
        ("agent/w2", AgentFailed(error="x")),
        ("task/a", TaskCreated(title="a")),
        ("task/a", TaskClaimed(agent_id="w1")),
        ("agent/w1", AgentTaskAssigned(task_id="a")),
        ("task/a", TaskCompleted()),
        ("agent/w1", AgentTaskCompleted(task_id="a")),
        ("agent/w1", AgentTaskCompleted(task_id="b", outcome="failed")),
    )
    agents = AgentQueries(state)
    assert [agent.id for agent in agents.by_domain("core")] == ["w1", "w2"]
    assert [agent.id for agent in agents.by_role("test")] == ["w2"]
    assert [agent.id for agent in agents.by_status("failed")] == ["w2"]
    assert [agent.id for agent in agents.healthy()] == ["w1"]
    assert agents.completed("w1") == ["a"]
    assert (state.agents["w1"].completed, state.agents["w1"].failed, state.agents["w1"].task_id) == (1, 1, None)


def test_output_is_counted_and_not_kept() -> None:
    state = state_of(
        ("agent/w", AgentOutput(lines=("a", "b"))), ("agent/w", AgentOutput(lines=("c",), dropped_lines=4))
    )
    assert (state.agents["w"].output_lines, state.totals.output_lines, state.totals.dropped_lines) == (3, 3, 4)
    assert b'"c"' not in state.to_json()


# -- the rest -------------------------------------------------------------------------------------------------------


def test_task_queries_answer_rates_over_what_ended() -> None:
    state = state_of(
        *[(f"task/{n}", TaskCreated(title=n, kind="k" if n < "c" else "")) for n in "abcd"],
        ("task/a", TaskCompleted(duration_ms=10)), ("task/b", TaskCompleted(duration_ms=30)),
        ("task/c", TaskFailed(error="x")), ("task/d", TaskCancelled()),
    )  # fmt: skip
    tasks = TaskQueries(state)
    assert (tasks.average_duration_ms(), tasks.success_rate(), tasks.failure_rate()) == (20, 2 / 3, 1 / 3)
    assert [task.id for task in tasks.by_kind("k")] == ["a", "b"]
    assert [task.id for task in tasks.by_status("cancelled")] == ["d"]
    assert TaskQueries(State.empty()).success_rate() == TaskQueries(State.empty()).failure_rate() == 0


def test_memory_is_counted_by_use() -> None:
    state = state_of(
        ("memory/n/a", MemoryStored(namespace="n", key="a", size_bytes=10, value="secret text")),
        ("memory/n/b", MemoryStored(namespace="n", key="b", size_bytes=5)),
        ("memory/m/c", MemoryStored(namespace="m", key="c", size_bytes=1)),
        ("memory/n/b", MemoryRetrieved(namespace="n", key="b")),
        ("memory/n/a", MemoryRetrieved(namespace="n", key="a", hit=False)),
        ("memory/m/c", MemoryDeleted(namespace="m", key="c")),
    )
    memory = MemoryQueries(state)
    assert [entry.key for entry in memory.by_namespace("n")] == ["a", "b"]
    assert [entry.key for entry in memory.hot(1)] == ["b"]
    assert [entry.key for entry in memory.cold(1)] == ["a"]
    assert (memory.size_bytes(), memory.size_bytes("n"), memory.size_bytes("m")) == (15, 15, 0)
    assert b"secret text" not in state.to_json()


def test_usage_adds_up_for_execution_agent_task_and_all() -> None:
    state = state_of(
        ("task/a", TaskCreated(title="a")),
        ("agent/w", AgentSpawned(name="w")),
        ("execution/a.1", ExecutionStarted(task_id="a", agent_id="w")),
        ("execution/a.1", UsageReported(input_tokens=10, output_tokens=2, cost_usd_micros=500)),
        (
            "execution/a.1",
            UsageReported(scope="context", input_tokens=999, context_used_tokens=70, context_size_tokens=100),
        ),
    )
    execution, agent, task = state.executions["a.1"], state.agents["w"], state.tasks["a"]
    assert (execution.input_tokens, agent.input_tokens, task.tokens, state.totals.input_tokens) == (10, 10, 12, 10)
    assert execution.cost_usd_micros == agent.cost_usd_micros == task.cost_usd_micros == 500
    assert (agent.context_used_tokens, agent.context_size_tokens) == (70, 100)


def test_a_tool_call_counts_once_however_it_is_announced() -> None:
    state = state_of(
        ("execution/x", ToolCallStarted(tool_call_id="1", tool_name="bash")),
        ("execution/x", ToolCallUpdated(tool_call_id="1", title="bash ls")),
        ("execution/x", ToolCallCompleted(tool_call_id="1")),
        ("execution/x", ToolCallCompleted(tool_call_id="2")),
        ("execution/x", ToolCallUpdated(tool_call_id="3", title="edit")),
    )
    execution = state.executions["x"]
    assert (execution.tool_calls, execution.open_tool_calls, execution.tool_name) == (3, ("3",), "edit")


def test_the_first_answer_to_a_permission_counts() -> None:
    state = state_of(
        ("execution/x", ExecutionStarted(agent_id="w")),
        ("execution/x", PermissionRequested(request_id="p", tool_name="bash")),
        ("execution/x", PermissionGranted(request_id="p", kind="allow_once", by="user")),
        ("execution/x", PermissionDenied(request_id="p", by="late")),
    )
    permission = state.permissions["p"]
    assert (permission.status, permission.by, permission.agent_id) == ("granted", "user", "w")


def test_an_execution_ends_once() -> None:
    state = state_of(
        ("execution/x", ExecutionStarted()),
        ("execution/x", ExecutionFailed(error="x")),
        ("execution/x", ExecutionCompleted()),
    )
    assert (state.executions["x"].status, state.executions["x"].duration_ms) == ("failed", 1000)


def test_sessions_locks_budgets_and_bookmarks_have_their_say() -> None:
    state = state_of(
        ("session/S-1", SessionStarted(session_id="S-1", pid=4)),
        ("session/S-1", SessionClosed(reason="lost")),
        ("lock/l", LockAcquired(name="l", owner="w", fencing_token=3)),
        ("lock/l", LockReleased(name="l")),
        ("budget/day", BudgetTripped(scope="day", limit=5, used=6)),
        ("bookmark/b", BookmarkSet(bookmark_id="b", position=1, label="here")),
        ("bookmark/c", BookmarkSet(bookmark_id="c", position=1)),
        ("bookmark/c", BookmarkRemoved(bookmark_id="c")),
    )
    assert state.sessions["S-1"].status == "lost"
    assert (state.locks["l"].status, state.locks["l"].fencing_token) == ("released", 3)
    assert state.budgets["day"].status == "tripped"
    assert set(state.bookmarks) == {"b"}


def test_an_unknown_event_moves_no_task_but_counts_as_a_version_of_it() -> None:
    state = a_task(TaskCreated(title="a"), UnknownEvent(type="task:exploded", schema_version=1, raw="{}"))
    assert (state.tasks["a"].status, state.tasks["a"].version) == ("queued", 2)


def test_unknown_events_are_counted_and_skipped() -> None:
    state = a_task(UnknownEvent(type="task:exploded", schema_version=1, raw="{}"), TaskCreated(title="a"))
    assert (state.totals.unknown_events, state.totals.events, state.tasks["a"].title) == (1, 2, "a")


def test_the_empty_state_has_nothing() -> None:
    assert State.empty().position == 0
    assert msgspec.json.decode(State.empty().to_json())["tasks"] == {}


# -- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("abc")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
TEXTS = st.text(max_size=8).filter(lambda text: text.isprintable())


def _payloads() -> st.SearchStrategy[Event]:
    """Any event of the catalogue, with short names so that streams meet."""
    from hypothesis import strategies

    def build(cls: type[Event]) -> st.SearchStrategy[Event]:
        fields = {}
        for field in msgspec.structs.fields(cls):
            if field.name.endswith("_id") or field.name in {"name", "namespace", "key", "scope"}:
                fields[field.name] = NAMES
            elif field.type is int:
                fields[field.name] = st.integers(0, 50)
            elif field.required:
                fields[field.name] = strategies.from_type(field.type) if field.type is not str else TEXTS
        if cls is TaskCreated:
            fields |= {"depends_on": st.lists(NAMES, max_size=2).map(tuple), "run_at": st.none() | MOMENTS}
        if cls is TaskScheduled:
            fields |= {"run_at": MOMENTS}
        return st.builds(cls, **fields)

    return st.sampled_from(list(EVENT_TYPES.values())).flatmap(build)


_STREAM_KINDS = {"tool-call": "execution", "step": "execution", "permission": "execution", "usage": "execution",
                 "conversation": "agent"}  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[StoredEvent]:
    happenings: list[Happening] = []
    for payload in draw(st.lists(_payloads(), max_size=60)):
        kind = payload.type.partition(":")[0]
        stream = draw(st.sampled_from([_STREAM_KINDS.get(kind, kind), "task", "agent", "odd"]) if draw(
            st.integers(0, 9)) == 0 else st.just(_STREAM_KINDS.get(kind, kind)))  # fmt: skip
        happenings.append((f"{stream}/{draw(NAMES)}", payload))
    return stored(happenings)


@given(histories(), st.data())
def test_a_fold_in_batches_is_the_fold_one_by_one(events: list[StoredEvent], data: st.DataObject) -> None:
    one_by_one = State.empty()
    for event in events:
        one_by_one = fold(one_by_one, event)
    cut = data.draw(st.integers(0, len(events)))
    batched = fold_many(fold_many(State.empty(), events[:cut]), events[cut:])
    assert batched == one_by_one
    assert batched.to_json() == one_by_one.to_json()


@given(histories())
def test_an_event_without_what_no_fold_looks_at_folds_the_same(events: list[StoredEvent]) -> None:
    bare = [BareEvent(e.position, e.stream, e.version, e.recorded_us, e.payload) for e in events]
    assert fold_many(State.empty(), bare) == fold_many(State.empty(), events)


@given(histories())
def test_a_fold_is_total_and_its_counters_add_up(events: list[StoredEvent]) -> None:
    state = fold_many(State.empty(), events)
    assert state.position == len(events) == state.totals.events
    assert sum(count for _, count in state.task_counts.items()) == state.totals.tasks == len(state.tasks)
    for status, count in state.task_counts.items():
        assert count == len(TaskQueries(state).by_status(status))
    assert msgspec.json.decode(state.to_json())["position"] == len(events)


@given(histories())
def test_folding_leaves_the_state_before_as_it_was(events: list[StoredEvent]) -> None:
    before = fold_many(State.empty(), events[: len(events) // 2])
    was = before.to_json()
    fold_many(before, events[len(events) // 2 :])
    assert before.to_json() == was


def test_a_task_scheduled_for_later_says_when() -> None:
    moment = datetime(2026, 5, 4, tzinfo=UTC)
    task = a_task(TaskCreated(title="a", run_at=moment)).tasks["a"]
    assert task.run_at_us == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
