"""Real agents that are given one prompt and print JSON, as they are built in: turns, tools, cancels."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.acp_stage import prompted, said
from fakes.stage import opened, payloads, until_over
from live.installing import Agent
from live.waiting import until_made

from core.config import Profile
from core.events import StepCompleted, StepFailed, ToolCallCompleted, UsageReported

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def profile(agent: Agent) -> Profile:
    return agent.printing()


async def test_a_turn(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "say hello")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", state.tasks[task_id].error
        assert "".join(await said(engine)).replace(" ", "") == "STUB:done."
        assert sum(used.input_tokens for used in await payloads(engine, UsageReported)) >= 100
        assert len(await payloads(engine, StepCompleted)) >= 1


async def test_a_tool(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "TOOL:touch made-by-it:END")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", state.tasks[task_id].error
        assert (project / "made-by-it").exists()
        assert [call.outcome for call in await payloads(engine, ToolCallCompleted)] == ["ok"]


async def test_a_cancel_in_the_middle_of_a_tool(project: Path, profile: Profile) -> None:
    async with opened(project, agent=profile) as engine:
        task_id = await prompted(engine, "TOOL:touch begun; sleep 300:END")
        await until_made(project / "begun")
        await engine.commands.cancel_task(task_id)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "cancelled"
        # All of its tree is stopped: some agents see their tool end and say so, others are gone before.
        assert {call.outcome for call in await payloads(engine, ToolCallCompleted)} <= {"abandoned", "error"}
        assert len(await payloads(engine, StepFailed)) <= 1
