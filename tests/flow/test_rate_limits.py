"""Rate limits with a real engine: the profile rests for a while, and the task does not pay for it."""

from __future__ import annotations

import sys
from pathlib import Path

from fakes.stage import Gate, SteppedClock, history, opened, payloads, until, until_over, until_status

from core.config import Budget, Budgets, Config, Profile
from core.engine import Engine
from core.events import ProfileParked, ProfileUnparked, TaskClaimed, TaskFailed
from core.events.envelope import to_us
from core.projections import State

LIMITED = Path(__file__).parents[1] / "fakes" / "limited.py"
IN_20_S = "Rate limit reached. Please try again in 20s."


def limited(words: str = IN_20_S, **settings: object) -> Profile:
    command = (sys.executable, str(LIMITED), words)
    return Profile.model_validate({"adapter": "jsonl:codex", "command": command, **settings})


def _parked(state: State) -> bool:
    profile = state.profiles.get("agent")
    return profile is not None and profile.status == "parked"


async def _ask(engine: Engine, **settings: object) -> str:
    return await engine.commands.enqueue(prompt="do it", profile="agent", **settings)


async def test_a_rate_limit_parks_the_profile_and_costs_the_task_no_attempt(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=limited()) as engine:
        task_id = await _ask(engine, max_attempts=1)
        state = await until(engine, _parked)
        task, profile = state.tasks[task_id], state.profiles["agent"]
        assert (task.status, task.failures, task.reason) == ("queued", 0, IN_20_S)
        assert profile.until_us == to_us(clock.now()) + 20_000_000
        why = f"profile agent is parked until 03:04:25 UTC: {IN_20_S}"
        assert engine.queries.why_waiting(state, task) == why
        assert await payloads(engine, TaskFailed) == []
        (project / "lifted").touch()
        await clock.until_somebody_naps(20)
        clock.advance(20)
        state = await until_over(engine, task_id)
        assert (state.tasks[task_id].status, state.tasks[task_id].attempt) == ("completed", 2)
        assert len(await payloads(engine, ProfileUnparked)) == 1


async def test_no_task_is_claimed_for_a_parked_profile_and_others_go_on(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=limited()) as engine:
        first = await _ask(engine)
        await until(engine, _parked)
        second = await _ask(engine, priority=10)
        other = await engine.commands.enqueue("other", command="true")
        state = await until_over(engine, other)
        assert {state.tasks[task_id].status for task_id in (first, second)} == {"queued"}
        (project / "lifted").touch()
        await clock.until_somebody_naps(20)
        clock.advance(20)
        await until_over(engine, first, second)
        told = [event for event in await history(engine) if event.type in {"profile:unparked", "task:claimed"}]
        resumed = next(index for index, event in enumerate(told) if event.type == "profile:unparked")
        assert [event.aggregate_id for event in told[:resumed]] == [first, other]


async def test_what_already_runs_is_not_ended_by_a_limit(project: Path, gate: Gate) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=limited()) as engine:
        running = await engine.commands.enqueue("runs", command=Gate.WAIT, profile="agent")
        await until_status(engine, "running", running)
        await _ask(engine)
        await until(engine, _parked)
        gate.open()
        state = await until_over(engine, running)
        assert state.tasks[running].status == "completed"


async def test_a_limit_that_lasts_parks_the_profile_again_and_again(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=limited("429 Too Many Requests")) as engine:
        task_id = await _ask(engine, max_attempts=1)
        for times in (1, 2, 3):
            await until(engine, lambda state, times=times: state.tasks[task_id].attempt == times and _parked(state))
            await clock.until_somebody_naps(30)  # of the minute: nobody sleeps for longer at once
            clock.advance(60)
        assert len(await payloads(engine, ProfileParked)) >= 3
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert (state.tasks[task_id].status, state.tasks[task_id].failures) == ("cancelled", 0)


async def test_a_profile_that_rests_when_the_program_ends_still_rests_when_it_begins_again(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=limited()) as engine:
        task_id = await _ask(engine)
        await until(engine, _parked)
    (project / "lifted").touch()
    async with opened(project, clock=clock, agent=limited()) as engine:
        assert _parked(engine.journal.state)
        await clock.until_somebody_naps(20)
        assert engine.journal.state.tasks[task_id].status == "queued"
        clock.advance(20)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"


async def test_what_an_agent_reports_it_used_is_counted_and_stops_the_next_one(project: Path) -> None:
    (project / "lifted").touch()
    config = Config(max_agents=1, budget=Budgets(session=Budget(tokens=150)), profiles={"agent": limited()})
    async with Engine.open(project, config=config) as engine:
        tasks = [await _ask(engine) for _ in range(3)]
        await until(engine, lambda state: any(budget.status == "tripped" for budget in state.budgets.values()))
        state = await until_over(engine, *tasks[:2])
        assert [state.tasks[task_id].status for task_id in tasks] == ["completed", "completed", "queued"]
        assert len(await payloads(engine, TaskClaimed)) == 2
