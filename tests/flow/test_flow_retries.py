"""Attempts that fail, backoff, dead letters, and the one key that tries again."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.stage import SteppedClock, history, kinds, opened, payloads, until, until_over, until_status

from core.config import Profile, Retry
from core.errors import IllegalMove, NotFound
from core.events import TaskClaimed, TaskDeadLettered, TaskFailed, TaskRetryScheduled

SECOND = 1_000


async def test_a_task_is_tried_max_attempts_times_and_then_given_up(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="echo tried >> tries; exit 1", max_attempts=3)
        state = await until_over(engine, task_id)
        (dead,) = await payloads(engine, TaskDeadLettered)
        claims = await payloads(engine, TaskClaimed)
        failures = await payloads(engine, TaskFailed)
    assert state.tasks[task_id].status == "dead-lettered"
    assert (project / "tries").read_text().count("tried") == 3
    assert (dead.attempts, dead.last_error) == (3, "exit code 1")
    assert [claim.attempt for claim in claims] == [failed.attempt for failed in failures] == [1, 2, 3]
    assert [claim.fence for claim in claims] == [1, 2, 3]


async def test_one_failure_kills_a_task_that_has_one_attempt(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="exit 1")
        await until_over(engine, task_id)
        moves = await kinds(engine, f"task/{task_id}")
    assert moves[-2:] == ["task:failed", "task:dead-lettered"]


async def test_a_failed_task_waits_its_backoff_out_and_says_what_for(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, retry=Retry(backoff="10s", max_backoff="1m")) as engine:
        task_id = await engine.commands.enqueue(command="test -e again || { touch again; exit 1; }", max_attempts=2)
        state = await until_status(engine, "scheduled", task_id)
        (scheduled,) = await payloads(engine, TaskRetryScheduled)
        assert 0 <= scheduled.delay_ms <= 10 * SECOND
        assert engine.queries.why_waiting(state, state.tasks[task_id]) == "attempt 1 failed"
        clock.advance(10)
        state = await until_over(engine, task_id)
        assert state.task_outcome(task_id) == "completed"


async def test_a_failure_that_another_try_cannot_mend_is_not_tried_again(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=("no-such-program-anywhere",), max_attempts=5)
        await until_over(engine, task_id)
        (failed,) = await payloads(engine, TaskFailed)
    assert not failed.retryable
    assert "there is no such program in PATH" in failed.error


async def test_a_retry_by_hand_gives_all_attempts_anew(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="exit 1", max_attempts=2)
        await until_over(engine, task_id)
        await engine.commands.retry_task(task_id)
        await until(engine, lambda state: state.tasks[task_id].attempt == 4 and state.task_counts.get("dead-lettered"))
        moves = await kinds(engine, f"task/{task_id}")
        claims = await payloads(engine, TaskClaimed)
    assert moves.count("task:failed") == 4
    assert moves.count("task:dead-lettered") == 2
    assert [claim.attempt for claim in claims] == [1, 2, 3, 4], "attempts are never numbered twice"


async def test_a_cancelled_task_can_be_tried_again(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        task_id = await engine.commands.enqueue(command="true")
        await engine.commands.cancel_task(task_id)
        await engine.commands.retry_task(task_id)
        await engine.commands.resume_session()
        assert (await until_over(engine, task_id)).task_outcome(task_id) == "completed"


async def test_what_runs_or_waits_or_succeeded_cannot_be_tried_again(project: Path) -> None:
    async with opened(project) as engine:
        running = await engine.commands.enqueue(command="exec sleep 1000")
        await until_status(engine, "running", running)
        done = await engine.commands.enqueue(command="true")
        await until_over(engine, done)
        await engine.commands.pause_session()
        waiting = await engine.commands.enqueue(command="true")
        before = engine.journal.state.position
        with pytest.raises(IllegalMove, match="running and cannot be tried again"):
            await engine.commands.retry_task(running)
        with pytest.raises(IllegalMove, match="completed"):
            await engine.commands.retry_task(done)
        with pytest.raises(IllegalMove, match="queued"):
            await engine.commands.retry_task(waiting)
        with pytest.raises(NotFound):
            await engine.commands.retry_task("T-99")
        assert engine.journal.state.position == before, "a refused command appends nothing"


async def test_a_time_limit_ends_an_attempt_and_counts_as_a_failure(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        task_id = await engine.commands.enqueue(command="exec sleep 1000", timeout_ms=90 * SECOND, max_attempts=2)
        for _ in range(2):
            await clock.until_somebody_naps(90)
            clock.advance(90)
        await until_over(engine, task_id)
        failures = await payloads(engine, TaskFailed)
    assert [failed.error for failed in failures] == ["timed out after 90 s"] * 2


async def test_a_profiles_time_limit_holds_for_tasks_that_set_none(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, hasty=Profile(timeout="1m")) as engine:
        task_id = await engine.commands.enqueue(command="exec sleep 1000", profile="hasty")
        await clock.until_somebody_naps(60)
        clock.advance(60)
        await until_over(engine, task_id)
        (failed,) = await payloads(engine, TaskFailed)
    assert failed.error == "timed out after 60 s"


async def test_a_task_that_ends_in_time_takes_its_timer_with_it(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        task_id = await engine.commands.enqueue(command="true", timeout_ms=90 * SECOND)
        await until_over(engine, task_id)
        clock.advance(1000)
        other = await engine.commands.enqueue(command="true")
        await until_over(engine, other)
        assert [event.type for event in await history(engine, f"task/{task_id}")][-1] == "task:completed"
