"""Tasks that wait for a time, by a clock that may also be set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fakes.rehearsal import rehearsing
from fakes.stage import until, until_over, until_status

from core.scheduling.scheduler import LONGEST_NAP_S


async def test_a_delayed_task_runs_when_its_time_has_come_and_not_before(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        task_id = await rehearsal.commands.enqueue(command="x", delay_ms=20_000)
        await rehearsal.clock.until_somebody_naps(20)
        rehearsal.clock.advance(19.75)
        await until_over(rehearsal.journal, await rehearsal.commands.enqueue(command="x"))
        assert rehearsal.journal.state.tasks[task_id].status == "scheduled"
        await rehearsal.clock.until_somebody_naps(0.25)
        rehearsal.clock.advance(0.25)
        await until_over(rehearsal.journal, task_id)


async def test_tasks_run_in_the_order_of_their_times(project: Path) -> None:
    async with rehearsing(project, max_agents=1) as rehearsal:
        now = rehearsal.clock.now()
        tasks = [
            await rehearsal.commands.enqueue(command="x", run_at=now + timedelta(seconds=seconds))
            for seconds in (15, 5, 10)
        ]
        for _ in range(3):
            await rehearsal.clock.until_somebody_naps(5)
            rehearsal.clock.advance(5)
        await until_over(rehearsal.journal, *tasks)
        assert rehearsal.claimed == [tasks[1], tasks[2], tasks[0]]


async def test_a_sooner_time_that_comes_later_is_not_slept_through(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        await rehearsal.commands.enqueue(command="x", delay_ms=25_000)
        await rehearsal.clock.until_somebody_naps(25)
        soon = await rehearsal.commands.enqueue(command="x", delay_ms=3_000)
        await rehearsal.clock.until_somebody_naps(3)
        rehearsal.clock.advance(3)
        await until_over(rehearsal.journal, soon)


async def test_a_clock_that_is_set_forward_is_noticed_within_the_longest_nap(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        task_id = await rehearsal.commands.enqueue(command="x", delay_ms=86_400_000)
        await rehearsal.clock.until_somebody_naps(LONGEST_NAP_S)
        rehearsal.clock.jump(86_400)
        rehearsal.clock.advance(LONGEST_NAP_S)
        await until_over(rehearsal.journal, task_id)


async def test_a_clock_that_is_set_back_makes_a_task_wait_longer_and_loses_nothing(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        task_id = await rehearsal.commands.enqueue(command="x", delay_ms=20_000)
        await rehearsal.clock.until_somebody_naps(20)
        rehearsal.clock.jump(-5)
        rehearsal.clock.advance(20)
        await rehearsal.clock.until_somebody_naps(5)
        assert rehearsal.journal.state.tasks[task_id].status == "scheduled"
        rehearsal.clock.advance(5)
        await until_over(rehearsal.journal, task_id)


async def test_a_task_paused_past_its_time_runs_once_it_is_resumed(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        task_id = await rehearsal.commands.enqueue(command="x", delay_ms=10_000)
        await rehearsal.commands.pause(task_id)
        rehearsal.clock.advance(60)
        await until_over(rehearsal.journal, await rehearsal.commands.enqueue(command="x"))
        assert rehearsal.journal.state.tasks[task_id].status == "paused"
        await rehearsal.commands.resume(task_id)
        await until_over(rehearsal.journal, task_id)


async def test_a_task_that_waits_for_a_task_and_a_time_waits_for_both(project: Path) -> None:
    async with rehearsing(project, working=False) as rehearsal:
        first = await rehearsal.commands.enqueue(command="x")
        second = await rehearsal.commands.enqueue(command="x", depends_on=[first], delay_ms=10_000)
        await until_status(rehearsal.journal, "claimed", first)
        await rehearsal.finish(first)
        await until_status(rehearsal.journal, "scheduled", second)
        await rehearsal.clock.until_somebody_naps(10)
        rehearsal.clock.advance(10)
        await until_status(rehearsal.journal, "claimed", second)


async def test_a_time_that_passes_between_two_sessions_is_not_missed(project: Path) -> None:
    async with rehearsing(project) as rehearsal:
        task_id = await rehearsal.commands.enqueue(command="x", delay_ms=5_000)
        assert rehearsal.journal.state.tasks[task_id].status == "scheduled"
    async with rehearsing(project) as rehearsal:
        rehearsal.clock.advance(5)
        await until(rehearsal.journal, lambda state: state.task_outcome(task_id) == "completed")
