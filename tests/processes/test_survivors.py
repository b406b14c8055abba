"""However badly an agent behaves and however its run ends: nothing of it survives."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from fakes.cast import CANNOT_EXIT, ONLY_A_SUBREAPER_FINDS, ROGUES, Part
from fakes.traces import alive, left_after, left_of

from core.processes.local import LocalRun, LocalRunner

Dashboard = Callable[..., subprocess.Popen[bytes]]
GONE_AFTER_DEATH_S = 6.0


@pytest.fixture(params=[*ROGUES, *ONLY_A_SUBREAPER_FINDS])
def part(request: pytest.FixtureRequest) -> Part:
    return Part(request.param)


@pytest.fixture(autouse=True)
def _skip_what_nobody_can_know(part: Part, kernel: str) -> None:
    if kernel == "no subreaper" and part.name in ONLY_A_SUBREAPER_FINDS:
        pytest.skip("without parent, environment and subreaper nobody can know whose process it is")


async def on_stage(runner: LocalRunner, part: Part) -> LocalRun:
    run = await runner.start(part.spec())
    assert await run.stdout.readline()
    assert {run.pid, run.shim_pid} <= {process.pid for process in alive(part.token)}
    return run


async def test_nothing_survives_a_stop(runner: LocalRunner, part: Part) -> None:
    run = await on_stage(runner, part)
    run.stop()
    verdict = await run.wait()
    assert await left_of(part.token) == []
    assert (verdict.stopped_by_us, verdict.lost, verdict.survivors) == (True, False, ())


async def test_nothing_survives_a_kill(runner: LocalRunner, part: Part) -> None:
    run = await on_stage(runner, part)
    run.kill()
    verdict = await run.wait()
    assert await left_of(part.token) == []
    assert (verdict.signal, verdict.stopped_by_us, verdict.lost, verdict.survivors) == ("SIGKILL", True, False, ())


async def test_nothing_survives_the_leaders_own_exit(runner: LocalRunner, part: Part, kernel: str) -> None:
    if part.name in CANNOT_EXIT:
        pytest.skip("it does not read what it is told")
    if kernel == "no subreaper" and part.name == "cleared_environment":
        pytest.skip("its child may be an orphan without a name before anybody looked")
    run = await on_stage(runner, part)
    assert run.stdin
    run.stdin.write(b"exit\n")
    verdict = await run.wait()
    assert await left_of(part.token) == []
    assert (verdict.exit_code, verdict.stopped_by_us, verdict.lost, verdict.survivors) == (3, False, False, ())


async def test_nothing_survives_the_end_of_the_runner(runner: LocalRunner, part: Part) -> None:
    run = await on_stage(runner, part)
    await runner.aclose()
    assert await left_of(part.token) == []
    assert (await run.wait()).stopped_by_us


def test_nothing_survives_a_killed_dashboard(part: Part, dashboard: Dashboard) -> None:
    process = dashboard(part.spec())
    assert process.stdout
    assert process.stdout.readline()
    assert len(alive(part.token)) >= 3  # itself, the shim, the agent
    process.kill()
    assert left_after(part.token, GONE_AFTER_DEATH_S) == []


async def test_nothing_survives_a_killed_shim(runner: LocalRunner, part: Part) -> None:
    if part.name in ONLY_A_SUBREAPER_FINDS:
        pytest.skip("the only one that knew it is dead")
    run = await on_stage(runner, part)
    os.kill(run.shim_pid, signal.SIGKILL)
    verdict = await run.wait()
    assert await left_of(part.token) == []
    assert (verdict.exit_code, verdict.stopped_by_us, verdict.lost, verdict.survivors) == (None, False, True, ())
