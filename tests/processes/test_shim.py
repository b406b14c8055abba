"""The parent of an agent: what it takes for an order, what it keeps from the agent, whom it signals."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.cast import SHORT, Part
from fakes.traces import left_after, left_of

from core.processes import Graces, RunSpec, shim
from core.processes.identity import identify, is_alive
from core.processes.local import LocalRun, LocalRunner

Dashboard = Callable[..., subprocess.Popen[bytes]]
ENDLESS = Graces(int_s=600, term_s=600)
GONE_AFTER_DEATH_S = 6.0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_to_the_shim_ends_the_tree_politely(runner: LocalRunner, signum: int, tmp_path: Path) -> None:
    part, saved = Part("saves_its_work"), tmp_path / "saved"
    run = await runner.start(part.spec(str(saved), "SIGINT"))
    assert await run.stdout.readline() == b"ready\n"
    os.kill(run.shim_pid, signum)
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.stopped_by_us, verdict.lost) == (0, False, False)
    assert saved.exists()
    assert await left_of(part.token) == []


def test_long_graces_end_with_the_dashboard(dashboard: Dashboard) -> None:
    part = Part("ignores_signals")
    process = dashboard(part.spec(graces=ENDLESS))
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    assert left_after(part.token, GONE_AFTER_DEATH_S) == []


async def test_what_the_leader_leaves_behind_is_asked_before_it_is_killed(runner: LocalRunner) -> None:
    run = await runner.start(Part("leaves_child_that_tells").spec())
    assert await run.stdout.readline() == b"ready\n"
    assert run.stdin
    run.stdin.write(b"exit\n")
    assert (await run.wait()).exit_code == 3
    assert await run.stdout.read() == b"asked\n"


async def test_what_hops_from_process_to_process_is_caught(runner: LocalRunner) -> None:
    part = Part("hopper")
    run = await runner.start(part.spec())
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.survivors) == (0, ())
    assert await left_of(part.token) == []


@pytest.mark.parametrize("end", [LocalRun.stop, LocalRun.kill, lambda run: os.kill(run.shim_pid, signal.SIGKILL)])
async def test_an_agent_whose_first_thread_has_ended_is_not_taken_for_dead(
    runner: LocalRunner, end: Callable[[LocalRun], None]
) -> None:
    run = await runner.start(Part("headless").spec())
    assert await run.stdout.readline() == b"ready\n"
    agent = await asyncio.to_thread(identify, run.pid)
    assert agent
    end(run)
    verdict = await run.wait()
    assert verdict.survivors == ()
    assert not await asyncio.to_thread(is_alive, agent)


async def test_the_shim_holds_none_of_the_agents_pipes(runner: LocalRunner) -> None:
    argv = ("sh", "-c", "exec >&- 2>&-; read -r order")
    spec = RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-pipes", stdin=True, graces=SHORT)
    run = await runner.start(spec)
    assert (await run.stdout.read(), await run.stderr.read()) == (b"", b"")
    assert run.stdin
    run.stdin.write(b"go on\n")
    assert (await run.wait()).exit_code == 0


async def test_the_agent_inherits_no_descriptor_but_its_own_three(runner: LocalRunner) -> None:
    argv = ("sh", "-c", "echo /proc/self/fd/*")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-descriptors"))
    listed = {int(Path(name).name) for name in (await run.stdout.read()).decode().split()}
    assert listed - {3} == {0, 1, 2}  # 3 is the directory being listed


async def test_an_agent_that_kills_its_whole_group_does_not_hit_the_shim(runner: LocalRunner) -> None:
    argv = ("sh", "-c", "kill -KILL 0")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-group"))
    verdict = await run.wait()
    assert (verdict.signal, verdict.lost) == ("SIGKILL", False)


async def test_the_agent_ignores_no_signal_because_the_dashboard_does(runner: LocalRunner) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        argv = ("grep", "SigIgn", "/proc/self/status")
        spec = RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-signals")
        run = await runner.start(spec)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (await run.stdout.read()).split() == [b"SigIgn:", b"0" * 16]


def test_the_agent_cannot_open_the_terminal_of_the_dashboard(dashboard: Dashboard) -> None:
    part = Part("opens_terminal")
    terminal = (sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])")
    script = 'true </dev/tty && echo "the dashboard can"; exec "$@"'
    emulator = dashboard(part.spec(stdin=False), *terminal, "sh", "-c", script, "sh")
    assert emulator.stdout
    assert emulator.stdout.readline().strip() == b"the dashboard can"
    assert emulator.stdout.readline().strip() == b"ENXIO"
    emulator.kill()
    assert left_after(part.token) == []


@pytest.fixture(params=["pidfd", "no pidfd"])
def _with_or_without_pidfds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int) -> int:
        raise PermissionError(pid)

    if request.param == "no pidfd":
        monkeypatch.setattr(os, "pidfd_open", forbidden, raising=False)


@pytest.mark.usefixtures("_with_or_without_pidfds")
def test_only_the_process_that_was_meant_is_signalled() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        row = shim.look(process.pid)
        assert row
        assert not shim.signal_exactly(process.pid, f"{row[1]}0", signal.SIGKILL)
        assert process.poll() is None
        assert shim.signal_exactly(process.pid, row[1], signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not shim.signal_exactly(process.pid, row[1], signal.SIGKILL)


@pytest.mark.skipif(shutil.which("ps") is None, reason="this machine has no ps")
def test_a_system_without_proc_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        monkeypatch.setattr(sys, "platform", "darwin")
        table = shim.look_at_all()
        process.kill()
    parent, start, is_dead = table[process.pid]
    assert (parent, is_dead) == (os.getpid(), False)
    assert len(start.split()) == 5  # as in Fri Jan 2 03:04:05 2026


def test_only_descendants_are_below() -> None:
    table = {1: (0, "", False), 2: (1, "", False), 3: (2, "", False), 4: (3, "", True), 5: (1, "", False)}
    assert shim.below(table, {2}) == {2, 3, 4}
    assert shim.below(table, {3, 5}) == {3, 4, 5}
    assert shim.below({}, {7}) == {7}


def test_a_command_line_that_mentions_a_marker_is_no_marker() -> None:
    bare = ["  7 /bin/agent", "  8 grep CW_RUN_ID=a-1"]
    full = ["  7 /bin/agent HOME=/ CW_RUN_ID=a-1", "  8 grep CW_RUN_ID=a-1 CW_RUN_ID=a-1", "  9 x CW_RUN_ID=a-10"]
    assert shim.pids_saying("CW_RUN_ID=a-1", full) - shim.pids_saying("CW_RUN_ID=a-1", bare) == {7}


@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (35, "SIG35")])
def test_a_signal_has_a_name(number: int, name: str) -> None:
    assert shim.signal_name(number) == name
