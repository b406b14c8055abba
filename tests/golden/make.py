"""Golden logs: events as a version once stored them, and the state they fold to. They are kept for ever.

python tests/golden/make.py      writes the next one, of the event types and schema versions no other has

A golden log is never made again: whoever cannot read it any more, or folds it to something else, has broken the
users' logs. A state may tell more than a golden one does, never something else.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import inspect

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fakes.long_history import PassingClock, happenings  # noqa: E402

from core.events import EVENT_TYPES, Append, Event, UnknownEvent, encode  # noqa: E402
from core.history import Timeline  # noqa: E402
from core.log import EventLog  # noqa: E402

STORY_STEPS = 40

STREAMS = {"tool-call": "execution", "step": "execution", "permission": "execution", "usage": "execution",
           "conversation": "agent"}  # fmt: skip


def logs() -> list[Path]:
    """Every golden log, oldest first; the state beside each has its name, with `-state.json`."""
    return sorted(HERE.glob("log-*.jsonl"))


def known() -> set[tuple[str, int]]:
    """The types and schema versions that some golden log has."""
    found: set[tuple[str, int]] = set()
    for path in logs():
        rows = map(json.loads, path.read_text().splitlines())
        found |= {(row["type"], row["schema_version"]) for row in rows if "type" in row}
    return found


def missing() -> list[type[Event]]:
    """The classes of the catalogue no golden log has as they are now."""
    have = known()
    return [cls for name, cls in EVENT_TYPES.items() if (name, cls.schema_version) not in have]


def bare(cls: type[Event]) -> Event:
    """An event with only what it needs."""
    fields = inspect.type_info(cls).fields  # type: ignore[union-attr]
    return cls(**{field.name: value(field.type, field.name, 1) for field in fields if field.required})


def full(cls: type[Event]) -> Event:
    """An event with a value in every field."""
    fields = inspect.type_info(cls).fields  # type: ignore[union-attr]
    return cls(**{field.name: value(field.type, field.name, number) for number, field in enumerate(fields, 2)})


def value(kind: inspect.Type, name: str, number: int) -> object:
    """Some value of a type, always the same."""
    match kind:
        case inspect.StrType():
            return "one" if name.endswith("_id") or name in {"name", "key", "namespace"} else f"{name} {number}"
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return number
        case inspect.FloatType():
            return number / 4
        case inspect.LiteralType(values=values):
            return sorted(values, key=str)[number % len(values)]
        case inspect.DateTimeType():
            return datetime(2026, 1, number % 28 + 1, tzinfo=UTC)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            made = value(item, name, number)
            return (made,) if isinstance(kind, inspect.VarTupleType) else [made]
        case inspect.DictType(value_type=inner):
            return {"a": value(inner, name, number)}
        case inspect.UnionType(types=types):
            return value(next(one for one in types if not isinstance(one, inspect.NoneType)), name, number)
        case inspect.StructType(fields=fields):
            return kind.cls(**{field.name: value(field.type, field.name, number) for field in fields})
        case inspect.AnyType() | inspect.CustomType():
            return {"any": [name, number, None]}
        case _:
            raise NotImplementedError(f"{name}: {kind}")


def stream_of(cls: type[Event], name: str) -> str:
    """The stream such events go to."""
    kind = cls.type.partition(":")[0]
    return f"{STREAMS.get(kind, kind)}/{name}"


def steps(classes: list[type[Event]]) -> Iterator[list[Append]]:
    """What is appended to main: a story, when it is the first log, then every class twice."""
    if not logs():
        for step, _ in zip(happenings(), range(STORY_STEPS), strict=False):
            yield step
        yield [Append("odd/one", [UnknownEvent(type="odd:thing", schema_version=3, raw='{"what": "nobody knows"}')])]
    for cls in classes:
        yield [Append(stream_of(cls, "one"), [bare(cls), full(cls)])]


async def write(path: Path, classes: list[type[Event]]) -> dict[str, object]:
    """Write the log; the states of its branches."""
    numbers = iter(range(1, 100_000))
    async with EventLog.open(path, clock=PassingClock()) as log:

        async def append(step: list[Append], branch: str) -> None:
            ids = [UUID(int=next(numbers)) for append in step for _ in append.events]
            await log.append_many(step, branch=branch, event_ids=ids, session_id="S-1", actor="golden")

        for step in steps(classes):
            await append(step, "main")
        at = await log.head() // 2
        await log.fork("other", at=at, request_id="golden")
        for cls in classes[::5]:
            await append([Append(stream_of(cls, "two"), [full(cls)])], "other")
        timeline = Timeline(log)
        return {
            branch: msgspec.json.decode((await timeline.state_at(await log.head(branch), branch=branch)).to_json())
            for branch in ("main", "other")
        }


def lines(path: Path) -> Iterator[str]:
    """The log's rows as JSON, one to a line, blobs in hex: branches first."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        for table, order in (("branches", "at"), ("events", "position")):
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY {order}"):
                fields = {name: row[name].hex() if isinstance(row[name], bytes) else row[name] for name in row.keys()}  # noqa: SIM118  rows have no other way
                yield json.dumps(fields, ensure_ascii=False)


def main() -> None:
    classes = missing()
    if not classes:
        print("every event type has its golden log")
        return
    for cls in classes:
        for event in (bare(cls), full(cls)):
            assert encode(event)[1] == event, event
    number = len(logs()) + 1
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "events.db"
        states = asyncio.run(write(path, classes))
        told = "\n".join(lines(path))
    (HERE / f"log-{number}.jsonl").write_text(told + "\n")
    (HERE / f"log-{number}-state.json").write_text(
        json.dumps(states, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )
    print(f"log-{number}: {', '.join(cls.type for cls in classes)}")


if __name__ == "__main__":
    main()
