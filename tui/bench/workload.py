"""A long log like one of a real fleet: mostly output, tasks from queue to verdict, tool calls, costs, some failures.

The mix: a task is about 40 events on three streams, 24 of them output of one to three lines; twelve agents work at a
time, their events interleaved. One task in 25 fails for good, one in ten after a second attempt; now and then somebody
remembers something or reaches a milestone. Each batch is half a second of history, and every night nothing happens.
It is made of the log's own appends in large transactions, and is the same every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path

from core.clock import SystemClock
from core.engine import Desk
from core.events import (
    AgentOutput,
    AgentSpawned,
    AgentStarted,
    AgentStatusChanged,
    AgentStopped,
    AgentTaskAssigned,
    AgentTaskCompleted,
    AgentTerminated,
    Append,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStarted,
    MemoryStored,
    Payload,
    SessionClosed,
    SessionStarted,
    SwarmMilestoneReached,
    TaskClaimed,
    TaskCompleted,
    TaskCreated,
    TaskDeadLettered,
    TaskFailed,
    TaskQueued,
    TaskRequeued,
    TaskScheduled,
    TaskStarted,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from core.ids import execution_id
from core.log import EventLog
from core.project import Project
from tui.bench.rounds import Effort

AGENTS = 12
OUTPUTS = 24
TOOLS = 3
BATCH = 1_000
BATCH_S = 0.5
NIGHT_BATCHES = 250
NIGHT_S = 9 * 3600.0
LONGEST_TASK = 2 * (OUTPUTS + 2 * TOOLS + 1 + 12) + 4  # events, with a second attempt
WAITING = 40  # tasks that are due long after anybody looks

LINES = (
    "tests/test_parser.py::test_an_empty_file_is_an_empty_tree PASSED [ 42%]",
    '  File "calc/evaluator.py", line 31, in visit_power',
    "Reading docs/guide.md to see how the grammar is described before changing it.",
    "warning: unused import `Iterator` in calc/lexer.py:4:1",
    "+    return left ** self.unary() if self.accept('**') else left",
    "ok  \tcompiled 214 modules in 3.82s, 17 of them changed",
)
Fact = tuple[str, Payload]
"""A stream, and what happens on it."""


class PastClock(SystemClock):
    """Begins long ago, and moves when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def pass_time(self, seconds: float) -> None:
        """So much later."""
        self._now += timedelta(seconds=seconds)


async def long_log(effort: Effort) -> Project:
    """The project of this run's long log, and its index, as if both had grown together; made when first asked for."""
    project = Project(effort.directory / "long")
    if not await asyncio.to_thread(project.root.exists):
        await asyncio.to_thread(project.root.mkdir)
        await make_project(project.root, effort.events)
        async with Desk.open(project.root) as desk:
            assert desk.indexer is not None  # who owns a log has one
            await desk.indexer.advance()
            while await desk.indexer.advance_texts():
                pass
    return project


async def make_project(root: Path, events: int) -> None:
    """A project at `root` with a closed session of so many events."""
    project = Project(root)
    await asyncio.to_thread(project.prepare)
    nights = events // BATCH // NIGHT_BATCHES
    took = timedelta(seconds=events / BATCH * BATCH_S + nights * NIGHT_S)
    clock = PastClock(SystemClock().now() - took)
    async with EventLog.open(project.log, clock=clock) as log:
        facts = _history(events, clock.now() + took)
        for number in count(1):
            batch = list(islice(facts, BATCH))
            if not batch:
                break
            await log.append_many(_grouped(batch), actor="supervisor", session_id="S-1")
            clock.pass_time(NIGHT_S if number % NIGHT_BATCHES == 0 else BATCH_S)


def _grouped(facts: list[Fact]) -> list[Append]:
    """Appends in the order of the facts, neighbours on one stream together."""
    appends: list[Append] = []
    for stream, payload in facts:
        if appends and appends[-1].stream == stream:
            appends[-1].events.append(payload)
        else:
            appends.append(Append(stream, [payload]))
    return appends


def _history(events: int, now: datetime) -> Iterator[Fact]:
    """So many facts, from the beginning of a session to its end; tasks that are begun are brought to their ends."""
    beginning, ending = [*_beginning(now)], [*_ending()]
    yield from beginning
    told = len(beginning) + len(ending)
    for fact in _tasks(events - told):
        told += 1
        yield fact
    for _ in range(events - told):
        yield "memory/notes/idle", MemoryStored(namespace="notes", key="idle")
    yield from ending


def _beginning(now: datetime) -> Iterator[Fact]:
    yield "session/S-1", SessionStarted(session_id="S-1")
    for number in range(1, AGENTS + 1):
        yield f"agent/shell-{number}", AgentSpawned(name=f"shell-{number}", profile="shell", role="coder")
    for number in range(1, WAITING + 1):
        run_at = now + timedelta(days=365, minutes=number)
        yield f"task/W-{number}", TaskCreated(title=f"look again at step {number}", command="true", run_at=run_at)
        yield f"task/W-{number}", TaskScheduled(run_at=run_at)


def _ending() -> Iterator[Fact]:
    for number in range(1, AGENTS + 1):
        yield f"agent/shell-{number}", AgentTerminated(reason="quit")
    yield "session/S-1", SessionClosed(reason="quit")


def _tasks(most: int) -> Iterator[Fact]:
    """As many whole tasks as there is room for; agents take turns, each telling one fact after the other."""
    numbers = count(1)
    working: dict[int, Iterator[Fact]] = {agent: iter(()) for agent in range(1, AGENTS + 1)}
    told = 0
    while working:
        for agent, telling in [*working.items()]:
            fact = next(telling, None)
            if fact is None and told + AGENTS * LONGEST_TASK > most:
                del working[agent]
                continue
            if fact is None:
                working[agent] = _task(next(numbers), f"shell-{agent}")
                fact = next(working[agent])
            told += 1
            yield fact


def _task(number: int, agent_id: str) -> Iterator[Fact]:
    """One task from its creation to its verdict."""
    task, agent = f"task/T-{number}", f"agent/{agent_id}"
    fails = number % 25 == 7
    attempts = 2 if number % 10 == 3 or fails else 1
    title = f"{('Mend', 'Test', 'Explain', 'Measure')[number % 4]} step {number} of the evaluator"
    yield task, TaskCreated(title=title, command="make check", priority=number % 3, max_attempts=2, kind="code")
    yield task, TaskQueued()
    for attempt in range(1, attempts + 1):
        good = attempt == attempts and not fails
        execution = execution_id(f"T-{number}", attempt)
        yield agent, AgentTaskAssigned(task_id=f"T-{number}")
        yield agent, AgentStatusChanged(previous="idle", current="busy", reason=title)
        yield task, TaskClaimed(agent_id=agent_id, attempt=attempt, fence=attempt)
        yield f"execution/{execution}", ExecutionStarted(task_id=f"T-{number}", agent_id=agent_id)
        yield agent, AgentStarted(pid=1000 + number % 30_000, attempt=attempt, execution_id=execution)
        yield task, TaskStarted(agent_id=agent_id, execution_id=execution)
        yield from _work(number, agent, execution)
        yield f"execution/{execution}", ExecutionCompleted() if good else ExecutionFailed(error="2 tests failed")
        yield agent, AgentStopped(exit_code=0 if good else 1, reason="completed" if good else "failed")
        yield agent, AgentTaskCompleted(task_id=f"T-{number}", outcome="completed" if good else "failed")
        yield agent, AgentStatusChanged(previous="busy", current="idle")
        if good:
            yield task, TaskCompleted(result=LINES[number % len(LINES)], duration_ms=20_000)
        else:
            yield task, TaskFailed(error="2 tests failed: test_power, test_unary", attempt=attempt)
            yield task, TaskDeadLettered(attempts=2) if attempt == attempts else TaskRequeued(reason="retry")
    if number % 20 == 0:
        yield "memory/notes/grammar", MemoryStored(namespace="notes", key="grammar", size_bytes=64, value=LINES[2])
    if number % 400 == 0:
        yield "swarm/main", SwarmMilestoneReached(name=f"{number} tasks")


def _work(number: int, agent: str, execution: str) -> Iterator[Fact]:
    """Output, with tool calls in between, and what it cost."""
    for part in range(OUTPUTS):
        first = number * 7 + part
        lines = tuple(LINES[(first + at) % len(LINES)] for at in range(1 + first % 3))
        channel = "stderr" if part % 9 == 5 else "stdout"
        yield agent, AgentOutput(channel=channel, lines=lines, task_id=f"T-{number}", execution_id=execution)
        if part % (OUTPUTS // TOOLS) == 4:
            call = f"{execution}-{part}"
            yield f"execution/{execution}", ToolCallStarted(tool_call_id=call, tool_name="edit", input={"line": part})
            yield f"execution/{execution}", ToolCallCompleted(tool_call_id=call)
    yield (
        f"execution/{execution}",
        UsageReported(model="some-model", input_tokens=9_000, output_tokens=700, cost_usd_micros=31_000),
    )
