"""Budgets with a real engine: what agents report is counted, and nothing new begins once a cap is reached."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fakes.acp_stage import acp, prompted, until_asked
from fakes.calling import Agent, at_work
from fakes.stage import PATIENCE_S, Gate, SteppedClock, history, opened, payloads, until, until_over, until_status

from core.config import Budget, Budgets, Config, Profile
from core.engine import Engine
from core.errors import NoCapacity
from core.events import BudgetSet, BudgetTripped, BudgetWarned, StepFailed, UsageReported
from core.projections import State, UsageQueries

CAPPED = Config(budget=Budgets(session=Budget(tokens=100, warn_at=0.5)))


async def _uses(agent: Agent, tokens: int = 0, usd: float = 0.0) -> int:
    cost = round(usd * 1_000_000)
    return await agent.tells(UsageReported(input_tokens=tokens, cost_usd_micros=cost))


def _tripped(state: State) -> bool:
    return any(budget.status == "tripped" for budget in state.budgets.values())


async def test_a_cap_warns_and_then_nothing_new_is_claimed(project: Path, gate: Gate) -> None:
    async with Engine.open(project, config=CAPPED) as engine:
        agent = await at_work(engine)
        running = await engine.commands.enqueue("runs already", command=Gate.WAIT)
        await until_status(engine, "running", running)
        await _uses(agent, 60)
        await until(engine, lambda state: any(budget.status == "warned" for budget in state.budgets.values()))
        more = await engine.commands.enqueue("still fits", command="true")
        await until_over(engine, more)
        position = await _uses(agent, 60)
        await until(engine, _tripped)
        late = await engine.commands.enqueue("comes too late", command="true")
        gate.open()
        state = await until_over(engine, running)
        assert state.tasks[running].status == "completed", "what runs goes on"
        task = state.tasks[late]
        assert task.status == "queued"
        why = engine.queries.why_waiting(state, task)
        assert why == "the budget of session S-1 is used up: 120 of 100 tokens"
        (tripped,) = await history(engine, types=[BudgetTripped.type])
        assert (tripped.actor, tripped.causation_id) == ("scheduler", position)
        assert len(await payloads(engine, BudgetWarned)) == 1


async def test_a_task_that_waited_for_a_budget_runs_once_the_cap_is_raised(project: Path) -> None:
    async with Engine.open(project, config=CAPPED) as engine:
        agent = await at_work(engine)
        await _uses(agent, 100)
        await until(engine, _tripped)
        late = await engine.commands.enqueue("waits", command="true")
        engine.desk.config = Config(budget=Budgets(session=Budget(tokens=1_000)))
        engine.scheduler.reconfigure(engine.desk.config)
        state = await until_over(engine, late)
        assert state.tasks[late].status == "completed"


async def test_a_profiles_budget_stops_that_profile_only(project: Path) -> None:
    config = Config(profiles={"dear": Profile(budget=Budget(usd=1.0)), "cheap": Profile()})
    async with Engine.open(project, config=config) as engine:
        agent = await at_work(engine, profile="dear")
        await _uses(agent, usd=1.0)
        await until(engine, _tripped)
        dear = await engine.commands.enqueue("dear", command="true", profile="dear", priority=10)
        cheap = await engine.commands.enqueue("cheap", command="true", profile="cheap")
        state = await until_over(engine, cheap)
        assert state.tasks[cheap].status == "completed"
        assert state.tasks[dear].status == "queued"


async def test_the_next_day_begins_by_itself(project: Path) -> None:
    clock = SteppedClock()
    config = Config(budget=Budgets(day=Budget(tokens=100)))
    async with Engine.open(project, config=config, clock=clock) as engine:
        agent = await at_work(engine)
        await _uses(agent, 100)
        await until(engine, _tripped)
        waits = await engine.commands.enqueue("waits for tomorrow", command="true")
        await until(engine, lambda state: engine.queries.why_waiting(state, state.tasks[waits]))
        await clock.until_somebody_naps(30)
        clock.advance(21 * 3600)
        state = await until_over(engine, waits)
        assert state.tasks[waits].status == "completed"
        days = [told.scope for told in await payloads(engine, BudgetSet)]
        assert days == ["day 2026-01-02", "day 2026-01-03"]


async def test_a_session_ends_with_its_budget_and_a_day_does_not(project: Path) -> None:
    config = Config(budget=Budgets(session=Budget(tokens=100), day=Budget(tokens=150)))
    for session in (1, 2):
        async with Engine.open(project, config=config, clock=SteppedClock()) as engine:
            agent = await at_work(engine)
            await _uses(agent, 100)
            state = await until(engine, _tripped)
            tripped = {budget.scope for budget in state.budgets.values() if budget.status == "tripped"}
            if session == 1:
                assert tripped == {"session S-1"}
                for task_id in state.tasks:
                    await engine.commands.cancel_task(task_id)
            else:
                state = await until(engine, lambda state: state.budgets["day/tokens"].status == "tripped")
                assert UsageQueries(state).by_day()[0].tokens == 200


async def test_no_claim_slips_in_between_a_report_and_what_is_told_of_it(project: Path) -> None:
    async with Engine.open(project, config=CAPPED) as engine:
        agent = await at_work(engine)
        for number in range(20):
            await engine.commands.enqueue(f"small {number}", command="true")
            if number == 10:
                reported = await _uses(agent, 100)
        await until(engine, _tripped)
        await engine.close("requeue")
        claims = await history(engine, types=["task:claimed"])
        assert all(claim.position < reported for claim in claims)


async def test_an_agent_that_is_spoken_with_begins_no_turn_beyond_a_cap(project: Path) -> None:
    capped = Config(budget=Budgets(session=Budget(usd=0.4)), profiles={"agent": acp()})
    async with Engine.open(project, config=capped) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until(engine, lambda state: state.agents[agent_id].status == "idle")
        await engine.commands.send(agent_id, "plan")  # for half a dollar
        await until(engine, _tripped)
        with pytest.raises(NoCapacity, match=r"begins no other turn: the budget of session S-1 is used up: \$0.50 of"):
            await engine.commands.send(agent_id, "more")


async def test_no_turn_begins_in_a_conversation_once_its_budget_is_used_up(project: Path) -> None:
    async with opened(project, agent=acp(budget={"usd": 1.0})) as engine:
        task_id = await prompted(engine, "spend 1.5")
        (asked,) = await until_asked(engine)
        await engine.commands.send(task_id, "and then this")
        await engine.commands.answer_permission(asked.id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", "the turn that used it up goes to its end"
        (lost,) = await payloads(engine, StepFailed)
        why = "the budget of profile agent in S-1 is used up: $1.50 of $1.00"
        assert lost.error == f"the message was not delivered: {why}"


async def test_a_conversation_that_stays_takes_no_message_once_its_budget_is_used_up(project: Path) -> None:
    async with opened(project, agent=acp(budget={"usd": 1.0})) as engine:
        agent_id = await engine.commands.spawn("agent")
        await until(engine, lambda state: agent_id in state.agents and state.agents[agent_id].status == "idle")
        await engine.commands.send(agent_id, "spend 1.5")
        (asked,) = await until_asked(engine)
        await engine.commands.send(agent_id, "and then this")
        await engine.commands.answer_permission(asked.id)
        why = "the budget of profile agent in S-1 is used up: $1.50 of $1.00"
        async with asyncio.timeout(PATIENCE_S):
            lost = await anext(engine.journal.log.subscribe(types=[StepFailed.type]))
        assert isinstance(lost.payload, StepFailed)
        assert lost.payload.error == f"the message was not delivered: {why}"
        with pytest.raises(NoCapacity, match="agent agent-1 begins no other turn: the budget of profile agent"):
            await engine.commands.send(agent_id, "now?")
