"""Commands while another `cw` owns the project: it carries them out."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.acp_stage import AGENT

from core import control
from core.control import LONGEST_LINE, Address
from core.engine import Engine
from core.project import Project

if TYPE_CHECKING:
    from conftest import Cw

CONFIG = f"""
[profiles.agent]
adapter = "acp"
command = [{json.dumps(sys.executable)}, {json.dumps(AGENT)}]
permissions = {{ policy = "ask" }}
"""


def address(project: Path) -> Address:
    return control.msgspec.json.decode(Project(project).control.read_bytes(), type=Address)


async def sent(project: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(control.HOST, address(project).port)
    writer.write(line)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def order(project: Path, command: str, *arguments: object, token: str | None = None, **options: object) -> bytes:
    token = address(project).token if token is None else token
    fields = {"token": token, "command": command, "arguments": arguments, "options": options}
    return json.dumps(fields).encode() + b"\n"


async def test_tasks_are_added_moved_and_cancelled_through_the_owner(cw: Cw, project: Path) -> None:
    async with Engine.open(project) as engine:
        await engine.commands.pause_session()
        added = await asyncio.to_thread(cw, "add", "first", "--run", "true", "--delay", "1h", "--json")
        assert added.err == ""
        assert added.json == {"id": "T-1"}
        assert (await asyncio.to_thread(cw, "add", "second", "--after", "1", "--", "echo", "a b")).out == "T-2 added\n"
        assert (await asyncio.to_thread(cw, "priority", "2", "7")).code == 0
        assert (await asyncio.to_thread(cw, "cancel", "T-1")).code == 0
        tasks = engine.journal.state.tasks
        assert (tasks["T-1"].status, tasks["T-2"].priority, tasks["T-2"].depends_on) == ("cancelled", 7, ("T-1",))


async def test_what_the_owner_refuses_is_said_with_its_sentence_and_exit_code(cw: Cw, project: Path) -> None:
    async with Engine.open(project):
        refused = await asyncio.to_thread(cw, "add", "x", "--prompt", "y", "--profile", "nobody")
        assert refused.code == 2
        assert "nobody" in refused.sentence


async def test_a_question_is_answered_from_another_terminal(cw: Cw, project: Path) -> None:
    (project / "codewalkers.toml").write_text(CONFIG)
    async with Engine.open(project) as engine:
        await asyncio.to_thread(cw, "add", "clean", "--profile", "agent", "--prompt", "ask rm -rf build")
        async for _ in engine.journal.follow(0):
            if engine.journal.state.permissions:
                break
        (asked,) = engine.journal.state.permissions.values()
        assert (await asyncio.to_thread(cw, "approve", asked.id)).out == f"{asked.id} allowed\n"
        async for _ in engine.journal.follow(engine.journal.state.position - 1):
            if engine.journal.state.tasks["T-1"].status == "completed":
                break
        assert engine.journal.state.permissions[asked.id].status == "granted"


async def test_only_who_can_read_the_token_is_heard(project: Path) -> None:
    async with Engine.open(project) as engine:
        path = Project(project).control
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = json.loads(await sent(project, order(project, "enqueue", "x", prompt="y", token="guessed")))
        assert answer["error"] == "the token is not the owner's"
        assert not engine.journal.state.tasks
    assert not path.exists()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("close_session", {}), ("_config", {}), ("enqueue_plan", {"plan": []}), ("enqueue", {"title": ["x"]}),
        ("enqueue", {"nonsense": 1}), ("cancel_task", {}),
    ],
)  # fmt: skip
async def test_what_is_no_command_is_refused_and_nothing_ends(
    project: Path, command: str, options: dict[str, object]
) -> None:
    async with Engine.open(project) as engine:
        answer = json.loads(await sent(project, order(project, command, **options)))
        assert answer["kind"] == "UsageError"
        assert answer["error"]
        await engine.commands.enqueue("goes on", command="true")


@pytest.mark.parametrize("line", [b"hello\n", b"{}\n", b"\xff\n", b""])
async def test_garbage_is_answered_and_nothing_ends(project: Path, line: bytes) -> None:
    async with Engine.open(project) as engine:
        assert json.loads(await sent(project, line))["error"] == "that is no order"
        await engine.commands.enqueue("goes on", command="true")


async def test_a_mistake_of_ours_costs_the_order_and_not_the_fleet(
    cw: Cw, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    async with Engine.open(project) as engine:
        monkeypatch.setattr(engine.commands, "retry_task", broken)
        await engine.commands.enqueue("x", command="true", delay_ms=10**7)
        answer = await asyncio.to_thread(cw, "retry", "1")
        assert answer.code == 1
        assert "made a mistake" in answer.sentence
        assert "ZeroDivisionError" in await asyncio.to_thread(Project(project).crash.read_text)
        await engine.commands.cancel_task("T-1")


async def test_a_line_without_end_is_not_waited_for(project: Path) -> None:
    async with Engine.open(project) as engine:
        reader, writer = await asyncio.open_connection(control.HOST, address(project).port)
        with pytest.raises(ConnectionError):
            for _ in range(LONGEST_LINE // 65536 * 4):
                writer.write(b"x" * 65536)
                await writer.drain()
            await reader.read()
            raise ConnectionError("it was closed")
        writer.close()
        await engine.commands.enqueue("goes on", command="true")


def test_an_address_a_killed_owner_left_is_not_used(cw: Cw, project: Path) -> None:
    Project(project).prepare()
    Project(project).control.write_bytes(control.msgspec.json.encode(Address(os.getpid() + 1, 1, "old")))
    assert control.owners_commands(Project(project)) is None
    assert cw("add", "x", "--run", "true").code == 0
