"""Commands about tasks: each decides on the state, appends what it decided, or refuses and appends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta, timezone

import pytest
from fakes.clock import FakeClock

from core.commands import Commands
from core.config import Config, Profile
from core.errors import CodewalkersError, IllegalMove, InvalidEvent, NotFound, PayloadTooLarge, PlanError
from core.events import Append, TaskCancelled, TaskClaimed, TaskCompleted, TaskFailed, TaskQueued, TaskStarted
from core.journal import Journal
from core.log import EventLog
from core.projections import State
from core.projections.moves import MOVES

CONFIG = Config(profiles={"talker": Profile(command=("agent", "{prompt}"))})


@pytest.fixture
async def journal(log: EventLog, clock: FakeClock) -> Journal:
    return Journal(log, State.empty(), clock)


@pytest.fixture
async def commands(journal: Journal) -> Commands:
    return Commands(journal, lambda: CONFIG)


async def append(journal: Journal, task_id: str, *events: object) -> None:
    await journal.record([Append(f"task/{task_id}", list(events))], actor="test")


async def refused(journal: Journal, error: type[Exception], command: Coroutine[None, None, object]) -> str:
    """The sentence of a refusal that appended nothing."""
    before = await journal.log.head()
    with pytest.raises(error) as caught:
        await command
    assert await journal.log.head() == before
    assert isinstance(caught.value, CodewalkersError)
    return str(caught.value)


# -- enqueue ----------------------------------------------------------------------------------------------------------


async def test_a_task_gets_a_number_and_its_first_line_as_title(commands: Commands, journal: Journal) -> None:
    assert await commands.enqueue(command=("make", "all")) == "T-1"
    assert await commands.enqueue(prompt="do this\nand that", profile="talker") == "T-2"
    assert await commands.enqueue("named", command="x") == "T-3"
    assert [task.title for task in sorted(journal.state.tasks.values(), key=lambda task: task.id)] == [
        "make all", "do this", "named",
    ]  # fmt: skip


async def test_what_is_to_be_done_may_fill_an_event_without_its_title_doubling_it(commands: Commands) -> None:
    await commands.enqueue(prompt="p" * 200_000, profile="talker")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "task '' has nothing to do; give it a command or a prompt"),
        ({"command": "x", "profile": "ghost"}, "goose, mini, opencode, shell, talker"),
        ({"prompt": "x"}, "profile 'shell' has no command to give a prompt to"),
        ({"command": "x", "max_attempts": 0}, "it needs at least one attempt"),
        ({"command": "x", "depends_on": ["T-9"]}, "depends on 'T-9', and there is no such task"),
        ({"command": "x", "run_at": datetime(2026, 1, 2)}, "the time it may run at needs a time zone"),
        ({"command": "x", "timeout_ms": -1}, "its time limit must be between nothing and 100 years"),
        ({"command": "x", "delay_ms": -1}, "its delay must be between nothing and 100 years"),
        ({"command": "x", "delay_ms": 10**18}, "its delay must be between nothing and 100 years"),
        ({"command": "x", "timeout_ms": 10**18}, "its time limit must be between nothing and 100 years"),
    ],
    ids=lambda value: None,
)
async def test_a_task_that_cannot_be_right_is_refused(
    commands: Commands, journal: Journal, settings: dict[str, object], sentence: str
) -> None:
    assert sentence in await refused(journal, PlanError, commands.enqueue(**settings))


async def test_a_time_without_a_zone_is_refused_for_a_blocked_task_too(commands: Commands, journal: Journal) -> None:
    first = await commands.enqueue(command="x")
    naive = datetime(2026, 1, 2)
    await refused(journal, PlanError, commands.enqueue(command="x", run_at=naive, depends_on=[first]))


async def test_what_no_event_can_hold_is_refused(commands: Commands, journal: Journal) -> None:
    await refused(journal, PayloadTooLarge, commands.enqueue(prompt="p" * 300_000, profile="talker"))
    await refused(journal, InvalidEvent, commands.enqueue(command="lone surrogate \ud800"))


async def test_a_time_in_another_zone_is_the_same_time(commands: Commands, journal: Journal, clock: FakeClock) -> None:
    soon = clock.now() + timedelta(minutes=5)
    task_id = await commands.enqueue(command="x", run_at=soon.astimezone(timezone(timedelta(hours=9))))
    assert journal.state.tasks[task_id].status == "scheduled"
    assert journal.state.tasks[task_id].run_at_us == round(soon.timestamp() * 1_000_000)


async def test_a_time_that_has_passed_queues_at_once(commands: Commands, journal: Journal) -> None:
    task_id = await commands.enqueue(command="x", run_at=datetime(2000, 1, 1, tzinfo=UTC))
    assert journal.state.tasks[task_id].status == "queued"


async def test_many_tasks_enqueued_at_once_get_a_number_each(commands: Commands, journal: Journal) -> None:
    ids = await asyncio.gather(*(commands.enqueue(command="x") for _ in range(60)))
    assert sorted(ids) == sorted({f"T-{number}" for number in range(1, 61)})
    assert len(journal.state.tasks) == 60
    assert (await journal.log.verify()).good


# -- plans ------------------------------------------------------------------------------------------------------------


async def test_a_plan_is_enqueued_whole_or_not_at_all(commands: Commands, journal: Journal) -> None:
    plan = [{"id": "a", "run": "x"}, {"id": "b", "run": "y", "profile": "ghost"}]
    await refused(journal, PlanError, commands.enqueue_plan(plan))
    names = await commands.enqueue_plan([{"id": "a", "run": "x"}, {"id": "b", "run": "y", "depends_on": ["a"]}])
    assert names == {"a": "T-1", "b": "T-2"}
    assert journal.state.tasks["T-2"].waiting_on == ("T-1",)


async def test_the_same_plan_twice_is_two_sets_of_tasks(commands: Commands, journal: Journal) -> None:
    plan = [{"id": "a", "run": "x"}, {"id": "b", "run": "y", "depends_on": ["a"]}]
    first, second = await asyncio.gather(commands.enqueue_plan(plan), commands.enqueue_plan(plan))
    assert {*first.values()}.isdisjoint(second.values())
    assert all(journal.state.tasks[one["b"]].depends_on == (one["a"],) for one in (first, second))


async def test_a_plan_may_name_what_comes_later_in_it(commands: Commands, journal: Journal) -> None:
    names = await commands.enqueue_plan([{"id": "b", "run": "y", "depends_on": ["a"]}, {"id": "a", "run": "x"}])
    assert journal.state.tasks[names["b"]].status == "blocked"
    assert journal.state.tasks[names["a"]].status == "queued"


async def test_a_large_plan_is_enqueued_in_one_go(commands: Commands, journal: Journal) -> None:
    plan = [
        {"id": f"t{number}", "run": "x", "depends_on": [f"t{number - 1}"][: number or 0]} for number in range(2_000)
    ]
    names = await commands.enqueue_plan(plan)
    assert len(names) == journal.state.totals.tasks == 2_000


# -- moves ------------------------------------------------------------------------------------------------------------

WALKS: dict[str, tuple[object, ...]] = {
    "queued": (),
    "claimed": (TaskClaimed(agent_id="a"),),
    "running": (TaskClaimed(agent_id="a"), TaskStarted()),
    "completed": (TaskClaimed(agent_id="a"), TaskCompleted()),
    "failed": (TaskClaimed(agent_id="a"), TaskFailed(error="no")),
    "cancelled": (TaskCancelled(),),
}
ASKED: dict[str, Callable[[Commands, str], Coroutine[None, None, object]]] = {
    "cancel": lambda commands, task_id: commands.cancel_task(task_id),
    "retry": lambda commands, task_id: commands.retry_task(task_id),
    "priority": lambda commands, task_id: commands.set_priority(task_id, 3),
    "pause": lambda commands, task_id: commands.pause(task_id),
    "resume": lambda commands, task_id: commands.resume(task_id),
}
ALLOWED = {
    "queued": {"cancel", "priority", "pause"},
    "claimed": {"cancel", "priority"},
    "running": {"cancel", "priority"},
    "completed": set[str](),
    "failed": {"cancel", "retry", "priority"},
    "cancelled": {"retry"},
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("status", WALKS)
async def test_a_command_does_what_the_tasks_status_allows_and_nothing_else(
    commands: Commands, journal: Journal, status: str, asked: str
) -> None:
    task_id = await commands.enqueue(command="x")
    await append(journal, task_id, *WALKS[status]) if WALKS[status] else None
    assert journal.state.tasks[task_id].status == status
    if asked in ALLOWED[status]:
        before = await journal.log.head()
        await ASKED[asked](commands, task_id)
        assert await journal.log.head() > before
    else:
        await refused(journal, CodewalkersError, ASKED[asked](commands, task_id))


async def test_a_command_about_nobody_says_so(commands: Commands, journal: Journal) -> None:
    for ask in ASKED.values():
        assert "there is no task 'T-7'" in await refused(journal, NotFound, ask(commands, "T-7"))


async def test_a_decision_that_was_overtaken_is_made_again(commands: Commands, journal: Journal) -> None:
    task_id = await commands.enqueue(command="x")
    results = await asyncio.gather(
        commands.cancel_task(task_id), commands.set_priority(task_id, 9), commands.pause(task_id),
        return_exceptions=True,
    )  # fmt: skip
    assert results[0] == task_id
    assert all(isinstance(result, IllegalMove) for result in results[1:])
    moves = [event.type async for event in journal.log.read(streams=[f"task/{task_id}"])]
    assert moves[-1] == "task:cancelled"


async def test_the_same_priority_again_appends_nothing(commands: Commands, journal: Journal) -> None:
    task_id = await commands.enqueue(command="x", priority=4)
    before = await journal.log.head()
    await commands.set_priority(task_id, 4)
    assert await journal.log.head() == before


async def test_a_cancel_of_what_runs_waits_for_its_end(commands: Commands, journal: Journal) -> None:
    task_id = await commands.enqueue(command="x")
    await append(journal, task_id, TaskClaimed(agent_id="a"), TaskStarted())
    await commands.cancel_task(task_id, reason="enough")
    task = journal.state.tasks[task_id]
    assert (task.status, task.cancel_requested, task.force_requested) == ("running", True, False)
    await commands.cancel_task(task_id, force=True)
    assert journal.state.tasks[task_id].force_requested


async def test_every_move_of_the_table_can_be_asked_about_by_type() -> None:
    assert TaskQueued in MOVES
    assert MOVES[TaskClaimed].start == {"queued"}
