"""Reading records whose shape nobody guarantees: every function here is total, whatever the JSON holds.

A missing or ill-typed value reads as empty; a text with halves of characters is as good as any other here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

Record = Mapping[str, object]
"""One JSON object an agent printed or sent."""

NO_RECORD: Record = {}

RECORD_BYTES = 16 * 1024 * 1024  # of one record on the wire: agents send pictures and whole files
NAME_CHARACTERS = 200  # of ids, names and titles
LARGEST = 2**53  # what every reader of JSON agrees on
DEEPEST = 64  # levels of a record; tools nest a handful, and what walks an event can walk these
_MICROS = 1_000_000


def parse(line: str) -> Record | None:
    """The JSON object this is; None for anything else."""
    try:
        value: object = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _parse_leniently(line)
    if not isinstance(value, dict):
        return None
    may_be_deep = line.count("[") + line.count("{") > DEEPEST
    return cast("Record", _shallow(cast("object", value)) if may_be_deep else value)


def _parse_leniently(line: str) -> object:
    """As programs written in JavaScript and Python print it: with halves of surrogate pairs, and NaN."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def at(value: object, *path: str) -> object:
    """What is found along the keys; None when a step is missing."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = cast("Record", value).get(key)
    return value


def text_at(record: object, *path: str) -> str:
    """The text found there, or an empty one."""
    value = at(record, *path)
    return value if isinstance(value, str) else ""


def name_at(record: object, *path: str) -> str:
    """The id, name or title found there: a number counts as one, and it is cut where no honest one is as long."""
    value = at(record, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(min(max(value, -LARGEST), LARGEST))
    return text_at(value)[:NAME_CHARACTERS] if isinstance(value, str) else ""


def count_at(record: object, *path: str) -> int:
    """The number of things found there; 0 for anything that is none."""
    value = at(record, *path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return int(min(max(value, 0), LARGEST))


def micros_at(record: object, *path: str) -> int | None:
    """The amount of dollars found there, in millionths; None when there is none."""
    value = at(record, *path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return round(min(value, LARGEST / _MICROS) * _MICROS)


def table_at(record: object, *path: str) -> Record:
    """The object found there, or an empty one."""
    value = at(record, *path)
    return cast("Record", value) if isinstance(value, Mapping) else NO_RECORD


def named_tables_at(record: object, *path: str) -> list[tuple[str, Record]]:
    """The objects in the object found there, with their names."""
    found = table_at(record, *path).items()
    return [(name[:NAME_CHARACTERS], cast("Record", entry)) for name, entry in found if isinstance(entry, Mapping)]


def tables_at(record: object, *path: str) -> list[Record]:
    """The objects in the list found there."""
    value = at(record, *path)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [cast("Record", entry) for entry in cast("Sequence[object]", value) if isinstance(entry, Mapping)]


def texts_at(record: object, *path: str) -> list[str]:
    """The texts in the list found there."""
    value = at(record, *path)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [entry for entry in cast("Sequence[object]", value) if isinstance(entry, str)]


def words_at(record: object, *path: str) -> str:
    """The text found there, or the texts of the content blocks found there, as models' interfaces write them."""
    value = at(record, *path)
    if isinstance(value, str):
        return value
    return "\n".join(filter(None, (text_at(block, "text") for block in tables_at(value))))


def _shallow(value: object, depth: int = 0) -> object:
    """The value without what lies below the deepest level."""
    match value:
        case dict() | list() if depth == DEEPEST:
            return "…"
        case dict():
            return {key: _shallow(inner, depth + 1) for key, inner in cast("dict[str, object]", value).items()}
        case list():
            return [_shallow(inner, depth + 1) for inner in cast("list[object]", value)]
        case _:
            return value
