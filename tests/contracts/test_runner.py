"""What every runner promises, whatever stands behind it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import psutil
import pytest
from fakes.cast import Part
from fakes.traces import alive, left_of, until

from core.errors import LaunchFailed
from core.processes import Graces, Run, Runner, RunSpec
from core.processes.local import LocalRunner
from core.processes.shim import NO_SUBREAPER

RUNNERS: dict[str, Callable[[], AbstractAsyncContextManager[Runner]]] = {"local": LocalRunner}
"""Another implementation is one more line."""

ENV = shutil.which("env") or ""
ENDLESS = Graces(int_s=600, term_s=600)
LIMIT_S = 15.0


@pytest.fixture(params=RUNNERS)
async def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    monkeypatch.delenv(NO_SUBREAPER, raising=False)
    async with RUNNERS[request.param]() as runner:
        yield runner


@pytest.fixture
def part() -> Part:
    return Part("plain")


async def on_stage(runner: Runner, spec: RunSpec) -> Run:
    run = await runner.start(spec)
    assert await run.stdout.readline() == b"ready\n"
    return run


async def say(run: Run, line: bytes) -> None:
    assert run.stdin
    run.stdin.write(line)
    await run.stdin.drain()


async def test_a_run_has_an_identity_of_its_own(runner: Runner, part: Part) -> None:
    run = await on_stage(runner, part.spec())
    assert run.pid in {process.pid for process in alive(part.token)}
    assert run.pid_started_at > 0
    assert run.boot_id
    assert psutil.Process(run.pid).ppid() == run.shim_pid


async def test_the_leaders_exit_code_is_the_verdict(runner: Runner, part: Part) -> None:
    run = await on_stage(runner, part.spec())
    await say(run, b"exit\n")
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.signal, verdict.stopped_by_us, verdict.lost) == (3, None, False, False)


async def test_a_signal_from_elsewhere_is_told_and_not_taken_for_ours(runner: Runner, part: Part) -> None:
    run = await on_stage(runner, part.spec())
    psutil.Process(run.pid).kill()
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.signal, verdict.stopped_by_us) == (None, "SIGKILL", False)


async def test_a_stop_that_comes_too_late_did_not_stop_it(runner: Runner, part: Part) -> None:
    run = await on_stage(runner, part.spec())
    await say(run, b"exit\n")
    verdict = await run.wait()
    run.stop()
    run.kill()
    run.suspend()
    run.resume()
    assert await run.wait() == verdict
    assert not verdict.stopped_by_us


async def test_a_stop_climbs_from_interrupt_over_term_to_kill(runner: Runner) -> None:
    run = await on_stage(runner, Part("hears_signals").spec())
    run.stop()
    verdict = await run.wait()
    assert (await run.stdout.read()).splitlines() == [b"SIGINT", b"SIGTERM"]
    assert (verdict.signal, verdict.stopped_by_us) == ("SIGKILL", True)


async def test_an_agent_may_finish_in_its_own_way_when_stopped(runner: Runner, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    run = await on_stage(runner, Part("saves_its_work").spec(str(saved), "SIGINT", graces=ENDLESS))
    run.stop()
    verdict = await run.wait()
    assert (verdict.exit_code, verdict.signal, verdict.stopped_by_us) == (0, None, True)
    assert saved.read_text() == "saved"


async def test_a_kill_does_not_wait_for_the_ladder(runner: Runner) -> None:
    run = await on_stage(runner, Part("hears_signals").spec(graces=ENDLESS))
    run.stop()
    assert await run.stdout.readline() == b"SIGINT\n"
    run.kill()
    async with asyncio.timeout(LIMIT_S):
        verdict = await run.wait()
    assert (verdict.signal, verdict.stopped_by_us) == ("SIGKILL", True)


async def test_stop_leaves_no_descendant(runner: Runner) -> None:
    part = Part("double_fork_daemon")
    run = await on_stage(runner, part.spec())
    run.stop()
    await run.wait()
    assert await left_of(part.token) == []


async def test_a_suspended_tree_stands_still_until_resumed(runner: Runner) -> None:
    part = Part("echo")
    run = await on_stage(runner, part.spec())
    run.suspend()
    assert await until(part.token, lambda found: all(is_stopped(it) for it in found if it.pid != run.shim_pid))
    await say(run, b"hello\n")
    run.resume()
    assert await run.stdout.readline() == b"hello\n"


async def test_a_suspended_tree_can_be_stopped_politely(runner: Runner, tmp_path: Path) -> None:
    part, saved = Part("saves_its_work"), tmp_path / "saved"
    run = await on_stage(runner, part.spec(str(saved), "SIGINT", graces=ENDLESS))
    run.suspend()
    assert await until(part.token, lambda found: all(is_stopped(it) for it in found if it.pid == run.pid))
    run.stop()
    async with asyncio.timeout(LIMIT_S):
        assert (await run.wait()).exit_code == 0
    assert saved.exists()


def is_stopped(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_STOPPED


async def test_several_may_wait_and_one_may_stop_waiting(runner: Runner, part: Part) -> None:
    run = await on_stage(runner, part.spec())
    async with asyncio.TaskGroup() as group:
        impatient, patient, other = (group.create_task(run.wait()) for _ in range(3))
        group.create_task(say(run, b"not yet\n"))
        impatient.cancel()
        await asyncio.wait([impatient])
        assert impatient.cancelled()
        assert not patient.done()
        await say(run, b"exit\n")
    assert patient.result() == other.result() == await run.wait()


async def test_the_environment_is_the_given_one_and_the_marker(runner: Runner) -> None:
    spec = RunSpec(argv=(ENV, "-0"), cwd="/", env={"LC_CTYPE": "C", "ODD": "a=b\nc\udcff"}, marker="test-environment")
    run = await runner.start(spec)
    printed = (await run.stdout.read()).split(b"\0")
    assert sorted(printed) == [b"", b"CW_RUN_ID=test-environment", b"LC_CTYPE=C", b"ODD=a=b\nc\xff"]


async def test_nothing_is_added_to_an_empty_environment(runner: Runner) -> None:
    run = await runner.start(RunSpec(argv=(ENV,), cwd="/", env={}, marker="test-environment"))
    assert await run.stdout.read() == b"CW_RUN_ID=test-environment\n"


async def test_path_and_directory_are_those_of_the_spec(runner: Runner, tmp_path: Path) -> None:
    program = tmp_path / "tells-directory"
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)
    spec = RunSpec(argv=(program.name,), cwd=str(tmp_path), env={"PATH": str(tmp_path)}, marker="test-path")
    run = await runner.start(spec)
    assert await run.stdout.read() == f"{tmp_path}\n".encode()


async def test_without_an_input_the_process_reads_end_of_file(runner: Runner) -> None:
    run = await runner.start(RunSpec(argv=("cat",), cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-eof"))
    assert run.stdin is None
    assert await run.stdout.read() == b""
    assert (await run.wait()).exit_code == 0


async def test_input_arrives_and_its_end_too(runner: Runner) -> None:
    spec = RunSpec(argv=("cat",), cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-input", stdin=True)
    run = await runner.start(spec)
    assert run.stdin
    sent = b"x" * 300_000
    run.stdin.write(sent)
    run.stdin.close()
    assert await run.stdout.read() == sent
    assert (await run.wait()).exit_code == 0


async def test_output_and_errors_come_apart(runner: Runner) -> None:
    argv = ("sh", "-c", "echo out; echo err >&2")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-streams"))
    assert (await run.stdout.read(), await run.stderr.read()) == (b"out\n", b"err\n")


async def test_a_line_of_megabytes_can_be_read_as_one(runner: Runner) -> None:
    argv = ("sh", "-c", "head -c 8000000 /dev/zero; echo")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-long-line"))
    assert len(await run.stdout.readline()) == 8_000_001


async def test_output_nobody_reads_does_not_hide_the_verdict(runner: Runner) -> None:
    run = await runner.start(Part("flood").spec())
    run.kill()
    async with asyncio.timeout(LIMIT_S):
        assert (await run.wait()).stopped_by_us


async def test_output_of_before_the_end_can_be_read_after_it(runner: Runner) -> None:
    argv = ("sh", "-c", "head -c 200000 /dev/zero")
    run = await runner.start(RunSpec(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, marker="test-late"))
    await run.wait()
    assert len(await run.stdout.read()) == 200_000


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"argv": ()}, "cannot start a process: no program was named"),
        ({"argv": ("no-such-program",)}, "cannot start 'no-such-program': there is no such program in PATH ({path})"),
        ({"argv": ("/no/such/file",)}, "cannot start '/no/such/file': there is no such file"),
        ({"argv": ("/dev/null/x",)}, "cannot start '/dev/null/x': there is no such file"),
        ({"argv": ("./plain-file",)}, "cannot start './plain-file': it is not executable"),
        (
            {"argv": ("./no-interpreter",)},
            "cannot start './no-interpreter': the interpreter its first line names does not exist",
        ),
        (
            {"argv": ("./no-format",)},
            "cannot start './no-format': it is neither a binary nor a script with a first line that names its"
            " interpreter",
        ),
        ({"cwd": "/no/such/place"}, "cannot start 'sleep': its directory '/no/such/place' does not exist"),
        ({"cwd": "/dev/null"}, "cannot start 'sleep': its directory '/dev/null' is not a directory"),
        ({"cwd": "/\0"}, "cannot start 'sleep': the directory contains a NUL character"),
        ({"argv": ("sleep", "1\0")}, "cannot start 'sleep': argument 1 contains a NUL character"),
        ({"argv": ("sleep", "\ud800")}, "cannot start 'sleep': argument 1 contains a character that has no bytes"),
        (
            {"argv": ("sleep", "1" * 3_000_000)},
            "cannot start 'sleep': its arguments and environment are larger than this system allows",
        ),
        (
            {"env": {"A=B": "C"}},
            "cannot start 'sleep': 'A=B' cannot name an environment variable",
        ),
        ({"env": {"SECRET": "\0"}}, "cannot start 'sleep': the environment variable 'SECRET' contains a NUL character"),
        ({"marker": ""}, "cannot start 'sleep': its run has no marker"),
    ],
)
async def test_what_cannot_start_says_why_and_leaves_nothing(
    runner: Runner, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    (tmp_path / "plain-file").touch()
    for name, text in ("no-interpreter", "#!/no/such/interpreter\n"), ("no-format", "text\n"):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    part, path = Part("none"), os.environ["PATH"]
    spec = RunSpec(argv=("sleep", "1000"), cwd=str(tmp_path), env={"PATH": path}, marker=f"test-{part.token}")
    with pytest.raises(LaunchFailed) as refusal:
        await runner.start(msgspec.structs.replace(spec, **change))
    assert str(refusal.value) == sentence.format(path=path)
    assert await left_of(part.token) == []


async def test_a_start_that_nobody_waits_for_any_more_leaves_nothing(runner: Runner, part: Part) -> None:
    for turns in range(6):
        start = asyncio.ensure_future(runner.start(part.spec()))
        for _ in range(turns):
            await asyncio.sleep(0)
        start.cancel()
        await asyncio.wait([start])
    await runner.aclose()
    assert await left_of(part.token) == []


async def test_closing_ends_every_run_and_takes_no_more(runner: Runner) -> None:
    parts = [Part("ignores_signals"), Part("double_fork_daemon")]
    runs = [await on_stage(runner, part.spec(graces=ENDLESS)) for part in parts]
    await runner.aclose()
    assert [(await run.wait()).stopped_by_us for run in runs] == [True, True]
    assert [await left_of(part.token) for part in parts] == [[], []]
    with pytest.raises(LaunchFailed, match="the runner is closed"):
        await runner.start(parts[0].spec())
    await runner.aclose()
