"""A log's streams and numbers: each way to find them gives what looking at every event gives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.events import TaskCreated, TaskQueued
from core.log import EventLog, StreamSummary, statistics, streams


@pytest.fixture
async def forked(log: EventLog) -> EventLog:
    """Streams of two kinds that take turns, and a fork that goes on with some and has one of its own."""
    for number in range(40):
        await log.append(f"task/{number % 7}", [TaskCreated(title=str(number)), TaskQueued()])
        await log.append(f"agent/{number % 3}", [TaskQueued()], tenant_id=f"t{number % 2}")
    await log.fork("try", at=60)
    for number in range(5):
        await log.append(f"task/{number}", [TaskQueued()], branch="try")
        await log.append("task/new", [TaskQueued()], branch="try")
        await log.append("task/late", [TaskQueued()])
    return log


async def by_looking_at_every_event(log: EventLog, branch: str, kind: str | None, tenant: str | None) -> list[object]:
    met: dict[str, list[int]] = {}
    kinds = None if kind is None else [kind]
    async for event in log.read(branch=branch, aggregate_types=kinds, tenant_id=tenant):
        met.setdefault(event.stream, []).append(event.position)
    return sorted(((stream, places[-1]) for stream, places in met.items()), key=lambda one: -one[1])


@pytest.mark.parametrize("few", [0, 5_000])
@pytest.mark.parametrize("window", [7, 50_000])
@pytest.mark.parametrize("branch", ["main", "try"])
@pytest.mark.parametrize(("kind", "tenant"), [(None, None), ("task", None), ("agent", "t1"), ("nothing", None)])
async def test_streams_are_those_of_the_lineage_newest_first_however_many_there_are(
    forked: EventLog, monkeypatch: pytest.MonkeyPatch, few: int, window: int, branch: str, kind: str | None,
    tenant: str | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(streams, "FEW", few)
    monkeypatch.setattr(streams, "WINDOW_POSITIONS", window)
    expected = await by_looking_at_every_event(forked, branch, kind, tenant)
    found = await forked.streams(branch=branch, aggregate_type=kind, tenant_id=tenant)
    assert [(one.stream, one.last_position) for one in found] == expected
    for offset in range(0, len(expected) + 2, 2):
        page = await forked.streams(branch=branch, aggregate_type=kind, tenant_id=tenant, limit=2, offset=offset)
        assert page == found[offset : offset + 2]


async def test_a_summary_tells_where_a_stream_begins_and_how_many_events_it_has(forked: EventLog) -> None:
    summary = next(one for one in await forked.streams(branch="try") if one.stream == "task/3")
    events = [event async for event in forked.read(branch="try", streams=["task/3"])]
    assert summary.first_position == events[0].position
    assert summary.version == len(events) == events[-1].version
    assert summary.last_recorded_at == events[-1].recorded_at


async def test_a_snapshot_is_due_once_a_stream_has_grown_by_enough_events(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SNAPSHOT_EVERY", 10)

    async def summary() -> StreamSummary:
        return (await log.streams())[0]

    await log.append("task/a", [TaskQueued()] * 9)
    assert not (await summary()).snapshot_due
    await log.append("task/a", [TaskQueued()])
    assert (await summary()).snapshot_due
    await log.save_snapshot("task/a", 8, {"queued": 8})
    assert ((await summary()).since_snapshot, (await summary()).snapshot_due) == (2, False)
    await log.append("task/a", [TaskQueued()] * 8)
    assert (await summary()).snapshot_due


async def test_numbers_are_the_same_counted_at_once_or_as_the_log_grows(
    forked: EventLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "WINDOW_POSITIONS", 7)
    before, same = await asyncio.gather(forked.stats(), forked.stats())
    assert before == same
    await forked.append("task/new", [TaskQueued()])  # so far only the fork had it
    after = await forked.stats()
    async with EventLog.open(log_path, read_only=True) as afresh:
        counted = await afresh.stats()
    assert counted.by_type == after.by_type
    events = [event async for event in forked.read(branch=None)]
    assert (after.events, after.streams) == (len(events), len({event.stream for event in events}))
    assert (before.events, before.streams) == (after.events - 1, after.streams)
    assert (after.first_us, after.last_us) == (events[0].recorded_us, events[-1].recorded_us)
