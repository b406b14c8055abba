"""`cw doctor` on the log: its index, and who keeps it from shrinking."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.engine import Desk
from core.events import TaskCreated
from core.log.write_ahead import Holder, Overgrown
from tui.cli import doctor

if TYPE_CHECKING:
    from conftest import Cw


@pytest.fixture(autouse=True)
def written(project: Path) -> None:
    async def append() -> None:
        async with Desk.open(project) as desk:
            await desk.journal.log.append("task/T-1", [TaskCreated(title="x")])

    asyncio.run(append())


def told(cw: Cw, what: str) -> list[str]:
    return [line for line in cw("doctor").out.splitlines() if line[6:].startswith(what)]


def test_a_log_within_its_limits_is_told_with_its_index(cw: Cw) -> None:
    assert len(told(cw, "log ")) == 1
    (index,) = told(cw, "index ")
    assert index.startswith("ok")
    assert "texts of 0 of " in index
    assert told(cw, "write-ahead") == []


def test_whoever_keeps_the_log_from_shrinking_is_named(cw: Cw, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = Overgrown(80 * 2**20, (Holder(4711, "sqlite3"),))
    monkeypatch.setattr(doctor, "overgrown", lambda _path: grown)
    (line,) = told(cw, "write-ahead")
    assert line.startswith("warn")
    assert "80 MB, because sqlite3 (process 4711) keeps reading the log; close it" in line
