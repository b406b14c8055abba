"""Where a TOML document says what: the line of every table and key, for errors that name it.

The document is cut into statements by the TOML parser itself, so nothing inside a string or a comment is taken for a
key. Forbidden here: judging what the document says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from io import StringIO
from typing import cast

KeyPath = tuple[str | int, ...]
"""Keys from the outside in; entries of an array of tables are counted from 0."""

_QUOTES = ('"""', "'''")
_CLOSING = (*_QUOTES, "]", "}")
"""One of these is on the last line of a statement of several lines."""


class Places:
    """The lines of one document that can be parsed, or of none when what it says came from elsewhere."""

    def __init__(self, source: str, text: str = "") -> None:
        self.source, self._text = source, text

    def name(self, path: Sequence[str | int]) -> str:
        """`file:line` of what is nearest to this path; the file alone when nothing of it is known."""
        line = self.line(path)
        return self.source if line is None else f"{self.source}:{line}"

    def line(self, path: Sequence[str | int]) -> int | None:
        """The line of what is nearest to this path; None when nothing of it is known."""
        return self._lines.get(self.known(path))

    def known(self, path: Sequence[str | int]) -> KeyPath:
        """As much of the path as the document has."""
        return next((part for end in range(len(path), 0, -1) if (part := tuple(path[:end])) in self._lines), ())

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        lines: dict[KeyPath, int] = {}
        counts: dict[KeyPath, int] = {}
        table: KeyPath = ()
        for number, statement in _statements(self._text):
            parsed = tomllib.loads(statement)
            paths: list[KeyPath] = [()]
            if statement.lstrip().startswith("["):
                table = _entered(parsed, counts, array=statement.lstrip().startswith("[["))
            else:
                paths += _paths(parsed)
            for path in paths:
                whole = (*table, *path)
                for end in range(1, len(whole) + 1):
                    lines.setdefault(whole[:end], number)
        return lines


def _entered(header: Mapping[str, object], counts: dict[KeyPath, int], *, array: bool) -> KeyPath:
    """The path of the table that a header opens; `counts` holds the newest entry of each array of tables."""
    keys = max(_paths(header), key=len)
    table: KeyPath = ()
    for key in keys:
        table = (*table, key)
        if array and len(keys) == sum(isinstance(part, str) for part in table):
            counts[table] = counts.get(table, -1) + 1
        if table in counts:
            table = (*table, counts[table])
    return table


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and settings, each with the number of its first line."""
    begun, start = "", 0
    closing = _CLOSING
    for number, line in enumerate(StringIO(text), 1):
        if not begun:
            start = number
            closing = tuple(quote for quote in _QUOTES if line.count(quote) % 2) or _CLOSING
        elif not any(mark in line for mark in closing):
            begun += line
            continue
        begun += line
        try:
            said = tomllib.loads(begun)
        except tomllib.TOMLDecodeError:
            continue
        if said:
            yield start, begun
        begun = ""


def _paths(parsed: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    """The paths of all keys of a statement."""
    for key, value in parsed.items():
        yield (key,)
        inner = cast("list[object]", value)[:1] if isinstance(value, list) else [value]
        for table in inner:
            if isinstance(table, dict):
                yield from ((key, *rest) for rest in _paths(cast("dict[str, object]", table)))
