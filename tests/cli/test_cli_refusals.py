"""A log that cannot be opened is one sentence and exit code 3, whatever is wrong with it; nothing is changed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.hostile import HOSTILE

from core.engine import Desk, Engine
from core.events import AgentOutput, Append

if TYPE_CHECKING:
    from conftest import Cw

WRITING = (
    ["add", "x", "--run", "true"], ["cancel", "1"], ["recover"], ["run", "--", "true"], ["run"], ["message", "1", "x"],
    ["approve", "T-1.1.p1"], ["deny", "T-1.1.p1"],
)  # fmt: skip
READING = (["tasks"], ["agents"], ["events"], ["state"], ["verify"], ["stats"], ["sessions"])


@pytest.fixture
def log_file(project: Path) -> Path:
    (project / ".codewalkers").mkdir()
    return project / ".codewalkers" / "events.db"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("arguments", [*WRITING, *READING], ids=" ".join)
def test_a_database_that_is_not_ours_is_left_alone(cw: Cw, log_file: Path, arguments: list[str]) -> None:
    with sqlite3.connect(log_file) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    before = log_file.read_bytes()
    answer = cw(*arguments)
    assert answer.code == 3
    assert "it is not a Codewalkers log; move it away or choose another directory" in answer.sentence
    assert log_file.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(cw: Cw, log_file: Path) -> None:
    log_file.write_text("my notes\n" * 100)
    answer = cw("add", "x", "--run", "true")
    assert answer.code == 3
    assert "not a Codewalkers log" in answer.sentence
    assert log_file.read_text() == "my notes\n" * 100


@pytest.mark.parametrize("arguments", [*WRITING, *READING], ids=" ".join)
def test_a_log_of_a_newer_version_is_left_alone(cw: Cw, project: Path, arguments: list[str]) -> None:
    cw("add", "x", "--run", "true")
    log_file = project / ".codewalkers" / "events.db"
    with sqlite3.connect(log_file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = log_file.read_bytes()
    answer = cw(*arguments)
    assert answer.code == 3
    assert "it has schema 99 and this version knows" in answer.sentence
    assert "upgrade Codewalkers" in answer.sentence
    assert log_file.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_named(cw: Cw, project: Path) -> None:
    (project / ".codewalkers").write_text("in the way")
    for arguments in (["add", "x", "--run", "true"], ["init"], ["run"]):
        answer = cw(*arguments)
        assert answer.code == 3
        assert f"cannot open {project / '.codewalkers'}: the directory cannot be written" in answer.sentence


def test_a_home_directory_is_no_project(cw: Cw, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    answer = cw("add", "x", "--run", "true")
    assert answer.code == 3
    assert "make a directory for it" in answer.sentence
    assert list(project.iterdir()) == []


async def test_a_second_one_that_writes_is_told_who_owns_the_log_and_reading_goes_on(cw: Cw, project: Path) -> None:
    async with Desk.open(project) as desk:
        await desk.commands.enqueue(title="mine", command="true")
        for arguments in WRITING:
            answer = await asyncio.to_thread(cw, *arguments)
            assert answer.code == 3
            assert f"process {os.getpid()} owns it; use that one or quit it first" in answer.sentence
        for arguments in READING:
            assert (await asyncio.to_thread(cw, *arguments)).code == 0
        assert "mine" in (await asyncio.to_thread(cw, "tasks")).out


async def test_nothing_agents_print_reaches_whoever_looks_raw(cw: Cw, project: Path) -> None:
    async with Engine.open(project) as engine:
        task_id = await engine.commands.enqueue(title=HOSTILE[1], command="true", delay_ms=10**7)
        output = AgentOutput(lines=tuple(line for line in HOSTILE if "\ud800" not in line), task_id=task_id)
        await engine.journal.record([Append("agent/mallory", [output])], actor="agent:mallory")
    answers = [
        await asyncio.to_thread(cw, *arguments)
        for arguments in (
            ["tasks"], ["tasks", "--json"], ["events", "-n", "0"], ["events", "-n", "0", "--json"], ["state"],
            ["why", "T-1"], ["why", "T-1", "--json"],
        )
    ]  # fmt: skip
    assert any("evil" in answer.out for answer in answers)
    for answer in answers:
        assert answer.code == 0
        assert [char for char in answer.out if char != "\n" and not char.isprintable()] == []
