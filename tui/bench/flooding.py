"""The dashboard while so many events a second come in, from ten agents that talk, through the whole of the core.

    python -m tui.bench.flooding PROJECT EVENTS_PER_SECOND

What comes in is output, tool calls, costs, and tasks that are put off and cancelled; no process is started for it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

from core.concurrency import task_group
from core.engine import Engine
from core.events import (
    AgentOutput,
    AgentSpawned,
    AgentStatusChanged,
    Append,
    TaskCancelled,
    TaskCreated,
    TaskScheduled,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from core.journal import Journal
from tui.app import CodewalkersApp
from tui.bench.workload import LINES

AGENTS = 10
AT_ONCE_S = 0.02
LATEST_S = 1.0


async def flood(journal: Journal, per_second: int) -> None:
    """Append without end; what is late is made up for, unless it is very late."""
    facts = _facts(journal)
    told_until = journal.clock.monotonic()
    while True:
        await journal.clock.sleep(AT_ONCE_S)
        now = journal.clock.monotonic()
        told_until = max(told_until, now - LATEST_S)
        appends = list(islice(facts, int((now - told_until) * per_second)))
        told_until += len(appends) / per_second
        if appends:
            await journal.record(appends, actor="supervisor")


def _facts(journal: Journal) -> Iterator[Append]:
    """One event each; twelve in a hundred are not output."""
    for agent in range(AGENTS):
        yield Append(f"agent/talker-{agent}", [AgentSpawned(name=f"talker-{agent}", profile="shell", role="coder")])
        busy = AgentStatusChanged(previous="starting", current="busy", reason="talks")
        yield Append(f"agent/talker-{agent}", [busy])
    put_off = journal.clock.now() + timedelta(days=365)
    for number in count():
        agent, execution = f"agent/talker-{number % AGENTS}", f"execution/E-{number // 100}"
        match number % 100:
            case 10 | 30 | 50:
                yield Append(execution, [ToolCallStarted(tool_call_id=f"C-{number}", tool_name="edit")])
            case 20 | 40 | 60:
                yield Append(execution, [ToolCallCompleted(tool_call_id=f"C-{number - 10}")])
            case 70 | 75:
                yield Append(execution, [UsageReported(input_tokens=900, output_tokens=70, cost_usd_micros=3_100)])
            case 80:
                yield Append(f"task/F-{number}", [TaskCreated(title=LINES[2], command="true", run_at=put_off)])
            case 81:
                yield Append(f"task/F-{number - 1}", [TaskScheduled(run_at=put_off)])
            case 90 if number > 5_000:
                yield Append(f"task/F-{number - 5_010}", [TaskCancelled(reason="put off for too long")])
            case _:
                yield Append(agent, [AgentOutput(lines=(LINES[number % len(LINES)],))])


async def run(project: Path, per_second: int) -> None:
    """Open the dashboard on the project, and flood it until it is closed."""
    async with Engine.open(project) as engine, task_group() as tasks:
        flooding = tasks.create_task(flood(engine.journal, per_second))
        await CodewalkersApp(engine).run_async()
        flooding.cancel()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
