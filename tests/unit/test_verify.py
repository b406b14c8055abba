"""What `verify` finds: along which lineages the chain holds, what was cut off, and keyframes that lie."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from core.events import TaskCreated, TaskQueued
from core.history import Indexer, Timeline, keyframes, soundness, stored_keyframes, stretch
from core.history.soundness import check_keyframes
from core.log import EventLog, Verification
from core.log.anchor import Head, anchor_path, read_anchor


async def write(path: Path) -> None:
    """Main has 1 to 20 and 31 to 40; `early` left it at 10 and has 21 to 25, `late` left `early` at 23: 26 to 30."""
    async with EventLog.open(path) as log:
        await append(log, "main", 20)
        await log.fork("early", parent="main", at=10)
        await append(log, "early", 4)
        await log.fork("late", parent="early", at=23)
        await append(log, "late", 4)
        await append(log, "main", 10)


async def append(log: EventLog, branch: str, events: int) -> None:
    for number in range(events):
        await log.append(f"task/{number % 3}", [TaskCreated(title=f"{branch} {number}")], branch=branch)


def tamper(path: Path, *statements: str) -> None:
    """Do what the triggers forbid, and leave no write-ahead log."""
    with closing(sqlite3.connect(path)) as stranger:
        for trigger in ("events_keep_no_update", "events_keep_no_delete"):
            stranger.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            stranger.execute(statement)
        stranger.commit()


async def verified(path: Path) -> Verification:
    async with EventLog.open(path, read_only=True) as log:
        return await log.verify()


def first_bads(found: Verification) -> dict[str, int | None]:
    return {lineage.branch: lineage.first_bad for lineage in found.lineages}


async def test_a_log_as_it_was_written_is_good_along_every_lineage(log_path: Path) -> None:
    await write(log_path)
    found = await verified(log_path)
    assert (found.good, found.events, found.anchored) == (True, 40, 40)
    assert {lineage.branch: lineage.head for lineage in found.lineages} == {"main": 40, "early": 25, "late": 30}
    assert first_bads(found) == {"main": None, "early": None, "late": None}


@pytest.mark.parametrize(
    ("position", "main", "early", "late"),
    [(5, 5, 5, 5), (10, 10, 10, 10), (15, 15, None, None), (22, None, 22, 22), (25, None, 25, None),
     (28, None, None, 28), (40, 40, None, None)],
)  # fmt: skip
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET payload = replace(payload, 'main', 'mine'), actor = 'x' WHERE position = {}",
        "UPDATE events SET hash = zeroblob(32) WHERE position = {}",
        "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = {}",
    ],
)
async def test_what_was_changed_is_bad_from_there_on_in_the_lineages_that_have_it_and_no_other(
    log_path: Path, position: int, main: int | None, early: int | None, late: int | None, damage: str
) -> None:
    await write(log_path)
    tamper(log_path, damage.format(position))
    found = await verified(log_path)
    assert found.first_bad == position
    assert first_bads(found) == {"main": main, "early": early, "late": late}


@pytest.mark.parametrize(
    ("position", "bad"), [(7, {"main", "early", "late"}), (10, {"main", "early", "late"}), (22, {"early", "late"})]
)
async def test_a_removed_event_is_missing_in_the_lineages_that_had_it(
    log_path: Path, position: int, bad: set[str]
) -> None:
    await write(log_path)
    tamper(log_path, f"DELETE FROM events WHERE position = {position}")
    found = await verified(log_path)
    assert found.first_bad == position
    assert first_bads(found) == {name: position if name in bad else None for name in ("main", "early", "late")}


async def test_an_event_moved_to_another_branch_is_noticed_in_both(log_path: Path) -> None:
    await write(log_path)
    tamper(log_path, "UPDATE events SET branch = 'early', version = 99 WHERE position = 32")
    found = await verified(log_path)
    assert found.first_bad == 32
    assert first_bads(found) == {"main": 33, "early": 32, "late": None}


@pytest.mark.parametrize("left", [0, 1, 25, 39])
async def test_a_cut_end_is_noticed_by_the_anchor(log_path: Path, left: int) -> None:
    await write(log_path)
    tamper(log_path, f"DELETE FROM events WHERE position > {left}")
    found = await verified(log_path)
    assert (found.good, found.first_bad, found.lost) == (False, left + 1, True)
    assert "40" in found.reason


async def test_a_lost_write_ahead_log_is_noticed_by_the_anchor(log_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "events.db"
    copy.parent.mkdir()
    async with EventLog.open(log_path) as log:
        await append(log, "main", 3)
        for suffix in ("", "-anchor"):  # as a process that is killed leaves them, without the -wal beside them
            shutil.copy(f"{log_path}{suffix}", f"{copy}{suffix}")
    found = await verified(copy)
    assert (found.first_bad, found.lost) == (1, True)


async def test_what_was_lost_stays_known_after_the_log_went_on(log_path: Path) -> None:
    await write(log_path)
    tamper(log_path, "DELETE FROM events WHERE position > 35")
    for _ in range(2):
        async with EventLog.open(log_path) as log:
            await append(log, "main", 4)
    found = await verified(log_path)
    assert (found.events, found.first_bad, found.lost) == (43, 36, True)
    assert first_bads(found) == {"main": None, "early": None, "late": None}
    anchor_path(log_path).unlink()
    assert (await verified(log_path)).good
    async with EventLog.open(log_path):
        pass
    assert (await verified(log_path)).anchored == 43


async def test_another_end_of_the_same_length_is_noticed(log_path: Path, tmp_path: Path) -> None:
    await write(log_path)
    older = tmp_path / "older.db"
    with closing(sqlite3.connect(log_path)) as connection:
        connection.execute("VACUUM INTO ?", (str(older),))
    async with EventLog.open(log_path) as log:
        await append(log, "main", 5)
    anchor = anchor_path(log_path).read_bytes()
    shutil.copy(older, log_path)
    anchor_path(log_path).unlink()
    async with EventLog.open(log_path) as log:
        await append(log, "main", 5)
    assert (await verified(log_path)).good
    anchor_path(log_path).write_bytes(anchor)
    found = await verified(log_path)
    assert (found.first_bad, found.lost) == (45, True)


async def test_an_anchor_older_than_the_log_is_no_reproach(log_path: Path) -> None:
    await write(log_path)
    older = anchor_path(log_path).read_bytes()
    async with EventLog.open(log_path) as log:
        await append(log, "main", 5)
    anchor_path(log_path).write_bytes(older)
    found = await verified(log_path)
    assert (found.good, found.anchored) == (True, 40)


@pytest.mark.parametrize("torn", [512, 516, 560, 580, 640])
async def test_a_torn_anchor_says_what_its_other_half_does(log_path: Path, torn: int) -> None:
    await write(log_path)
    content = bytearray(anchor_path(log_path).read_bytes())
    content[torn : torn + 4] = os.urandom(4)
    anchor_path(log_path).write_bytes(content)
    found = await verified(log_path)
    assert found.good
    assert found.anchored in {39, 40}


@pytest.mark.parametrize("content", [b"", b"not an anchor", b'{"log_id":"another","loss":null}' + bytes(700)])
async def test_what_is_no_anchor_of_this_log_is_none(log_path: Path, content: bytes) -> None:
    await write(log_path)
    anchor_path(log_path).write_bytes(content)
    found = await verified(log_path)
    assert (found.good, found.anchored) == (True, None)
    async with EventLog.open(log_path):
        pass
    assert (await verified(log_path)).anchored == 40


async def test_the_anchor_names_what_was_acknowledged_last_before_anybody_is_answered(log_path: Path) -> None:
    async with EventLog.open(log_path) as log:
        for number in range(5):
            (event,) = await log.append("task/a", [TaskQueued()])
            anchored = await asyncio.to_thread(read_anchor, log_path, log.log_id)
            assert anchored is not None
            assert anchored.head == Head(number + 1, event.hash)
        await log.fork("try", at=3)
        anchored = await asyncio.to_thread(read_anchor, log_path, log.log_id)
        assert anchored is not None
        assert anchored.head is not None
        assert anchored.head.position == 6


async def test_a_log_whose_anchor_cannot_be_made_goes_on_without(log_path: Path) -> None:
    anchor_path(log_path).mkdir()
    async with EventLog.open(log_path) as log:
        await append(log, "main", 5)
    found = await verified(log_path)
    assert (found.good, found.events, found.anchored) == (True, 5, None)


# -- keyframes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_keyframes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (keyframes, stretch, stored_keyframes):
        monkeypatch.setattr(module, "KEYFRAME_EVENTS", 10)


async def keep_keyframes(log: EventLog) -> Timeline:
    timeline = Timeline(log)
    async with Indexer.open(log, timeline) as indexer:
        await indexer.catch_up()
        assert indexer.trouble is None
    return timeline


@pytest.mark.usefixtures("small_keyframes")
async def test_keyframes_are_compared_with_a_fold(log: EventLog) -> None:
    assert await check_keyframes(log, Timeline(log).file) == soundness.Soundness(0)
    await append(log, "main", 100)
    timeline = await keep_keyframes(log)
    assert await check_keyframes(log, timeline.file, samples=4) == soundness.Soundness(4)
    assert await check_keyframes(log, timeline.file, samples=99) == soundness.Soundness(10)
    assert await check_keyframes(log, timeline.file, samples=1) == soundness.Soundness(1)


@pytest.mark.usefixtures("small_keyframes")
@pytest.mark.parametrize("number", [1, 5, 10])
async def test_a_keyframe_that_lies_is_named(log: EventLog, log_path: Path, number: int) -> None:
    await append(log, "main", 100)
    timeline = await keep_keyframes(log)
    with closing(sqlite3.connect(log_path.with_name("index.db"))) as connection:
        row = "SELECT delta FROM keyframes WHERE position = ?"
        (delta,) = connection.execute(row, (10 * number,)).fetchone()
        told = zlib.decompress(delta)
        spoilt = told.replace(f"main {10 * number - 1}".encode(), f"mine {10 * number - 1}".encode())
        assert spoilt != told
        connection.execute("UPDATE keyframes SET delta = ? WHERE position = ?", (zlib.compress(spoilt), 10 * number))
        connection.commit()
    found = await check_keyframes(log, timeline.file, samples=10)
    assert found.first_bad == 10 * number
