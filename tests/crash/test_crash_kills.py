"""`kill -9` at any moment: what was acknowledged is there, nothing runs on, and the plan comes to its end.

`CW_KILLS` raises the number of kills, `CW_SEED` chooses other moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import victim
from fakes.evidence import check_runs
from fakes.stage import until
from fakes.traces import left_of

from core.config import Config
from core.engine import Desk, Engine
from core.events import StoredEvent
from core.history import Timeline
from core.log import EventLog
from core.project import Project
from core.scheduling.policy import alive, in_flight

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("CW_KILLS", "10"))
SEED = int(os.environ.get("CW_SEED", "20260102"))
KILLS_OF_A_PLAN = 5
GONE_LIMIT_S = 6.0


def run_and_kill(project: Path, after_lines: int) -> dict[int, str]:
    """Run the plan until it has said so much, or ended; what it said is stored: position → event id."""
    said: dict[int, str] = {}
    command = [sys.executable, "-m", victim.__name__, project]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=project, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            position, _, event_id = line.strip().partition(" ")
            said[int(position)] = event_id
            if len(said) >= after_lines:
                break
        process.kill()
        rest = process.stdout.read()  # what it said before it died counts as well
    for line in rest.splitlines():
        position, _, event_id = line.partition(" ")
        if len(event_id) == 32:  # the last line may be cut
            said[int(position)] = event_id
    return said


async def log_id(project: Path) -> str:
    async with EventLog.open(Project(project).log, read_only=True) as log:
        return log.log_id


async def everything(log: EventLog) -> list[StoredEvent]:
    return [event async for event in log.read()]


async def settle_and_check(project: Path, said: dict[int, str]) -> None:
    """Open what a kill left behind, check every promise, and put the lost tasks back in the queue."""
    async with Desk.open(project) as desk:
        state, log = desk.queries.state, desk.journal.log
        verification = await log.verify()
        assert verification.good, verification
        events = await everything(log)
        stored = {event.position: event.event_id_bytes.hex() for event in events}
        assert said.items() <= stored.items(), "what was acknowledged is there"
        assert in_flight(state) == []
        assert alive(state) == []
        assert (await Timeline(log).state_at(state.position, cold=True)).to_json() == state.to_json()
        check_runs(project / "runs", events)
        for task in list(state.tasks.values()):
            if task.status == "lost":
                await desk.commands.retry_task(task.id)


async def finish(project: Path) -> None:
    """Let the plan come to its end."""
    async with Engine.open(project, config=Config(max_agents=4)) as engine:
        assert engine.recovered is None, "the desk settled it"
        await until(engine, lambda state: all(task.status == "completed" for task in state.tasks.values()))
        events = await everything(engine.journal.log)
    assert len(check_runs(project / "runs", events)) == len(victim.PLAN)


@pytest.mark.timeout(120 + 20 * KILLS)
async def test_whenever_it_is_killed_nothing_acknowledged_is_lost_and_the_plan_comes_to_its_end(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    for first in range(0, KILLS, KILLS_OF_A_PLAN):
        project = tmp_path / f"project-{first}"
        project.mkdir()
        for kill in range(first, min(first + KILLS_OF_A_PLAN, KILLS)):
            after_lines = moments.choice([1, 5, 20, 40, 80, 120]) + moments.randrange(20)
            said = await asyncio.to_thread(run_and_kill, project, after_lines)
            left = await left_of(await log_id(project), GONE_LIMIT_S)
            assert left == [], f"kill {kill} of seed {SEED}"
            await settle_and_check(project, said)
        await finish(project)
