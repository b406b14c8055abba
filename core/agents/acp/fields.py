"""Reading records of any shape: a field of the wrong kind is a field that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

Table = Mapping[str, object]


def text(table: Table, key: str) -> str:
    """The text under this key, or nothing."""
    value = table.get(key)
    return value if isinstance(value, str) else ""


def number(table: Table, key: str) -> int | None:
    """The number under this key, rounded, when it is one and not negative."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return None
    return round(value)


def table(outer: Table, *path: str) -> Table:
    """The table at the end of this path, or an empty one."""
    for key in path:
        inner = outer.get(key)
        if not isinstance(inner, Mapping):
            return {}
        outer = cast("Table", inner)
    return outer


def tables(outer: Table, key: str) -> list[Table]:
    """The tables of the list under this key."""
    value = outer.get(key)
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Table", item) for item in items if isinstance(item, Mapping)]
