"""`index.db`: what is kept makes the past quicker, and never another."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fakes.long_history import PassingClock, write_history
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.test_projections import histories

from core.events import StoredEvent, TaskCreated
from core.history import Indexer, Timeline, index_file, indexer, keyframes, stored_keyframes, stretch, timeline
from core.history.index import LineageIndex
from core.log import EventLog
from core.projections import Draft, State, fold_into, fold_many
from core.projections.delta import apply, encode_draft, encode_state, restore

EVENTS = 4_500
"""Four keyframes and a half."""
EACH_PART = 700


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer, "PART_EVENTS", EACH_PART)
    monkeypatch.setattr(stored_keyframes, "SMALLEST_BYTES", 2_000)


@pytest.fixture
async def history(log_path: Path) -> AsyncIterator[EventLog]:
    clock = PassingClock()
    async with EventLog.open(log_path, clock=clock) as log:
        await write_history(log, clock, EVENTS)
        yield log


@pytest.fixture
async def indexed(history: EventLog) -> EventLog:
    await advanced(history)
    return history


async def advanced(log: EventLog, branch: str = "main") -> Timeline:
    """A timeline, after an indexer kept all there is."""
    timeline = Timeline(log)
    async with Indexer.open(log, timeline) as filling:
        await filling.advance(branch)
        assert filling.trouble is None
    return timeline


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


async def until_rows(path: Path, keyframes: int) -> None:
    while await asyncio.to_thread(rows, path, "keyframes") < keyframes:  # noqa: ASYNC110  another's file has no event
        await asyncio.sleep(0)


async def tells_the_truth(log: EventLog, branch: str = "main") -> None:
    """Whatever is in the file, the past is what the log says."""
    timeline, head = Timeline(log), await log.head(branch)
    for position in [head, *random.Random(5).sample(range(1, head), 12)]:
        expected = await Timeline(log).state_at(position, branch=branch, cold=True)
        state = await timeline.state_at(position, branch=branch)
        assert state.to_json() == expected.to_json()
        assert state == expected
    plain = LineageIndex(branch)
    await plain.catch_up(log.reader, head)
    assert told(await timeline.index(branch)) == told(plain)


def told(index: LineageIndex) -> dict[str, object]:
    return {name: value for name, value in vars(index).items() if name != "branch"}


# -- deltas -------------------------------------------------------------------------------------------------------


@given(histories(), st.data())
def test_a_delta_leads_from_its_drafts_base_to_what_the_draft_gives(
    events: list[StoredEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    base = fold_many(State.empty(), events[:cut])
    draft = Draft(base)
    fold_into(draft, events[cut:])
    state, changes = apply(base, encode_draft(draft))
    assert state == draft.finished() == fold_many(base, events[cut:])
    assert changes >= len(state.agents) - len(base.agents)
    assert restore(encode_state(state), State.empty())[0].to_json() == state.to_json()
    assert restore(encode_state(base), like=state)[0] == base
    assert restore(encode_state(state), like=base)[0] == state
    assert restore(encode_state(state), like=state) == (state, 0)


def test_bytes_that_are_no_delta_are_refused() -> None:
    for raw in (b"", b"nonsense", encode_state(State.empty())[:-3]):
        with pytest.raises(ValueError, match="no delta"):
            apply(State.empty(), raw)
        with pytest.raises(ValueError, match="no delta"):
            restore(raw, State.empty())


@settings(max_examples=20)
@given(data=st.data())
def test_any_history_is_the_same_by_what_was_kept_and_from_the_beginning(data: st.DataObject) -> None:
    """Events of every type, in a log on disk, with a keyframe every few of them and a fork somewhere."""
    events = data.draw(histories())
    at = data.draw(st.integers(0, len(events)))

    async def compare(path: Path) -> None:
        async with EventLog.open(path) as log:
            for event in events:
                await log.append(event.stream, [event.payload])
            await log.fork("try", at=at)
            for event in events[::2]:
                await log.append(event.stream, [event.payload], branch="try")
            for branch in ("main", "try"):
                kept = await advanced(log, branch)
                for position in range(0, await log.head(branch) + 1, 3):
                    cold = await kept.state_at(position, branch=branch, cold=True)
                    for other in (kept, Timeline(log)):
                        state = await other.state_at(position, branch=branch)
                        assert state == cold
                        assert state.to_json() == cold.to_json()

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        for module in (keyframes, stretch, stored_keyframes, timeline):
            patch.setattr(module, "KEYFRAME_EVENTS", 5)
        asyncio.run(compare(Path(directory) / "events.db"))


# -- what is kept -------------------------------------------------------------------------------------------------


async def test_the_past_is_the_same_with_an_index_and_without(indexed: EventLog, log_path: Path) -> None:
    path = log_path.with_name("index.db")
    assert rows(path, "keyframes") == 4
    assert rows(path, "states") >= 1
    assert rows(path, "parts") == EVENTS // EACH_PART
    await tells_the_truth(indexed)


async def test_what_was_kept_is_used_and_only_the_rest_is_folded(
    indexed: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    run = indexed.reader.run

    async def counting(question, *arguments):
        answer = await run(question, *arguments)
        if question.__name__ == "read_stretch":
            read.append(answer.draft.events)
        return answer

    monkeypatch.setattr(indexed.reader, "run", counting)
    await Timeline(indexed).state_at(EVENTS)
    assert read == [EVENTS % 1_000]
    read.clear()
    await Timeline(indexed).state_at(2_000)
    assert sum(read) == 0


async def test_an_indexer_goes_on_where_the_last_one_ended(history: EventLog, log_path: Path) -> None:
    await advanced(history)
    for number in range(40):
        await history.append(f"task/late-{number}", [TaskCreated(title="late")] * 50)
        if number % 9 == 0:
            await advanced(history)
    await advanced(history)
    assert rows(log_path.with_name("index.db"), "keyframes") == 6
    await tells_the_truth(history)


async def test_an_indexer_follows_the_log(history: EventLog, log_path: Path) -> None:
    path, timeline = log_path.with_name("index.db"), Timeline(history)
    async with Indexer.open(history, timeline) as filling, asyncio.timeout(40), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(filling.run())
        await until_rows(path, 4)
        await history.append("task/late", [TaskCreated(title="late")] * 600)
        await until_rows(path, 5)
        running.cancel()
    await tells_the_truth(history)


async def test_a_forks_keyframes_follow_from_its_parents(indexed: EventLog, log_path: Path) -> None:
    await indexed.fork("try", at=2_345)
    await indexed.append("task/main", [TaskCreated(title="main goes on")])
    await indexed.append("task/own", [TaskCreated(title="own")] * 2_500, branch="try")
    await advanced(indexed, "try")
    with closing(sqlite3.connect(log_path.with_name("index.db"))) as connection:
        kept = connection.execute("SELECT branch, count(*) FROM keyframes GROUP BY 1 ORDER BY 1").fetchall()
    assert kept == [("main", 4), ("try", 2)]
    await tells_the_truth(indexed, "try")
    await tells_the_truth(indexed)


async def test_all_kept_keyframes_come_into_memory(indexed: EventLog) -> None:
    timeline = Timeline(indexed)
    await timeline.fill()
    assert len(timeline.keyframes) == 4


# -- a file that does not fit -------------------------------------------------------------------------------------


async def test_a_file_that_is_gone_is_made_again(indexed: EventLog, log_path: Path) -> None:
    path = log_path.with_name("index.db")
    path.unlink()
    await tells_the_truth(indexed)
    assert not path.exists()
    await advanced(indexed)
    assert rows(path, "keyframes") == 4


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("UPDATE meta SET value = 'another' WHERE key = 'log_id'", "belongs to another log"),
        ("PRAGMA user_version = 99", "another version"),
        ("PRAGMA application_id = 1", "no index of a log"),
    ],
)
async def test_a_strange_file_is_ignored_and_replaced(
    indexed: EventLog, log_path: Path, damage: str, reason: str
) -> None:
    path = log_path.with_name("index.db")
    with tampering(path) as connection:
        connection.execute(damage)
        connection.execute("UPDATE keyframes SET delta = (SELECT delta FROM keyframes LIMIT 1)")
    timeline = Timeline(indexed)
    await timeline.state_at(EVENTS)
    assert reason in (timeline.file.trouble or "")
    await tells_the_truth(indexed)
    await advanced(indexed)
    assert rows(path, "keyframes") == 4
    await tells_the_truth(indexed)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE keyframes SET delta = x'00'",
        "UPDATE states SET state = x'00'",
        "UPDATE parts SET arrays = x'00'",
        "DELETE FROM keyframes WHERE position < 4000",
        "DROP TABLE keyframes",
        "DROP TABLE parts",
        "UPDATE keyframes SET hash = zeroblob(32)",
    ],
)
async def test_damage_inside_costs_nothing_but_time(indexed: EventLog, log_path: Path, damage: str) -> None:
    path = log_path.with_name("index.db")
    with tampering(path) as connection:
        connection.execute(damage)
        connection.execute("DELETE FROM states WHERE position > 2500" if "states" not in damage else "SELECT 1")
    await tells_the_truth(indexed)
    await indexed.append("task/late", [TaskCreated(title="late")] * 1_000)
    await advanced(indexed)
    await tells_the_truth(indexed)


async def test_a_file_of_garbage_is_replaced(history: EventLog, log_path: Path) -> None:
    path = log_path.with_name("index.db")
    path.write_bytes(b"garbage, and enough of it to be taken for a header " * 40)
    await tells_the_truth(history)
    await advanced(history)
    assert rows(path, "keyframes") == 4


async def test_keyframes_of_other_projections_are_made_again(
    indexed: EventLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tampering(log_path.with_name("index.db")) as connection:
        connection.execute("UPDATE meta SET value = 'older' WHERE key = 'projections'")
        connection.execute("UPDATE states SET state = (SELECT delta FROM keyframes LIMIT 1)")
    await tells_the_truth(indexed)
    await advanced(indexed)
    await tells_the_truth(indexed)
    assert rows(log_path.with_name("index.db"), "parts") == EVENTS // EACH_PART


async def test_an_older_copy_of_the_log_that_went_another_way_has_another_index(tmp_path: Path, clock) -> None:
    path = tmp_path / "events.db"
    async with EventLog.open(path, clock=clock) as log:
        await log.append("task/a", [TaskCreated(title="common")] * 1_200)
        await log.append("task/a", [TaskCreated(title="first")] * 2_000)
        await advanced(log)
    async with EventLog.open(tmp_path / "other.db", clock=clock) as log:
        await log.append("task/a", [TaskCreated(title="common")] * 1_200)
        await log.append("task/b", [TaskCreated(title="second")] * 3_000)
        assert log.log_id != ""
    with closing(sqlite3.connect(path)) as first, closing(sqlite3.connect(tmp_path / "other.db")) as second:
        (log_id,) = first.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()
        second.execute("UPDATE meta SET value = ? WHERE key = 'log_id'", (log_id,))
        second.commit()
    (tmp_path / "other.db").replace(path)
    async with EventLog.open(path, clock=clock) as log:
        timeline = Timeline(log)
        await timeline.state_at(3_000)
        assert "another history" in (timeline.file.trouble or "")
        await tells_the_truth(log)
        await advanced(log)
        await tells_the_truth(log)


async def test_who_only_looks_writes_nothing(history: EventLog, log_path: Path) -> None:
    async with EventLog.open(log_path, read_only=True) as reading:
        await tells_the_truth(reading)
    assert not log_path.with_name("index.db").exists()


async def test_an_index_that_cannot_be_kept_is_said_and_harms_nothing(
    history: EventLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(indexer, "create", refuse)
    timeline = Timeline(history)
    async with Indexer.open(history, timeline) as filling:
        await filling.advance()
        assert filling.trouble == "index.db cannot be kept: [Errno 13] Permission denied"
        await filling.run()
    await tells_the_truth(history)


def test_the_version_of_the_projections_is_their_source() -> None:
    version = index_file.projections()
    assert len(version) == 64
    assert version == index_file.projections.__wrapped__()
