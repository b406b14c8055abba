"""A recorded session for the screens: the same events at the same times each time, and an engine that runs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import events as e
from core.agents.context import Context
from core.agents.supervisor import Supervisor
from core.api.server import AgentTools
from core.config import Config, Profile
from core.engine import Desk, Engine
from core.events import Append, Payload
from core.journal import Journal
from core.log import EventLog
from core.processes.local import LocalRunner
from core.project import Project
from core.projections import State
from core.scheduling.scheduler import Scheduler


class StillClock:
    """Stands still unless told otherwise; sleeping ends at once, so frames still come."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
        self.slept = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.slept += seconds
        await asyncio.sleep(0)


CONFIG = Config(
    max_agents=4,
    profiles={
        "coder": Profile(command=("coder", "{prompt}"), role="code", description="writes code"),
        "tester": Profile(role="test", description="runs tests"),
    },
)

Step = tuple[float, list[Append]]
"""Seconds after the step before, and what is appended."""


def one(stream: str, *payloads: Payload) -> Append:
    return Append(stream, list(payloads))


def history() -> list[Step]:
    """Four agents, ten tasks: some done, one failing and retried, one given up, one blocked by it, one running."""
    steps: list[Step] = [
        (0, [one("session/S-1", e.SessionStarted(session_id="S-1", version="0.1.0", pid=4711, host="here")),
             one("swarm/main", e.SwarmInitialized(topology="pool", max_agents=4))]),
        (1, [one(f"task/T-{number}", created, placed) for number, (created, placed) in enumerate(_tasks(), 1)]),
    ]  # fmt: skip
    steps += _ran("T-1", "coder-1", 1, seconds=4, said=["reading 12 files", "drawing the map"])
    steps += _ran("T-2", "tester-2", 1, seconds=2, said=["9 tests", "2 failed"], error="exit code 1: 2 of 9 failed")
    steps += [(0, [one("task/T-2", e.TaskRetryScheduled(attempt=1, delay_ms=3000))])]
    steps += [(65, [one("swarm/main", e.SwarmMilestoneReached(name="surveyed"))])]
    steps += _ran("T-3", "coder-1", 1, seconds=6, said=["patching parser.py", "1 file changed"], spawn=False)
    steps += [(0, [one("task/T-2", e.TaskQueued())])]
    steps += _ran("T-2", "tester-2", 2, seconds=3, said=["9 tests", "all passed"], spawn=False)
    steps += _ran("T-4", "tester-3", 1, seconds=1, said=["Segmentation fault"], error="ended by SIGSEGV: core dumped")
    steps += [
        (0, [one("task/T-4", e.TaskDeadLettered(attempts=1, last_error="ended by SIGSEGV: core dumped")),
             one("task/T-5", e.TaskBlocked(waiting_on=("T-4",), reason="T-4 is dead-lettered"))]),
        (2, [one("agent/watcher-4", e.AgentSpawned(name="watcher-4", profile="watcher", role="watch",
                                                   command=("watch", "src")),
                 e.AgentFailed(error="exit code 2: no such directory", exit_code=2),
                 e.AgentRestarting(attempt=2, delay_ms=8000, reason="exit code 2: no such directory"))]),
    ]  # fmt: skip
    steps += _claimed("T-6", "coder-1", 1, spawn=False)
    steps += [
        (1, [one("agent/coder-1", e.AgentOutput(lines=(f"writing chapter {n}",), task_id="T-6"))]) for n in (1, 2)
    ]
    steps += [
        (1, [one("execution/T-6.1", e.UsageReported(input_tokens=12_400, output_tokens=810, cost_usd_micros=41_300,
                                                   model="some-model", context_used_tokens=52_000,
                                                   context_size_tokens=200_000))]),
    ]  # fmt: skip
    return steps


def _tasks() -> list[tuple[e.TaskCreated, Payload]]:
    later = datetime(2026, 3, 14, 9, 40, tzinfo=UTC)
    return [
        (e.TaskCreated(title="Survey the project", command="./survey", profile="coder", priority=8), e.TaskQueued()),
        (e.TaskCreated(title="Test the parser", command="./test", profile="tester", max_attempts=3), e.TaskQueued()),
        (e.TaskCreated(title="Fix precedence", prompt="make it right", profile="coder", priority=5), e.TaskQueued()),
        (e.TaskCreated(title="Benchmark", command="./bench", profile="tester"), e.TaskQueued()),
        (
            e.TaskCreated(title="Publish the benchmark", command="./publish", depends_on=("T-4",)),
            e.TaskBlocked(waiting_on=("T-4",)),
        ),
        (e.TaskCreated(title="Write the guide", prompt="for newcomers", profile="coder", priority=2), e.TaskQueued()),
        (e.TaskCreated(title="Lint everything", command="./lint", profile="tester"), e.TaskQueued()),
        (e.TaskCreated(title="Clean up", command="./clean", run_at=later), e.TaskScheduled(run_at=later)),
        (
            e.TaskCreated(title="Package the release", command="./package", depends_on=("T-6", "T-7")),
            e.TaskBlocked(waiting_on=("T-6", "T-7")),
        ),
        (e.TaskCreated(title="Announce it to [everybody]", command="./announce", priority=-1), e.TaskQueued()),
    ]  # fmt: skip


def _claimed(task: str, agent: str, attempt: int, *, spawn: bool) -> list[Step]:
    profile = agent.partition("-")[0]
    role = CONFIG.profiles[profile].role
    spawned = [e.AgentSpawned(name=agent, profile=profile, role=role)] if spawn else []
    execution = f"{task}.{attempt}"
    return [
        (0.01, [one(f"agent/{agent}", *spawned, e.AgentTaskAssigned(task_id=task),
                    e.AgentStatusChanged(previous="idle", current="busy")),
                one(f"task/{task}", e.TaskClaimed(agent_id=agent, attempt=attempt, fence=attempt))]),
        (0.01, [one(f"execution/{execution}", e.ExecutionStarted(task_id=task, agent_id=agent))]),
        (0.02, [one(f"agent/{agent}", e.AgentStarted(pid=5000 + attempt, shim_pid=4999, execution_id=execution)),
                one(f"task/{task}", e.TaskStarted(agent_id=agent, execution_id=execution))]),
    ]  # fmt: skip


def _ran(
    task: str, agent: str, attempt: int, *, seconds: float, said: list[str], error: str = "", spawn: bool = True
) -> list[Step]:
    steps = _claimed(task, agent, attempt, spawn=spawn)
    execution = f"{task}.{attempt}"
    for line in said:
        output = e.AgentOutput(lines=(line,), task_id=task, execution_id=execution)
        steps.append((seconds / len(said), [one(f"agent/{agent}", output)]))
    took = int(seconds * 1000)
    ended = e.TaskFailed(error=error, attempt=attempt) if error else e.TaskCompleted(result=said[-1], duration_ms=took)
    over = e.ExecutionFailed(error=error) if error else e.ExecutionCompleted(output=said[-1], duration_ms=took)
    freed = e.AgentTaskCompleted(task_id=task, outcome="failed" if error else "completed")
    steps.append(
        (0.01, [one(f"execution/{execution}", over), one(f"task/{task}", ended),
                one(f"agent/{agent}", e.AgentStopped(exit_code=int(bool(error))), freed,
                    e.AgentStatusChanged(previous="busy", current="idle"))])
    )  # fmt: skip
    return steps


@asynccontextmanager
async def recorded_engine(directory: Path, steps: list[Step] | None = None) -> AsyncIterator[Engine]:
    """An engine over the recorded session: commands append, and nothing is ever run."""
    clock = StillClock()
    project = Project(directory)
    await asyncio.to_thread(project.prepare)
    async with EventLog.open(project.log, clock=clock) as log, LocalRunner() as runner:
        journal = Journal(log, State.empty(), clock)
        journal.session_id = "S-1"
        cause: dict[str, int] = {}
        for seconds, appends in history() if steps is None else steps:
            clock.moment += timedelta(seconds=seconds)
            chained = [Append(a.stream, a.events, a.expected_version, cause.get(a.stream)) for a in appends]
            for event in await log.append_many(chained, session_id="S-1", actor="supervisor"):
                cause[event.stream] = event.position
        clock.moment += timedelta(seconds=1)
        async with _idle_engine(Desk(project, CONFIG, journal, None), runner) as engine:
            yield engine


@asynccontextmanager
async def engine_on(directory: Path) -> AsyncIterator[Engine]:
    """An engine over whatever log there is in a project, read anew; it runs nothing either."""
    async with (
        Desk.open(directory, config=CONFIG, clock=StillClock()) as desk,
        LocalRunner() as runner,
        _idle_engine(desk, runner) as engine,
    ):
        yield engine


@asynccontextmanager
async def _idle_engine(desk: Desk, runner: LocalRunner) -> AsyncIterator[Engine]:
    journal, project = desk.journal, desk.project
    context = Context(journal=journal, runner=runner, project=project.root, environment={}, config=lambda: desk.config)
    async with AgentTools.ready(journal, desk.commands, lambda: desk.config, project, {}) as tools:
        yield Engine(desk, Scheduler(journal, desk.config), Supervisor(context), tools)
