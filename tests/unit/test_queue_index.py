"""The index over waiting tasks: believed only after a look at the state, and never behind it."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from rpds import HashTrieMap

from core.projections import State, Task
from core.scheduling.queue import QueueIndex


def queued(name: str, position: int, *, priority: int = 0, profile: str = "shell") -> Task:
    return Task(
        id=name, status="queued", position=position, queued_position=position, priority=priority, profile=profile
    )


def state_of(tasks: Iterable[Task]) -> State:
    return State(tasks=HashTrieMap({task.id: task for task in tasks}))


def test_higher_priority_comes_first_and_equals_by_who_waits_longest() -> None:
    state = state_of([queued("late", 3), queued("early", 1), queued("urgent", 2, priority=1)])
    index = QueueIndex(state)
    assert index.best(state, ["shell"], longest_waiting=False) == state.tasks["urgent"]
    state = state_of([queued("late", 3), queued("early", 1)])
    assert index.best(state, ["shell"], longest_waiting=False) == state.tasks["early"]


def test_the_longest_waiting_is_found_whatever_its_priority_and_profile() -> None:
    state = state_of([queued("low", 1, priority=-9, profile="other"), queued("high", 2, priority=9)])
    index = QueueIndex(state)
    assert index.best(state, ["shell", "other"], longest_waiting=True) == state.tasks["low"]
    assert index.best(state, ["shell"], longest_waiting=True) == state.tasks["high"]


def test_only_profiles_with_queued_tasks_are_named() -> None:
    state = state_of([queued("a", 1, profile="busy"), Task(id="b", status="running", profile="done")])
    index = QueueIndex(state)
    assert index.profiles(state) == ["busy"]
    assert index.profiles(State.empty()) == []


def test_a_task_that_left_the_queue_is_not_found_any_more() -> None:
    state = state_of([queued("a", 1), queued("b", 2)])
    index = QueueIndex(state)
    after = state_of([Task(id="a", status="cancelled"), state.tasks["b"]])
    assert index.best(after, ["shell"], longest_waiting=False) == state.tasks["b"]
    assert index.best(after, ["shell"], longest_waiting=True) == state.tasks["b"]


def test_a_changed_priority_counts_there_and_back_again() -> None:
    index = QueueIndex(State.empty())
    other = queued("other", 1, priority=5)
    index.update(other)
    for priority, first in ((0, "other"), (9, "moved"), (0, "other"), (9, "moved")):
        moved = queued("moved", 2, priority=priority)
        index.update(moved)
        found = index.best(state_of([other, moved]), ["shell"], longest_waiting=False)
        assert found is not None
        assert found.id == first


def test_who_is_due_is_told_once() -> None:
    soon, later = (Task(id=f"at-{at}", status="scheduled", run_at_us=at) for at in (10, 20))
    state = state_of([soon, later])
    index = QueueIndex(state)
    assert index.next_due_us() == 10
    assert index.due(state, 9) == []
    assert index.due(state, 10) == [soon]
    assert index.due(state, 10) == []
    assert index.next_due_us() == 20
    assert index.due(state_of([Task(id="at-20", status="paused", run_at_us=20)]), 30) == []


def test_who_waits_for_a_task_is_found_in_order_until_it_waits_no_more() -> None:
    blocked = [Task(id=f"b{n}", status="blocked", depends_on=("a",), position=9 - n) for n in range(3)]
    state = state_of([queued("a", 1), *blocked])
    index = QueueIndex(state)
    assert [task.id for task in index.dependents(state, "a")] == ["b2", "b1", "b0"]
    assert index.dependents(state, "b0") == []
    assert index.dependents(state_of([queued("b1", 8)]), "a") == []
    index.update(blocked[1])
    assert [task.id for task in index.dependents(state, "a")] == ["b1"]


statuses = st.sampled_from(["queued", "queued", "running", "scheduled", "paused", "blocked", "completed"])
updates = st.lists(st.tuples(st.integers(0, 5), statuses, st.integers(-2, 2), st.sampled_from(["x", "y"])), max_size=40)


@given(updates)
def test_an_index_that_followed_every_change_answers_as_a_new_one(changes: list[tuple[int, str, int, str]]) -> None:
    tasks: dict[str, Task] = {}
    followed = QueueIndex(State.empty())
    place: dict[str, int] = {}
    for position, (number, status, priority, profile) in enumerate(changes, 1):
        name = f"t{number}"
        before = tasks.get(name)
        if status == "queued" and (before is None or before.status != "queued"):
            place[name] = position
        tasks[name] = Task(
            id=name, status=status, priority=priority, profile=before.profile if before else profile,
            position=number, queued_position=place.get(name, 0), run_at_us=position * 10, depends_on=("t0",),
        )  # fmt: skip
        followed.update(tasks[name])
        state, fresh = state_of(tasks.values()), QueueIndex(state_of(tasks.values()))
        assert sorted(followed.profiles(state)) == sorted(fresh.profiles(state))
        for longest in (False, True):
            for among in (["x"], ["y"], ["x", "y"]):
                assert followed.best(state, among, longest_waiting=longest) == fresh.best(
                    state, among, longest_waiting=longest
                )
        assert followed.dependents(state, "t0") == fresh.dependents(state, "t0")
    state, fresh = state_of(tasks.values()), QueueIndex(state_of(tasks.values()))
    earliest, believed = fresh.next_due_us(), followed.next_due_us()
    assert earliest is None or (believed is not None and believed <= earliest), "never too late"
    due = followed.due(state, 10_000)
    assert sorted({task.id for task in due}) == sorted(task.id for task in fresh.due(state, 10_000))


def test_a_task_that_is_taken_is_left_out_until_it_is_put_back() -> None:
    state = state_of([queued("a", 1), queued("b", 2)])
    index = QueueIndex(state)
    index.take(state.tasks["a"])
    for longest in (False, True):
        assert index.best(state, ["shell"], longest_waiting=longest) == state.tasks["b"]
    index.take(state.tasks["b"])
    assert index.profiles(state) == []
    index.put_back(state)
    for longest in (False, True):
        assert index.best(state, ["shell"], longest_waiting=longest) == state.tasks["a"]


def test_a_task_that_was_claimed_meanwhile_is_not_put_back() -> None:
    state = state_of([queued("a", 1), queued("b", 2)])
    index = QueueIndex(state)
    index.take(state.tasks["a"])
    after = state_of([Task(id="a", status="claimed"), state.tasks["b"]])
    index.put_back(after)
    assert index.best(after, ["shell"], longest_waiting=False) == after.tasks["b"]
