"""Golden logs: what was once stored is read, verified and folded to what it once meant, for ever.

`python tests/golden/make.py` writes the next one, when the catalogue has grown. None is ever made again.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fakes.clock import FakeClock

from core.events import EVENT_TYPES, Event, TaskCreated, TaskQueued, UnknownEvent, encode, registry
from core.history import Timeline
from core.log import EventLog
from core.log.connection import create
from core.log.rows import COLUMNS, INSERT

GOLDEN = Path(__file__).parent.parent / "golden"
LOGS = sorted(GOLDEN.glob("log-*.jsonl"))

golden = pytest.mark.parametrize("source", LOGS, ids=lambda path: path.stem)


def laid_out(source: Path, path: Path) -> None:
    """The golden log as a database, row for row."""
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    create(path, FakeClock())
    with closing(sqlite3.connect(path)) as connection:
        for row in rows:
            if "parent" in row and row["parent"] is not None:
                connection.execute(
                    "INSERT INTO branches(name, parent, at, request_id, created_at)"
                    " VALUES (:name, :parent, :at, :request_id, :created_at)",
                    row,
                )
        for row in rows:
            if "position" in row:
                blobs = {name: bytes.fromhex(row[name]) for name in ("event_id", "hash")}
                columns = COLUMNS.replace(" ", "").split(",")
                connection.execute(INSERT, [{**row, **blobs}[name] for name in columns])
        connection.commit()


def states_of(source: Path) -> dict[str, object]:
    return json.loads(source.with_name(f"{source.stem}-state.json").read_text())


def told(now: object, then: object, where: str = "") -> list[str]:
    """Where what is told now lacks, or contradicts, what was told then."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            wrong
            for key, value in then.items()
            for wrong in (told(now[key], value, f"{where}.{key}") if key in now else [f"{where}.{key} is gone"])
        ]
    if isinstance(then, list) and isinstance(now, list) and len(now) == len(then):
        return [wrong for at, pair in enumerate(zip(now, then, strict=True)) for wrong in told(*pair, f"{where}[{at}]")]
    return [] if now == then and type(now) is type(then) else [f"{where}: {then!r} became {now!r}"]


@golden
async def test_a_golden_log_folds_to_what_it_did(source: Path, log_path: Path) -> None:
    await asyncio.to_thread(laid_out, source, log_path)
    async with EventLog.open(log_path) as log:
        for branch, then in states_of(source).items():
            now = await Timeline(log).state_at(await log.head(branch), branch=branch)
            assert told(json.loads(now.to_json()), then) == []


@golden
async def test_a_golden_logs_chain_holds_and_goes_on(source: Path, log_path: Path) -> None:
    await asyncio.to_thread(laid_out, source, log_path)
    async with EventLog.open(log_path) as log:
        for branch in ("main", "other"):
            await log.append("task/new", [TaskCreated(title="goes on")], branch=branch)
        found = await log.verify()
    assert (found.good, found.reason) == (True, "")


@golden
async def test_what_golden_events_said_is_still_read(source: Path, log_path: Path) -> None:
    await asyncio.to_thread(laid_out, source, log_path)
    async with EventLog.open(log_path, read_only=True) as log:
        events = [event async for event in log.read(branch=None)]
        stored = await log.reader.run(lambda connection: connection.execute("SELECT payload FROM events").fetchall())
    assert {event.type for event in events if isinstance(event.payload, UnknownEvent)} <= {"odd:thing"}
    for event, (text,) in zip(events, stored, strict=True):
        if isinstance(event.payload, Event) and event.schema_version == event.payload.schema_version:
            assert told(json.loads(encode(event.payload)[0]), json.loads(text), event.type) == []


def test_every_event_type_is_in_a_golden_log() -> None:
    missing = runpy.run_path(str(GOLDEN / "make.py"))["missing"]()
    assert missing == [], "python tests/golden/make.py writes a golden log for them"


def test_a_state_that_tells_more_is_golden_and_one_that_tells_something_else_is_not() -> None:
    then = {"a": {"b": [1, {"c": None}]}, "d": "x"}
    assert told({"a": {"b": [1, {"c": None, "new": 1}], "new": 2}, "d": "x", "new": 3}, then) == []
    assert told({"a": {"b": [1, {"c": 0}]}, "d": "x"}, then) == [".a.b[1].c: None became 0"]
    assert told({"a": {"b": [1]}, "d": "x"}, then) == [".a.b: [1, {'c': None}] became [1]"]
    assert told({"d": True}, then) == [".a is gone", ".d: 'x' became True"]


# -- older schemas ------------------------------------------------------------------------------------------------


async def test_an_event_stored_by_an_older_schema_is_read_as_the_newer_one(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EventLog.open(log_path) as log:
        await log.append("task/a", [TaskCreated(title="old", priority=3), TaskQueued()])

    def in_tens(fields: dict[str, object]) -> dict[str, object]:
        """From the second schema on priorities are ten times as fine."""
        return {**fields, "priority": 10 * int(str(fields["priority"]))}

    monkeypatch.setitem(registry._upcasters, ("task:created", 1), in_tens)
    monkeypatch.setitem(registry._versions, "task:created", 2)
    monkeypatch.setattr(TaskCreated, "schema_version", 2)
    async with EventLog.open(log_path) as log:
        await log.append("task/b", [TaskCreated(title="new", priority=31)])
        old, _, new = [event async for event in log.read()]
        assert (await log.verify()).good
        state = await Timeline(log).state_at(3)
    assert (old.schema_version, new.schema_version) == (1, 2)
    assert (old.payload, new.payload) == (TaskCreated(title="old", priority=30), TaskCreated(title="new", priority=31))
    assert {task.id: task.priority for task in state.tasks.values()} == {"a": 30, "b": 31}


async def test_without_a_way_up_from_an_older_schema_it_is_kept_as_it_is(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EventLog.open(log_path) as log:
        await log.append("task/a", [TaskCreated(title="old")])
        monkeypatch.setitem(registry._versions, "task:created", 2)
        (event,) = [event async for event in log.read()]
    assert isinstance(event.payload, UnknownEvent)
    assert json.loads(event.payload.raw)["title"] == "old"
    assert EVENT_TYPES["task:created"] is TaskCreated
