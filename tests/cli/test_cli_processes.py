"""What only a real process shows: signals, pipes, and what is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil
import pytest

if TYPE_CHECKING:
    from conftest import Cw

PROGRAM = Path(sys.executable).with_name("cw")
STUBBORN = "trap '' INT TERM; echo up; while :; do sleep 1000.5; done"


class Start(Protocol):
    def __call__(self, *arguments: str) -> subprocess.Popen[str]: ...


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Starts a `cw` of its own in the project."""
    with ExitStack() as cleanup:

        def begin(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [PROGRAM, "-C", project, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            cleanup.enter_context(process)
            cleanup.callback(process.kill)
            return process

        yield begin


def until_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_what_runs_and_queues_it_again(start: Start, cw: Cw, signum: int) -> None:
    process = start("run", "--", "sh", "-c", "echo up; sleep 1000.5")
    until_line(process, "up")
    agents = children(process)
    process.send_signal(signum)
    _, complaint = process.communicate()
    assert process.returncode == 130
    assert "stopping, what runs is queued again" in complaint
    assert len(agents) >= 2
    assert [agent for agent in agents if agent.is_running()] == []
    assert cw("tasks", "--json").json[0]["status"] == "queued"
    (session,) = cw("sessions", "--json").json
    assert session["status"] == "closed"


def test_a_second_interrupt_kills_what_does_not_want_to_stop(start: Start, cw: Cw) -> None:
    process = start("run", "--", "sh", "-c", STUBBORN)
    until_line(process, "up")
    agents = children(process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "interrupt once more to kill it" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert [agent for agent in agents if agent.is_running()] == []
    assert cw("tasks", "--json").json[0]["status"] == "queued"


def test_whoever_reads_us_may_have_enough(start: Start, cw: Cw) -> None:
    cw("run", "--", "sh", "-c", "for i in $(seq 5000); do echo line $i of many; done")
    process = start("log", "T-1")
    until_line(process, "line 1 of many")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 1
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_following_prints_what_happens_as_it_happens(start: Start, cw: Cw) -> None:
    cw("add", "first", "--run", "true")
    process = start("events", "--follow", "--json", "--type", "task:created")
    until_line(process, '"title":"first"')
    cw("add", "second", "--run", "true")
    until_line(process, '"title":"second"')
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130


def test_a_narrated_run_says_each_line_at_once_through_a_pipe(start: Start, project: Path) -> None:
    os.mkfifo(project / "gate")
    (project / "plan.toml").write_text("[[task]]\nid = 'a'\nrun = 'echo up; read x < gate; echo on'\n")
    process = start("run", str(project / "plan.toml"))
    until_line(process, "| up")
    (project / "gate").write_text("go\n")
    until_line(process, "1 tasks: 1 completed")
    assert process.wait() == 0


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    probe = (
        "import sys; sys.argv = ['cw', '--version']; import tui.entry; tui.entry.main(); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    told, imported = out.splitlines()
    assert told.startswith("cw 0.")
    assert {"textual", "typer", "click", "pydantic", "msgspec", "aiosqlite", "psutil", "rich", "core"}.isdisjoint(
        imported.split()
    )


@pytest.mark.parametrize("arguments", [["--help"], ["add", "--help"], ["run", "-h"]], ids=" ".join)
def test_help_exits_well(cw: Cw, arguments: list[str]) -> None:
    answer = cw(*arguments)
    assert answer.code == 0
    assert "Usage: cw" in answer.out
