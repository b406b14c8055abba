"""The event log: appending, reading, following, forking, verifying, opening."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from core.errors import (
    BranchExists,
    CannotOpen,
    DuplicateEvent,
    InvalidEvent,
    LogClosed,
    LogOwned,
    LogReadOnly,
    LogVanished,
    NewerSchema,
    NotOurDatabase,
    StorageFailed,
    UnknownBranch,
    VersionConflict,
)
from core.events import AgentSpawned, TaskCreated, TaskQueued, TaskStarted, UnknownEvent
from core.ids import uuid7
from core.log import Append, EventLog, StoredEvent


async def everything(log: EventLog, **arguments: object) -> list[StoredEvent]:
    return [event async for event in log.read(**arguments)]  # type: ignore[arg-type]


def titles(events: list[StoredEvent]) -> list[str]:
    return [event.payload.title for event in events if isinstance(event.payload, TaskCreated)]


# -- appending ------------------------------------------------------------------------------------------------


async def test_an_append_returns_what_a_reader_reads(log: EventLog) -> None:
    correlation = uuid7()
    appended = await log.append(
        "task/a", [TaskCreated(title="x"), TaskQueued()], actor="agent:b", session_id="s", tenant_id="t",
        correlation_id=correlation, causation_id=7,
    )  # fmt: skip
    assert await everything(log) == appended
    first, second = appended
    assert (first.position, first.version, first.branch, first.stream) == (1, 1, "main", "task/a")
    assert (first.actor, first.session_id, first.tenant_id) == ("agent:b", "s", "t")
    assert first.correlation_id == correlation
    assert first.event_id.version == 7
    assert (first.aggregate_type, first.aggregate_id) == ("task", "a")
    assert first.recorded_at.utcoffset() == timedelta(0)
    assert (first.causation_id, second.causation_id) == (7, first.position)


async def test_versions_count_each_stream_and_positions_count_all(log: EventLog) -> None:
    await log.append("task/a", [TaskQueued(), TaskQueued()])
    await log.append("task/b", [TaskQueued()])
    (last,) = await log.append("task/a", [TaskQueued()])
    assert (last.position, last.version) == (4, 3)
    assert [await log.version(name) for name in ("task/a", "task/b", "task/c")] == [3, 1, 0]


async def test_an_expected_version_that_does_not_hold_stores_nothing(log: EventLog) -> None:
    await log.append("task/a", [TaskQueued()], expected_version=0)
    with pytest.raises(VersionConflict) as conflict:
        await log.append("task/a", [TaskQueued()], expected_version=0)
    assert (conflict.value.expected, conflict.value.actual) == (0, 1)
    await log.append("task/a", [TaskQueued()], expected_version=1)
    assert await log.head() == 2


async def test_many_appends_are_stored_together_or_not_at_all(log: EventLog) -> None:
    stored = await log.append_many(
        [Append("task/a", [TaskQueued()], 0), Append("agent/b", [AgentSpawned(name="b")], 0)], causation_id=None
    )
    assert [event.stream for event in stored] == ["task/a", "agent/b"]
    with pytest.raises(VersionConflict):
        await log.append_many([Append("task/c", [TaskQueued()], 0), Append("agent/b", [AgentSpawned(name="b")], 0)])
    assert await log.head() == 2
    assert await log.version("task/c") == 0


async def test_each_append_of_many_begins_at_the_given_cause(log: EventLog) -> None:
    await log.append("task/x", [TaskQueued()])
    stored = await log.append_many(
        [Append("task/a", [TaskQueued(), TaskQueued()]), Append("task/b", [TaskQueued()])], causation_id=1
    )
    assert [event.causation_id for event in stored] == [1, 2, 1]


async def test_of_racing_writers_exactly_one_gets_the_version(log: EventLog) -> None:
    answers = await asyncio.gather(
        *[log.append("task/a", [TaskCreated(title=str(n))], expected_version=0) for n in range(20)],
        return_exceptions=True,
    )
    assert sum(isinstance(answer, list) for answer in answers) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 19
    assert await log.head() == 1


async def test_an_invalid_event_stops_its_whole_append(log: EventLog) -> None:
    with pytest.raises(InvalidEvent):
        await log.append("task/a", [TaskQueued(), TaskCreated(title=3)])  # type: ignore[arg-type]
    assert await log.head() == 0


async def test_a_stream_needs_a_type_and_an_id(log: EventLog) -> None:
    for name in ("task", "task/", "/a", ""):
        with pytest.raises(ValueError, match="aggregate_type/aggregate_id"):
            await log.append(name, [TaskQueued()])


async def test_an_unknown_type_survives_a_round_trip(log: EventLog, log_path: Path) -> None:
    event = UnknownEvent(type="odd:thing", schema_version=4, raw='{"b":1, "a":2}')
    (stored,) = await log.append("odd/x", [event])
    assert isinstance(stored.payload, UnknownEvent)
    assert stored.payload.raw == event.raw
    assert await everything(log) == [stored]


async def test_a_cancelled_append_is_whole_or_absent_and_the_log_goes_on(log: EventLog) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(log.append(f"task/{n}", [TaskQueued(), TaskQueued()])) for n in range(50)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
    await log.append("task/after", [TaskQueued()])
    events = await everything(log)
    assert {await log.version(f"task/{n}") for n in range(0, 50, 2)} <= {0, 2}
    assert {await log.version(f"task/{n}") for n in range(1, 50, 2)} == {2}
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert (await log.verify()).good


@pytest.mark.parametrize("yields", [0, 1, 2, 3, 5])
async def test_whoever_is_cancelled_while_waiting_leaves_no_open_transaction_and_no_half_batch(
    log: EventLog, log_path: Path, yields: int
) -> None:
    for n in range(20):
        appends = [Append(f"task/{n}", [TaskQueued()] * 3), Append(f"agent/{n}", [TaskQueued()] * 2)]
        waiting = asyncio.create_task(log.append_many(appends))
        for _ in range(yields + n % 3):
            await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert len(await everything(log, streams=[f"task/{n}", f"agent/{n}"])) in {0, 5}
        await asyncio.to_thread(_write_nothing, log_path)
    assert (await log.verify()).good


def _write_nothing(path: Path) -> None:
    """Begin to write as a stranger would, who waits until nobody else does, or raises."""
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        stranger.execute("ROLLBACK")


# -- the same id twice ------------------------------------------------------------------------------------------


async def test_the_same_ids_again_bring_back_what_was_stored_whatever_version_is_expected(log: EventLog) -> None:
    ids = [uuid7(), uuid7()]
    first = await log.append("task/a", [TaskQueued(), TaskQueued()], event_ids=ids)
    again = await log.append("task/a", [TaskQueued(), TaskQueued()], event_ids=ids, expected_version=0)
    assert again == first
    assert await log.head() == 2


async def test_the_same_ids_at_the_same_time_are_stored_once(log: EventLog) -> None:
    ids = [uuid7()]
    answers = await asyncio.gather(*[log.append("task/a", [TaskQueued()], event_ids=ids) for _ in range(10)])
    assert all(answer == answers[0] for answer in answers)
    assert await log.head() == 1
    assert log.tail.since(0) == answers[0]


@pytest.mark.parametrize("case", ["partly known", "another stream", "another order", "twice in one"])
async def test_ids_that_are_not_a_repetition_are_refused(log: EventLog, case: str) -> None:
    a, b, c = uuid7(), uuid7(), uuid7()
    await log.append("task/a", [TaskQueued(), TaskQueued()], event_ids=[a, b])
    stream, ids = {
        "partly known": ("task/a", [a, c]),
        "another stream": ("task/b", [a, b]),
        "another order": ("task/a", [b, a]),
        "twice in one": ("task/a", [c, c]),
    }[case]
    with pytest.raises(DuplicateEvent):
        await log.append(stream, [TaskQueued(), TaskQueued()], event_ids=ids)
    assert await log.head() == 2


async def test_ids_must_be_as_many_as_events(log: EventLog) -> None:
    with pytest.raises(ValueError, match="1 event ids for 2 events"):
        await log.append("task/a", [TaskQueued(), TaskQueued()], event_ids=[UUID(int=1)])


# -- reading ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def filled(log: EventLog) -> EventLog:
    """1,200 events: more than two pages."""
    for batch in range(12):
        await log.append_many(
            [
                Append(f"task/{batch}", [TaskCreated(title=f"{batch}.{n}") for n in range(60)]),
                Append(f"agent/{batch % 3}", [AgentSpawned(name="a") for _ in range(39)]),
                Append("task/all", [TaskQueued()]),
            ],
            session_id="even" if batch % 2 == 0 else "odd",
            tenant_id=f"t{batch % 2}",
        )
    return log


async def test_reading_gives_every_event_once_in_order_both_ways(filled: EventLog) -> None:
    forwards = await everything(filled)
    assert [event.position for event in forwards] == list(range(1, 1201))
    assert await everything(filled, backwards=True) == forwards[::-1]


async def test_after_is_exclusive_and_up_to_inclusive(filled: EventLog) -> None:
    assert [event.position for event in await everything(filled, after=10, up_to=13)] == [11, 12, 13]
    assert [e.position for e in await everything(filled, after=10, up_to=13, backwards=True)] == [13, 12, 11]


async def test_filters_combine(filled: EventLog) -> None:
    found = await everything(filled, aggregate_types=["task"], types=["task:created"], session_id="odd", tenant_id="t1")
    assert len(found) == 6 * 60
    assert {event.type for event in found} == {"task:created"}
    assert len(await everything(filled, types=["task:*"])) == 12 * 61
    assert len(await everything(filled, types=["task:queued", "agent:*"])) == 12 * 40
    assert len(await everything(filled, streams=["task/all"])) == 12
    assert len(await everything(filled, streams=["task/1", "task/2"], limit=70)) == 70
    assert await everything(filled, streams=[]) == []
    assert await everything(filled, types=[]) == []


async def test_a_limit_counts_from_the_end_when_reading_backwards(filled: EventLog) -> None:
    assert [event.version for event in await everything(filled, streams=["task/all"], backwards=True, limit=3)] == [
        12, 11, 10,
    ]  # fmt: skip
    assert await everything(filled, limit=0) == []


async def test_since_is_inclusive_and_before_exclusive(log_path: Path, clock) -> None:
    async with EventLog.open(log_path, clock=clock) as log:
        moments = []
        for n in range(4):
            moments.append(clock.now())
            await log.append("task/a", [TaskCreated(title=str(n))])
            clock.advance(60)
        assert titles(await everything(log, since=moments[1], before=moments[3])) == ["1", "2"]


async def test_what_is_appended_while_reading_is_not_read(filled: EventLog) -> None:
    count = 0
    async for _ in filled.read():
        count += 1
        if count == 1:
            await filled.append("task/late", [TaskQueued()])
    assert count == 1200


async def test_streams_come_newest_first_in_pages(filled: EventLog) -> None:
    names = [summary.stream for summary in await filled.streams(limit=3)]
    assert names == ["task/all", "agent/2", "task/11"]
    assert [s.stream for s in await filled.streams(limit=2, offset=1)] == names[1:]
    agents = await filled.streams(aggregate_type="agent")
    assert [(s.stream, s.version) for s in agents] == [("agent/2", 156), ("agent/1", 156), ("agent/0", 156)]
    assert agents[2].first_position == 61
    assert {s.stream for s in await filled.streams(tenant_id="t0")} == {
        "task/all", "agent/0", "agent/1", "agent/2", *(f"task/{n}" for n in range(0, 12, 2)),
    }  # fmt: skip


async def test_the_head_of_a_session_is_its_last_event(filled: EventLog) -> None:
    assert await filled.head() == 1200
    assert await filled.head(session_id="even") == 1100
    assert await filled.head(session_id="never") == 0


async def test_stats_count_what_is_there(filled: EventLog) -> None:
    stats = await filled.stats()
    assert (stats.events, stats.streams, stats.branches) == (1200, 16, 1)
    assert stats.by_type == {"task:created": 720, "agent:spawned": 468, "task:queued": 12}


# -- following ----------------------------------------------------------------------------------------------------


async def test_a_subscriber_gets_the_past_and_then_the_future_without_gap_or_duplicate(filled: EventLog) -> None:
    async def follow(after: int) -> list[int]:
        seen: list[int] = []
        async for event in filled.subscribe(after=after):
            seen.append(event.position)
            if event.position == 1500:
                break
        return seen

    async def produce() -> None:
        for n in range(100):
            await filled.append(f"task/p{n}", [TaskQueued()] * 3)

    early, late, _ = await asyncio.gather(follow(0), follow(1190), produce())
    assert early == list(range(1, 1501))
    assert late == list(range(1191, 1501))


async def test_a_filtered_subscriber_sees_only_what_it_asked_for(log: EventLog) -> None:
    async def follow() -> list[str]:
        seen: list[str] = []
        async for event in log.subscribe(types=["task:started"]):
            seen.append(event.stream)
            if len(seen) == 3:
                break
        return seen

    async def produce() -> None:
        for n in range(3):
            await log.append(f"task/{n}", [TaskQueued(), TaskStarted()])

    seen, _ = await asyncio.gather(follow(), produce())
    assert seen == ["task/0", "task/1", "task/2"]


async def test_a_reader_beside_the_owner_follows_it(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    async with EventLog.open(log_path, read_only=True) as reading:
        seen: list[int] = []
        async for event in reading.subscribe():
            seen.append(event.position)
            if len(seen) == 1:
                await log.append("task/a", [TaskQueued()])
            if len(seen) == 2:
                break
        assert seen == [1, 2]
        with pytest.raises(LogReadOnly):
            await reading.append("task/a", [TaskQueued()])


# -- forking ------------------------------------------------------------------------------------------------------


async def test_a_branch_is_its_parents_prefix_and_its_own_events_only(log: EventLog) -> None:
    for n in range(4):
        await log.append("task/a", [TaskCreated(title=str(n))])
    await log.fork("try", at=2)
    await log.append("task/a", [TaskCreated(title="main goes on")])
    (own,) = await log.append("task/a", [TaskCreated(title="own")], branch="try", expected_version=2)
    assert own.version == 3
    assert titles(await everything(log, branch="try")) == ["0", "1", "own"]
    assert titles(await everything(log, branch="try", backwards=True)) == ["own", "1", "0"]
    assert titles(await everything(log)) == ["0", "1", "2", "3", "main goes on"]
    assert await log.head("try") == own.position
    assert [event.branch for event in await everything(log, branch=None)].count("try") == 2


async def test_a_fork_of_a_fork_before_its_own_start_shows_only_the_common_past(log: EventLog) -> None:
    for n in range(4):
        await log.append("task/a", [TaskCreated(title=str(n))])
    await log.fork("one", at=3)
    await log.append("task/a", [TaskCreated(title="one's")], branch="one")
    await log.fork("two", parent="one", at=1)
    assert titles(await everything(log, branch="two")) == ["0"]
    assert await log.version("task/a", "two") == 1
    await log.fork("three", parent="one", at=await log.head("one"))
    assert titles(await everything(log, branch="three")) == ["0", "1", "2", "one's"]
    assert (await log.verify()).good


async def test_the_same_fork_request_is_one_branch(log: EventLog) -> None:
    await log.append("task/a", [TaskQueued()])
    first = await log.fork("try", at=1, request_id="r")
    assert await log.fork("try", at=1, request_id="r") == first
    assert await log.fork("other name", at=0, request_id="r") == first
    with pytest.raises(BranchExists):
        await log.fork("try", at=1, request_id="another")
    assert [branch.name for branch in await log.branches()] == ["main", "try"]


async def test_forking_what_is_not_there_is_refused(log: EventLog) -> None:
    with pytest.raises(UnknownBranch):
        await log.fork("x", parent="nowhere", at=0)
    with pytest.raises(ValueError, match="ends at 0"):
        await log.fork("x", at=1)
    with pytest.raises(UnknownBranch):
        await log.append("task/a", [TaskQueued()], branch="nowhere")
    with pytest.raises(UnknownBranch):
        await everything(log, branch="nowhere")


async def test_a_branch_made_elsewhere_becomes_known_to_a_reader(log: EventLog, log_path: Path) -> None:
    async with EventLog.open(log_path, read_only=True) as reading:
        await log.append("task/a", [TaskQueued()])
        await log.fork("try", at=1)
        assert len(await everything(reading, branch="try")) == 2


# -- snapshots ----------------------------------------------------------------------------------------------------


async def test_a_snapshot_replaces_the_one_before(log: EventLog) -> None:
    assert await log.load_snapshot("task/a") is None
    await log.save_snapshot("task/a", 1, {"n": 1})
    await log.save_snapshot("task/a", 2, {"n": [2]})
    await log.save_snapshot("task/b", 5, b"\x00\xff")
    a, b = await log.load_snapshot("task/a"), await log.load_snapshot("task/b")
    assert a is not None
    assert b is not None
    assert (a.version, a.state, b.version, b.state) == (2, {"n": [2]}, 5, b"\x00\xff")


# -- what cannot happen -------------------------------------------------------------------------------------------


async def test_the_database_itself_refuses_to_change_history(filled: EventLog, log_path: Path) -> None:
    with closing(sqlite3.connect(log_path)) as stranger:
        for statement in (
            "UPDATE events SET payload = '{}' WHERE position = 5",
            "DELETE FROM events WHERE position = 1200",
            "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 5",
            "INSERT INTO events SELECT 1300, branch, 'x/y', 1, x'00', type, 1, 0, '', '', NULL, NULL, '', x'', '{}'"
            " FROM events WHERE position = 1",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                stranger.execute(statement)
    assert (await filled.verify()).good


@pytest.mark.parametrize(
    ("damage", "first_bad"),
    [
        ("UPDATE events SET payload = replace(payload, '0.7', '0.8') WHERE position = 8", 8),
        ("UPDATE events SET actor = 'nobody' WHERE position = 700", 700),
        ("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 1200", 1200),
        ("UPDATE events SET hash = zeroblob(32) WHERE position = 3", 3),
        ("DELETE FROM events WHERE position = 600", 600),
    ],
)
async def test_verify_names_the_first_position_that_was_tampered_with(
    filled: EventLog, log_path: Path, damage: str, first_bad: int
) -> None:
    with closing(sqlite3.connect(log_path)) as stranger:
        for trigger in ("events_keep_no_update", "events_keep_no_delete"):
            stranger.execute(f"DROP TRIGGER {trigger}")
        stranger.execute(damage)
        stranger.commit()
    found = await filled.verify()
    assert (found.first_bad, found.good) == (first_bad, False)


async def test_events_survive_closing_and_the_chain_goes_on(log_path: Path) -> None:
    for n in range(3):
        async with EventLog.open(log_path) as log:
            await log.append("task/a", [TaskCreated(title=str(n))], expected_version=n)
    async with EventLog.open(log_path, read_only=True) as log:
        assert titles(await everything(log)) == ["0", "1", "2"]
        assert (await log.verify()).good


# -- opening --------------------------------------------------------------------------------------------------------


async def test_the_file_and_its_companions_are_private(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    for path in log_path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_a_second_writer_is_told_who_owns_the_log(log: EventLog, log_path: Path) -> None:
    with pytest.raises(LogOwned) as owned:
        async with EventLog.open(log_path):
            pass
    assert owned.value.pid == os.getpid()
    await log.append("task/a", [TaskQueued()])


async def test_a_stale_lock_file_means_nothing(log_path: Path) -> None:
    log_path.with_name("events.db-lock").write_text('{"pid": 1}')
    async with EventLog.open(log_path) as log:
        await log.append("task/a", [TaskQueued()])


@pytest.mark.parametrize("content", [b"", b"plain text, long enough to be read as a header " * 40])
async def test_a_file_that_is_not_ours_is_left_alone(log_path: Path, content: bytes) -> None:
    log_path.write_bytes(content)
    with pytest.raises(NotOurDatabase):
        async with EventLog.open(log_path):
            pass
    assert log_path.read_bytes() == content


async def test_somebody_elses_database_is_left_alone(log_path: Path) -> None:
    with closing(sqlite3.connect(log_path)) as other:
        other.execute("CREATE TABLE t(x)")
    before = log_path.read_bytes()
    with pytest.raises(NotOurDatabase):
        async with EventLog.open(log_path):
            pass
    assert log_path.read_bytes() == before


async def test_a_newer_schema_is_refused_untouched(log_path: Path) -> None:
    async with EventLog.open(log_path):
        pass
    with closing(sqlite3.connect(log_path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    before = log_path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(NewerSchema, match="upgrade"):
            async with EventLog.open(log_path, read_only=read_only):
                pass
    assert log_path.read_bytes() == before


async def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="no log here"):
        async with EventLog.open(tmp_path / "events.db", read_only=True):
            pass
    with pytest.raises(CannotOpen, match="no such directory"):
        async with EventLog.open(tmp_path / "nowhere" / "events.db"):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_a_half_made_file_of_an_interrupted_start_is_made_again(log_path: Path) -> None:
    log_path.with_name(".events.db.new").write_bytes(b"half")
    async with EventLog.open(log_path) as log:
        await log.append("task/a", [TaskQueued()])


async def test_a_log_removed_under_us_stops_and_is_saved(log_path: Path) -> None:
    async with EventLog.open(log_path) as log:
        await log.append("task/a", [TaskCreated(title="kept")])
        for path in list(log_path.parent.iterdir()):
            path.unlink()
        with pytest.raises(LogVanished) as vanished:
            await log.append("task/a", [TaskCreated(title="refused")])
        with pytest.raises(LogVanished):
            await log.append("task/a", [TaskCreated(title="still refused")])
    assert vanished.value.rescued is not None
    async with EventLog.open(vanished.value.rescued, read_only=True) as rescued:
        assert titles(await everything(rescued)) == ["kept"]


async def test_a_full_disk_refuses_and_the_log_goes_on_when_there_is_room(log: EventLog, log_path: Path) -> None:
    await log.append("task/a", [TaskQueued()])
    writer = log._writing()
    pages = await writer.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone())
    with pytest.raises(StorageFailed, match="disk is full"):
        await log.append("task/a", [TaskCreated(title="x" * 200_000)])
    await writer.run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    (after,) = await log.append("task/a", [TaskQueued()])
    assert after.position == 2
    assert (await log.verify()).good


async def test_of_a_batch_with_one_impossible_request_the_others_are_stored(log: EventLog) -> None:
    await log.append("task/a", [TaskQueued()])
    writer = log._writing()
    pages = await writer.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 3}").fetchone())
    answers = await asyncio.gather(
        log.append("task/b", [TaskQueued()]),
        log.append("task/c", [TaskCreated(title="x" * 200_000)]),
        log.append("task/d", [TaskQueued()]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [list, StorageFailed, list]
    assert await log.head() == 3


async def test_a_closed_log_refuses(log_path: Path) -> None:
    async with EventLog.open(log_path) as log:
        pass
    with pytest.raises(LogClosed):
        await log.append("task/a", [TaskQueued()])


async def test_an_error_of_the_caller_comes_out_as_it_is(log_path: Path) -> None:
    with pytest.raises(KeyError):
        async with EventLog.open(log_path) as log:
            await log.append("task/a", [TaskQueued()])
            raise KeyError("mine")
    async with EventLog.open(log_path) as log:
        assert await log.head() == 1
