"""What a task printed is found again, whatever its agent printed before, since, and for others."""

from __future__ import annotations

from pathlib import Path

from fakes.clock import FakeClock

from core.engine import Desk
from core.events import AgentOutput, Append, Payload, TaskClaimed, TaskCompleted, TaskCreated, TaskFailed, TaskStarted


async def told(desk: Desk, stream: str, *events: Payload) -> int:
    return (await desk.journal.record([Append(stream, list(events))], actor="test"))[-1].position


async def ran(desk: Desk, task: str, attempt: int, end: Payload) -> int:
    execution = f"{task}.{attempt}"
    await told(
        desk, f"task/{task}", TaskClaimed(agent_id="a", attempt=attempt),
        TaskStarted(agent_id="a", execution_id=execution),
    )  # fmt: skip
    for number in (1, 2):
        await told(desk, "agent/a", AgentOutput(lines=(f"{execution} line {number}",), execution_id=execution))
    return await told(desk, f"task/{task}", end)


async def test_a_task_has_what_its_newest_attempt_printed_and_nothing_else(project: Path, clock: FakeClock) -> None:
    async with Desk.open(project, clock=clock) as desk:
        for task in ("T-1", "T-2", "T-3"):
            await told(desk, f"task/{task}", TaskCreated(title=task, command="x"))
        failed_at = await ran(desk, "T-1", 1, TaskFailed(error="no"))
        await ran(desk, "T-2", 1, TaskCompleted())
        await ran(desk, "T-1", 2, TaskCompleted())
        await ran(desk, "T-3", 1, TaskCompleted())
        output = desk.queries.output_of_task
        assert await output("T-1") == ["T-1.2 line 1", "T-1.2 line 2"]
        assert await output("T-1", up_to=failed_at) == ["T-1.1 line 1", "T-1.1 line 2"]
        assert await output("T-2") == ["T-2.1 line 1", "T-2.1 line 2"]
        assert await output("T-3", lines=1) == ["T-3.1 line 2"]
        assert await output("T-9") == []
