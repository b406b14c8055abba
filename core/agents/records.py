"""Reading records whose shape nobody guarantees: every function here is total, whatever the JSON holds.

A missing or ill-typed value reads as empty. What goes on into an event is cut to a size the log takes, free of what
JSON cannot hold, and shallow enough to be walked.
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
TEXT_BYTES = 64 * 1024  # of a message; an event may hold 256 KiB
VALUE_BYTES = 48 * 1024  # of a tool's input or output: an event may hold one, with names around it
NAME_CHARACTERS = 200  # of ids, names and titles
LARGEST = 2**53  # what every reader of JSON agrees on
DEEPEST = 24  # levels of a value; tools nest a handful
_MICROS = 1_000_000


def parse(line: str | bytes) -> Record | None:
    """The JSON object this is; None for anything else."""
    try:
        value: object = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _parse_leniently(line)
    return cast("Record", value) if isinstance(value, dict) else None


def _parse_leniently(line: str | bytes) -> object:
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
    return _clean(value) if isinstance(value, str) else ""


def name_at(record: object, *path: str) -> str:
    """The id, name or title found there: a number counts as one, and it is cut where no honest one is as long."""
    value = at(record, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(bounded(value))
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
    return [
        (_clean(str(name))[:NAME_CHARACTERS], cast("Record", entry))
        for name, entry in found
        if isinstance(entry, Mapping)
    ]


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
    return [_clean(entry) for entry in cast("Sequence[object]", value) if isinstance(entry, str)]


def words_at(record: object, *path: str) -> str:
    """The text found there, or the texts of the content blocks found there, as models' interfaces write them."""
    value = at(record, *path)
    if isinstance(value, str):
        return _clean(value)
    return "\n".join(filter(None, (text_at(block, "text") for block in tables_at(value))))


def fitting_text(text: str, limit_bytes: int = TEXT_BYTES) -> str:
    """The text, or as much of its beginning as fits, with a mark that says how much is missing."""
    text = _clean(text)
    size = len(msgspec.json.encode(text))
    if size <= limit_bytes:
        return text
    kept = text
    while (now := len(msgspec.json.encode(kept))) > limit_bytes:
        kept = kept[: len(kept) * limit_bytes // now - 1]
    return f"{kept}…[truncated {len(text) - len(kept):,} characters]"


def fitting(value: object, limit_bytes: int = VALUE_BYTES) -> object:
    """The value as an event can hold it; one that is too large becomes the beginning of its JSON text."""
    value = bounded(value)
    if isinstance(value, str):
        return fitting_text(value, limit_bytes)
    encoded = msgspec.json.encode(value)
    return value if len(encoded) <= limit_bytes else fitting_text(encoded.decode(), limit_bytes)


def bounded(value: object, depth: int = 0) -> object:
    """The value with only what JSON can hold, and nothing below the deepest level."""
    match value:
        case str():
            return _clean(value)
        case None | bool():
            return value
        case int():
            return value if -LARGEST <= value <= LARGEST else float(min(max(value, -(10**300)), 10**300))
        case float():
            return value if math.isfinite(value) else None
        case _ if depth == DEEPEST:
            return "…"
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {_clean(str(key)): bounded(entry, depth + 1) for key, entry in items}
        case list() | tuple():
            return [bounded(entry, depth + 1) for entry in cast("Sequence[object]", value)]
        case _:
            return _clean(str(value))


def _clean(text: str) -> str:
    """The text with halves of surrogate pairs replaced: no encoder takes them."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode() if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
