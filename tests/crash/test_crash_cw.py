"""`kill -9` of `cw` in the middle of the demo, several times over: what it said is true, and it goes on to the end.

`CW_KILLS` raises the number of kills, `CW_SEED` chooses other moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from fakes import evidence
from fakes.hurried_demo import hurry
from fakes.traces import left_after

from core.engine import Desk
from core.events import AgentOutput, StoredEvent, TaskCompleted, TaskFailed, TaskLost, TaskRequeued, TaskStarted
from core.history import Timeline
from core.log import EventLog
from core.project import Project
from core.projections import State, in_order
from core.scheduling.policy import LOSSES_ALLOWED, alive, in_flight
from tui.demo import MEANT_TO_FAIL, make_demo

CW = Path(sys.executable).with_name("cw")
KILLS = int(os.environ.get("CW_KILLS", "6"))
SEED = int(os.environ.get("CW_SEED", "20260102"))
KILLS_OF_A_DEMO = LOSSES_ALLOWED
"""After one more loss an idempotent task would wait for somebody's decision."""
GONE_LIMIT_S = 6.0
TOLD = re.compile(r"\d\d:\d\d:\d\d  (T-\d+) +(\||started|completed|failed|lost|queued again)")
"""A line about a task: which, and what happened to it."""
MEANING = {
    TaskStarted: "started", TaskCompleted: "completed", TaskFailed: "failed", TaskLost: "lost",
    TaskRequeued: "queued again",
}  # fmt: skip


def cw(project: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([CW, "-C", project, *arguments], capture_output=True, text=True)


def told_in(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """What these lines tell, and how often; output of agents as the number of its lines."""
    return Counter(match.groups() for line in lines if (match := TOLD.match(line)))


def told_by(events: Iterable[StoredEvent]) -> Counter[tuple[str, str]]:
    """What there is to tell of these events."""
    told: Counter[tuple[str, str]] = Counter()
    for event in events:
        if isinstance(event.payload, AgentOutput):
            told[event.payload.task_id, "|"] += len(event.payload.lines)
        elif meaning := MEANING.get(type(event.payload)):
            told[event.aggregate_id, meaning] += 1
    return told


def run_and_kill(project: Path, arguments: Iterable[str | Path], news: int) -> list[str]:
    """What `cw run` said until it was killed, right after it had told so much besides the output of agents."""
    lines: list[str] = []
    command = [CW, "-C", project, "run", "--headless", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        while news and (line := process.stdout.readline()):
            lines.append(line)
            news -= "  | " not in line
        process.kill()
        lines += process.stdout.readlines()  # what it said before it died counts as well
    assert process.returncode == -signal.SIGKILL, "it was over before"
    return [line for line in lines if line.endswith("\n")]


async def look(project: Path) -> tuple[str, list[StoredEvent], State, bytes]:
    """The log's id, its events, their state, and the same state folded without keyframes; nothing is changed."""
    async with EventLog.open(Project(project).log, read_only=True) as log:
        events = [event async for event in log.read()]
        state = await Timeline(log).state_at(len(events))
        cold = await Timeline(log).state_at(len(events), cold=True)
        return log.log_id, events, state, cold.to_json()


def check_what_is_left(project: Path, notes: Path, said: list[str]) -> None:
    log_id, events, state, cold = asyncio.run(look(project))
    assert left_after(log_id, GONE_LIMIT_S) == []
    verified = cw(project, "verify")
    assert verified.returncode == 0, verified.stdout
    assert told_in(said) <= told_by(events), "whatever it told is in the log"
    assert state.to_json() == cold
    evidence.check_runs(notes, events)


async def check_the_end(project: Path, notes: Path) -> None:
    async with Desk.observe(project) as desk:
        state = desk.queries.state
        assert (in_flight(state), alive(state)) == ([], [])
        surprises = [
            (task.title, task.status, task.error or task.reason)
            for task in in_order(state.tasks)
            if (task.status == "completed") == (MEANT_TO_FAIL in task.labels)
        ]
        assert surprises == []
        events = [event async for event in desk.journal.log.read()]
    completed = {task.id for task in state.tasks.values() if task.status == "completed"}
    assert completed <= evidence.check_runs(notes, events)


@pytest.mark.timeout(60 + 20 * KILLS)
def test_whenever_cw_is_killed_what_it_said_is_true_and_the_demo_goes_on_to_its_end(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    for first in range(0, KILLS, KILLS_OF_A_DEMO):
        project, notes = make_demo(tmp_path), tmp_path / f"runs-{first}"
        note = f"{evidence.NOTE} >> '{notes}'; exec ./py"
        noted = {
            "plan.toml": {'run = "./py': f'run = "{note}'},
            "codewalkers.toml": {'command = ["./py", "-m", "tools.agent"]': f'command = "{note} -m tools.agent"'},
        }
        hurry(project, noted)
        plan = [project / "plan.toml"]
        for kill in range(first, min(first + KILLS_OF_A_DEMO, KILLS)):
            news = moments.randrange(1, 24)
            print(f"kill {kill} of seed {SEED}: after {news} news")
            check_what_is_left(project, notes, run_and_kill(project, plan, news))
            plan = []
        ended = cw(project, "run", "--headless")
        assert ended.returncode == 1, ended.stderr
        asyncio.run(check_the_end(project, notes))
