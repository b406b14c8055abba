"""`cw verify` in sentences: what is good, what is bad from where on, and what to do."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from core.engine import Desk
from core.events import TaskCreated

if TYPE_CHECKING:
    from conftest import Cw


@pytest.fixture
def written(project: Path) -> Path:
    """The log of a project: main up to 6, a fork at 3 with 7 and 8."""

    async def append() -> None:
        async with Desk.open(project) as desk:
            log = desk.journal.log
            for number in range(6 - await log.head()):
                await log.append("task/T-1", [TaskCreated(title=str(number))])
            await log.fork("try", at=3)
            await log.append("task/T-1", [TaskCreated(title="elsewhere")], branch="try")

    asyncio.run(append())
    return project / ".codewalkers" / "events.db"


def tamper(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as stranger:
        for trigger in ("events_keep_no_update", "events_keep_no_delete"):
            stranger.execute(f"DROP TRIGGER {trigger}")
        stranger.execute(statement)
        stranger.commit()


@pytest.mark.usefixtures("written")
def test_a_good_log_is_told_by_its_branches(cw: Cw) -> None:
    answer = cw("verify")
    assert answer.code == 0
    assert answer.out.startswith("good: 8 events, head ")
    assert "  main: good up to 6\n  try: good up to 8\n" in answer.out
    told = cast("dict[str, object]", cw("verify", "--json").json)
    assert (told["good"], told["events"], told["anchored"], told["first_bad"]) == (True, 8, 8, None)
    assert told["keyframes"] == {"checked": 0, "first_bad": None}


def test_only_the_branches_that_have_what_was_changed_are_bad(cw: Cw, written: Path) -> None:
    tamper(written, "UPDATE events SET actor = 'nobody' WHERE position = 5")
    answer = cw("verify")
    assert answer.code == 1
    assert answer.out.startswith("bad at 5: ")
    assert "  main: bad at 5: its hash does not match" in answer.out
    assert "  try: good up to 8" in answer.out


def test_a_cut_end_is_told_with_what_to_do(cw: Cw, written: Path) -> None:
    tamper(written, "DELETE FROM events WHERE position > 6")
    answer = cw("verify")
    assert answer.code == 1
    assert answer.out.startswith("bad at 7: its end is cut off: events up to 8 were acknowledged")
    assert "remove events.db-anchor" in answer.out
    written.with_name("events.db-anchor").unlink()
    answer = cw("verify")
    assert answer.code == 0
    assert "no anchor beside the log: a cut end would not be noticed" in answer.out
