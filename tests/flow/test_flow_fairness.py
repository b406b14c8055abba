"""Whose turn it is: by priority, by age, and every eighth time by who waits longest."""

from __future__ import annotations

from pathlib import Path

from fakes.rehearsal import Rehearsal, rehearsing
from fakes.stage import until, until_over

from core.config import Profile
from core.scheduling.policy import FAIR_SHARE


async def queue(rehearsal: Rehearsal, *priorities: int, **settings: object) -> list[str]:
    """Tasks of these priorities, all queued before the first is claimed."""
    return [await rehearsal.commands.enqueue(command="x", priority=one, **settings) for one in priorities]


async def test_higher_priority_runs_first_and_equals_in_the_order_they_came(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        await rehearsal.commands.pause_session()
        tasks = await queue(rehearsal, 0, 5, 0, 9, 5)
        await rehearsal.commands.resume_session()
        await until_over(rehearsal.journal, *tasks)
        assert rehearsal.claimed == [tasks[index] for index in (3, 1, 4, 0, 2)]


async def test_every_eighth_claim_goes_to_who_waits_longest(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        await rehearsal.commands.pause_session()
        low = await queue(rehearsal, 0, 0)
        high = await queue(rehearsal, *[9] * 20)
        await rehearsal.commands.resume_session()
        await until_over(rehearsal.journal, *low, *high)
        assert [rehearsal.claimed.index(task_id) for task_id in low] == [FAIR_SHARE - 1, 2 * FAIR_SHARE - 1]


async def test_a_low_priority_task_never_starves_under_a_flood_of_higher_ones(project: Path) -> None:
    async with rehearsing(project, max_agents=2) as rehearsal:
        await rehearsal.commands.pause_session()
        low = await queue(rehearsal, *[-9] * 5)
        high = await queue(rehearsal, *[9] * 10)
        await rehearsal.commands.resume_session()
        for _ in range(60):  # for each one that is done, another comes
            done = rehearsal.journal.state.task_counts.get("completed", 0)
            await rehearsal.commands.enqueue(command="x", priority=9)
            await until(rehearsal.journal, lambda state, n=done: state.task_counts.get("completed", 0) > n)
        await until_over(rehearsal.journal, *low, *high)
        turns = [rehearsal.claimed.index(task_id) for task_id in low]
        assert turns == sorted(turns)
        assert all(turn < FAIR_SHARE * (place + 1) for place, turn in enumerate(turns))


async def test_the_count_of_turns_goes_on_where_the_last_session_left_it(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        await until_over(rehearsal.journal, *await queue(rehearsal, *[0] * (FAIR_SHARE - 1)))
    async with rehearsing(project, max_agents=1) as rehearsal:
        before = len(rehearsal.journal.state.tasks)
        await rehearsal.commands.pause_session()
        low, high = await queue(rehearsal, 0, 9)
        await rehearsal.commands.resume_session()
        await until_over(rehearsal.journal, low, high)
        assert rehearsal.claimed[before:] == [low, high]


async def test_a_changed_priority_changes_the_turn(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        await rehearsal.commands.pause_session()
        first, second, third = await queue(rehearsal, 0, 0, 0)
        await rehearsal.commands.set_priority(third, 2)
        await rehearsal.commands.set_priority(second, 1)
        await rehearsal.commands.set_priority(third, 1)
        await rehearsal.commands.resume_session()
        await until_over(rehearsal.journal, first, second, third)
        assert rehearsal.claimed == [second, third, first]


async def test_a_profile_that_is_full_holds_nobody_else_up(project: Path) -> None:
    async with rehearsing(project, working=False, solo=Profile(max=1)) as rehearsal:
        await rehearsal.commands.pause_session()
        urgent = await queue(rehearsal, 9, 9, profile="solo")
        other = await queue(rehearsal, 0, 0)
        await rehearsal.commands.resume_session()
        state = await until(rehearsal.journal, lambda state: state.task_counts.get("claimed") == 3)
        assert {task.id for task in state.tasks.values() if task.status == "claimed"} == {urgent[0], *other}
        await rehearsal.finish(urgent[0])
        await until(rehearsal.journal, lambda state: state.tasks[urgent[1]].status == "claimed")


async def test_a_task_that_is_tried_again_goes_to_the_end_of_its_priority(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        await rehearsal.commands.pause_session()
        first, second = await queue(rehearsal, 0, 0)
        await rehearsal.commands.cancel_task(first)
        await rehearsal.commands.retry_task(first)
        await rehearsal.commands.resume_session()
        await until_over(rehearsal.journal, first, second)
        assert rehearsal.claimed == [second, first]


async def test_a_thousand_tasks_are_claimed_once_each(project: Path) -> None:
    async with rehearsing(project, max_agents=8) as rehearsal:
        plan = [{"id": f"t{number}", "run": "x", "priority": number % 3} for number in range(1_000)]
        names = await rehearsal.commands.enqueue_plan(plan)
        await until_over(rehearsal.journal, *names.values())
        assert sorted(rehearsal.claimed) == sorted(names.values())
        assert rehearsal.journal.state.totals.claims == 1_000
