"""What is particular to processes of this machine: descriptors, numbers, shims that die or do not answer."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from fakes.cast import Part
from fakes.traces import left_of

from core.errors import LaunchFailed
from core.processes import RunSpec, launch, local, shim, spawn
from core.processes.local import LocalRun, LocalRunner
from core.processes.reports import Failed

PATH = {"PATH": os.environ["PATH"]}
MANY = 64


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


async def test_fifty_runs_leave_no_descriptor_open(tmp_path: Path) -> None:
    before = open_descriptors()
    async with LocalRunner() as runner:
        for turn in range(50):
            argv = ("cat",) if turn % 5 else ("no-such-program",)
            spec = RunSpec(argv=argv, cwd=str(tmp_path), env=PATH, marker=f"test-descriptors-{turn}", stdin=True)
            try:
                run = await runner.start(spec)
            except LaunchFailed:
                continue
            run.kill()
            await run.wait()
    assert open_descriptors() == before


@pytest.mark.usefixtures("kernel")
async def test_many_runs_at_once_leave_nothing(runner: LocalRunner) -> None:
    parts = [Part(("plain", "background_child", "setsid_grandchild", "double_fork_daemon")[n % 4]) for n in range(MANY)]
    async with asyncio.TaskGroup() as group:
        starts = [group.create_task(runner.start(part.spec())) for part in parts]
    runs = [start.result() for start in starts]
    assert [await run.stdout.readline() for run in runs] == [b"ready\n"] * MANY
    for run in runs:
        run.stop()
    verdicts = [await run.wait() for run in runs]
    assert {(verdict.lost, verdict.survivors) for verdict in verdicts} == {(False, ())}
    assert [await left_of(part.token) for part in parts] == [[]] * MANY


async def test_the_agent_does_not_see_how_its_orphans_are_found(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(shim.NO_SUBREAPER, "1")
    run = await runner.start(RunSpec(argv=("env",), cwd="/", env=PATH, marker="test-switch"))
    assert shim.NO_SUBREAPER.encode() not in await run.stdout.read()


async def test_a_shim_that_does_not_answer_is_given_up(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ANSWER_SLACK_S", 0.05)
    monkeypatch.setattr(shim, "KILL_LIMIT_S", 0.05)
    part = Part("cleared_daemon")
    run = await runner.start(part.spec())
    assert await run.stdout.readline() == b"ready\n"
    os.kill(run.shim_pid, signal.SIGSTOP)
    run.kill()
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.lost, verdict.stopped_by_us) == (None, True, True)
    assert await left_of(part.token) == []


async def test_what_no_kill_ends_is_named(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    powerless = tmp_path / "shim.py"
    change = "KILL_LIMIT_S, signal_exactly = 0.05, lambda *_: False\n"
    powerless.write_text(Path(shim.__file__).read_text().replace("if __name__ ==", f"{change}if __name__ =="))
    monkeypatch.setattr(spawn, "_SHIM_FILE", str(powerless))
    part = Part("plain")
    run = await runner.start(part.spec())
    run.kill()
    verdict = await run.wait()
    os.kill(run.pid, signal.SIGKILL)
    assert (verdict.exit_code, verdict.lost, verdict.survivors) == (None, False, (run.pid,))
    assert await left_of(part.token) == []


async def test_a_shim_that_dies_at_birth_has_its_last_words_told(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "shim.py"
    broken.write_text("import sys; sys.exit('trouble\\nno memory for modules')")
    monkeypatch.setattr(spawn, "_SHIM_FILE", str(broken))
    with pytest.raises(LaunchFailed, match="the process that starts it ended first and said: no memory for modules"):
        await runner.start(Part("plain").spec())


async def test_a_start_that_takes_too_long_leaves_nothing(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "shim.py"
    silent.write_text("import signal; signal.pause()")
    monkeypatch.setattr(spawn, "_SHIM_FILE", str(silent))
    monkeypatch.setattr(local, "START_LIMIT_S", 0.05)
    part = Part("plain")
    with pytest.raises(LaunchFailed, match=r"it did not start within 0\.05 s"):
        await runner.start(part.spec())
    assert await left_of(part.token) == []


async def test_a_stranger_that_holds_the_output_does_not_hold_its_end(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "DRAIN_S", 0.05)
    run = await runner.start(Part("plain").spec())
    held = os.open(f"/proc/{run.pid}/fd/1", os.O_WRONLY)
    try:
        assert await run.stdout.readline() == b"ready\n"
        run.kill()
        assert await run.stdout.read() == b""
    finally:
        os.close(held)


async def test_output_that_is_read_late_is_complete(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "DRAIN_S", 0.001)
    monkeypatch.setattr(spawn, "STREAM_LIMIT", 1000)
    argv = ("sh", "-c", "head -c 5001 /dev/zero; read -r order; head -c 50000 /dev/zero")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env=PATH, marker="test-late", stdin=True))
    await run.stdout.readexactly(1)  # the rest is more than the limit: the pipe is not read from now on
    assert run.stdin
    run.stdin.write(b"go on\n")
    await run.wait()
    await left_of("none")  # long enough for the pipe to look abandoned
    assert len(await run.stdout.read()) == 55_000


async def test_a_runner_that_nobody_entered_starts_nothing() -> None:
    with pytest.raises(RuntimeError, match="enter the runner"):
        await LocalRunner().start(Part("plain").spec())


async def test_an_error_leaves_the_runner_as_it_is_and_ends_the_runs() -> None:
    part = Part("double_fork_daemon")
    with pytest.raises(ZeroDivisionError):
        async with LocalRunner() as runner:
            run = await runner.start(part.spec())
            raise ZeroDivisionError
    assert (await run.wait()).stopped_by_us
    assert await left_of(part.token) == []


async def test_being_cancelled_ends_the_runs_first() -> None:
    part, started = Part("ignores_signals"), asyncio.Event()

    async def dashboard() -> None:
        async with LocalRunner() as runner:
            await runner.start(part.spec())
            started.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(dashboard())
        await started.wait()
        running.cancel()
    assert await left_of(part.token) == []


async def test_closing_that_is_cut_short_still_ends_the_runs() -> None:
    part, started = Part("ignores_signals"), asyncio.Event()

    async def dashboard() -> None:
        async with LocalRunner() as runner:
            await (await runner.start(part.spec())).stdout.readline()
            started.set()

    closing = asyncio.ensure_future(dashboard())
    await started.wait()
    closing.cancel()
    await asyncio.wait([closing])
    assert await left_of(part.token) == []


async def test_a_fault_in_one_run_is_told_and_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sound, faulty = Part("double_fork_daemon"), Part("double_fork_daemon")

    async def fail(_run: LocalRun) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as told:
        async with LocalRunner() as runner:
            run = await runner.start(sound.spec())
            assert await run.stdout.readline() == b"ready\n"
            monkeypatch.setattr(LocalRun, "follow", fail)
            await runner.start(faulty.spec())
            await run.wait()
            await asyncio.Event().wait()
    assert told.group_contains(ZeroDivisionError)
    assert (await run.wait()).lost
    assert [await left_of(sound.token), await left_of(faulty.token)] == [[], []]


async def test_a_shim_that_starts_while_nobody_wants_it_any_more_leaves_nothing() -> None:
    part = Part("plain")
    for turns in range(8):
        starting = asyncio.ensure_future(spawn.ShimProcess.start(part.spec()))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
    assert await left_of(part.token) == []


async def test_a_run_that_starts_while_its_start_is_cancelled_is_ended(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, follow = Part("plain"), LocalRun.follow

    async def cancelled_meanwhile(run: LocalRun) -> None:
        starting.cancel()
        await follow(run)

    monkeypatch.setattr(LocalRun, "follow", cancelled_meanwhile)
    starting = asyncio.ensure_future(runner.start(part.spec()))
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert await left_of(part.token) == []


async def test_a_descriptor_short_system_refuses_clearly(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(24, "too many")

    monkeypatch.setattr(os, "pipe", none_left)
    with pytest.raises(LaunchFailed, match=r"cannot start .*: this program has too many files open"):
        await runner.start(Part("plain").spec())


def test_a_system_out_of_processes_is_named() -> None:
    spec = Part("plain").spec()
    assert str(launch.agent_refused(spec, Failed(step="fork", errno=11))).endswith("this user has too many processes")
    assert str(launch.agent_refused(spec, Failed(step="program", errno=5))).endswith("Input/output error")
