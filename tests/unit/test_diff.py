"""What is different between two moments: a pure function of two states, and of the files' events between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.hostile import HOSTILE
from fakes.recorded import one, recorded_engine

from core.engine import Engine
from core.events import (
    AgentOutput,
    AgentSpawned,
    Append,
    BareEvent,
    MemoryStored,
    StoredEvent,
    TaskCancelled,
    TaskClaimed,
    TaskCreated,
    TaskQueued,
    WorkspaceFilesChanged,
)
from core.history.diff import RecordChange, StateDiff, changes, changes_by, diff
from core.history.files import FilesChanged, files_changed
from core.projections import State, fold
from core.projections.records import Agent, Task, Totals
from tui.changes import diff_lines
from tui.widgets.spans import text_of


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    directory = tmp_path / "webshop"
    directory.mkdir()
    async with recorded_engine(directory) as engine:
        yield engine


def changed(found: StateDiff, kind: str) -> dict[str, RecordChange]:
    return {change.id: change for change in found.of(kind)}


async def test_a_state_is_not_different_from_itself(engine: Engine) -> None:
    state = engine.journal.state
    found = diff(state, state)
    assert found.records == ()
    assert [amount for amount in (*found.totals, *found.tasks) if amount.before != amount.after] == []


async def test_equal_states_that_share_nothing_are_not_different(engine: Engine) -> None:
    cold = await engine.timeline.state_at(50, cold=True)
    warm = await engine.timeline.state_at(50)
    assert diff(cold, warm).records == ()


async def test_from_nothing_everything_was_added_and_back_it_is_removed(engine: Engine) -> None:
    state = engine.journal.state
    there, back = diff(State.empty(), state), diff(state, State.empty())
    assert {change.change for change in there.records} == {"added"}
    assert {change.change for change in back.records} == {"removed"}
    assert [change.id for change in there.of("tasks")] == [f"T-{number}" for number in range(1, 11)]
    assert {change.id for change in there.records} == {change.id for change in back.records}


@pytest.mark.parametrize(("a", "b"), [(10, 60), (47, 106), (100, 101)])
async def test_flipped_it_says_the_opposite(engine: Engine, a: int, b: int) -> None:
    before, after = await engine.timeline.state_at(a), await engine.timeline.state_at(b)
    there, back = diff(before, after), diff(after, before)
    assert {(c.kind, c.id, c.status_before, c.status_after) for c in there.records} == {
        (c.kind, c.id, c.status_after, c.status_before) for c in back.records
    }
    for one_way, other in zip(there.records, back.records, strict=True):
        assert [(f.name, f.before, f.after) for f in one_way.fields] == [
            (f.name, f.after, f.before) for f in other.fields
        ]


async def test_status_cost_tokens_and_durations_are_told(engine: Engine) -> None:
    before, after = await engine.timeline.state_at(60), engine.journal.state
    found = diff(before, after)
    task = changed(found, "tasks")["T-6"]
    assert (task.status_before, task.status_after, task.title) == ("queued", "running", "Write the guide")
    fields = {field.name: (field.before, field.after) for field in task.fields}
    assert fields["cost_usd_micros"] == (0, 41_300)
    assert fields["tokens"] == (0, 13_210)
    assert changed(found, "tasks")["T-3"].status_after == "completed"
    assert ("duration_ms", (None, 6000)) in {
        field.name: (field.before, field.after) for field in changed(found, "tasks")["T-3"].fields
    }.items()
    totals = {amount.name: amount.after - amount.before for amount in found.totals}
    assert (totals["events"], totals["cost_usd_micros"], totals["output_tokens"]) == (46, 41_300, 810)
    assert {amount.name: amount.after for amount in found.tasks}["completed"] == 3


def test_a_task_whose_record_was_dropped_is_not_gone() -> None:
    before = State(tasks=State.empty().tasks.insert("T-1", Task(id="T-1", title="old", status="running")))
    after = State(outcomes=State.empty().outcomes.insert("T-1", "completed"))
    (change,) = diff(before, after).records
    assert (change.change, change.status_before, change.status_after) == ("changed", "running", "completed")
    (back,) = diff(after, before).records
    assert (back.change, back.status_before, back.status_after) == ("changed", "completed", "running")


def test_what_only_counts_on_is_not_told() -> None:
    before = State(agents=State.empty().agents.insert("a", Agent(id="a", last_output_us=1)))
    after = State(agents=State.empty().agents.insert("a", Agent(id="a", last_output_us=2)))
    assert diff(before, after).records == ()


async def test_memory_is_compared_too(engine: Engine) -> None:
    before = engine.journal.state
    stored = MemoryStored(namespace="plan", key="goal", memory_type="note", size_bytes=12, value="ship it")
    await engine.journal.record([one("memory/plan/goal", stored)], actor="user")
    (change,) = diff(before, engine.journal.state).records
    assert (change.kind, change.id, change.change) == ("memory", "plan/goal", "added")


# -- files --


def event(position: int, workspace: str, payload: WorkspaceFilesChanged) -> StoredEvent:
    return StoredEvent(
        position,
        "main",
        f"workspace/{workspace}",
        1,
        b"",
        payload.type,
        1,
        0,
        "",
        "local",
        None,
        None,
        "",
        b"",
        payload,
    )


def test_files_add_up() -> None:
    changes = [
        WorkspaceFilesChanged(added=("new.py", "brief.py"), modified=("a.py",), count=3),
        WorkspaceFilesChanged(modified=("new.py", "b.py"), deleted=("brief.py", "c.py"), count=4),
        WorkspaceFilesChanged(added=("c.py",), count=501),
    ]
    found = files_changed(event(n, "w", payload) for n, payload in enumerate(changes, 1))
    assert found == FilesChanged(added=("new.py",), modified=("a.py", "b.py", "c.py"), unlisted=500)
    assert found.count == 504
    assert found.reversed().deleted == ("new.py",)


def test_paths_of_several_workspaces_say_whose_they_are() -> None:
    payload = WorkspaceFilesChanged(modified=("a.py",), count=1)
    assert files_changed([event(1, "x", payload), event(2, "y", payload)]).modified == ("x/a.py", "y/a.py")


async def test_comparing_reads_the_files_between_and_flips_them(engine: Engine) -> None:
    head = engine.journal.state.position
    await engine.journal.record([one("workspace/w", WorkspaceFilesChanged(added=("a.py",), count=1))], actor="watcher")
    there = await engine.queries.compare(("main", head), ("main", head + 1))
    back = await engine.queries.compare(("main", head + 1), ("main", head))
    assert (there.files.added, there.files.deleted) == (("a.py",), ())
    assert (back.files.added, back.files.deleted) == ((), ("a.py",))


async def test_two_branches_are_compared(engine: Engine) -> None:
    await engine.journal.log.fork("other", at=60)
    created = Append("task/T-99", [TaskCreated(title="Only here", command="true"), TaskQueued()])
    await engine.journal.log.append_many([created], branch="other")
    head = await engine.queries.head("other")
    found = await engine.queries.compare(("main", engine.journal.state.position), ("other", head))
    assert (found.before.branch, found.after.branch) == ("main", "other")
    assert changed(found, "tasks")["T-99"].change == "added"
    assert changed(found, "tasks")["T-3"].status_after == "running"
    assert found.files == FilesChanged()


# -- in words --


async def test_a_diff_is_told_by_group_and_in_units(engine: Engine) -> None:
    found = await engine.queries.compare(("main", 60), ("main", 106))
    told = "\n".join(text_of(line) for line, _ in diff_lines(found))
    assert "A  #60" in told
    assert "#106" in told
    assert "cost $0.00 → $0.04" in told
    assert "~ T-6  queued → running  Write the guide" in told
    assert "duration 6.0s" in told
    assert told.index("TASKS  ") < told.index("AGENTS  ", told.index("TASKS  "))


async def test_nothing_different_is_said_to_be_nothing(engine: Engine) -> None:
    found = await engine.queries.compare(("main", 60), ("main", 60))
    assert "nothing is different" in "\n".join(text_of(line) for line, _ in diff_lines(found))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_stays_text(text: str) -> None:
    empty = State.empty()
    task = Task(id=text[:40], title=text, error=text, agent_id=text)
    before = State(tasks=empty.tasks.insert("k", Task(id="k")), totals=Totals())
    after = State(tasks=empty.tasks.insert("k", task).insert(text, task))
    files = FilesChanged(added=(text,), modified=(text,), deleted=(text,))
    for line, _ in diff_lines(diff(before, after, files=files)):
        assert text_of(line).isprintable()


def test_what_one_event_changes_is_what_is_different_after_it() -> None:
    state = State.empty()
    for position, (stream, payload) in enumerate(
        [
            ("task/T-1", TaskCreated(title="one", command="x")), ("task/T-1", TaskQueued()),
            ("agent/a", AgentSpawned(name="a", profile="shell")),
            ("task/T-1", TaskClaimed(agent_id="a", attempt=1, fence=1)),
            ("agent/a", AgentOutput(lines=("hello",))), ("task/T-1", TaskCancelled(reason="no")),
        ],
        1,
    ):  # fmt: skip
        event = BareEvent(position, stream, position, 1_000_000 * position, payload)
        after = fold(state, event)
        assert list(changes_by(event, state)) == list(changes(state, after))
        state = after
