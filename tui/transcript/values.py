"""What a tool was given and what it answered: objects of any shape, shown so that one can read them.

Agents wrap the same few things in many ways: text, a command, its output, a change to a file. Those are recognised;
anything else is shown as names and values. Total: any JSON value is accepted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import cast

from tui.text import SafeText, blank, bytes_, join, label, lines, literal, sanitize
from tui.transcript.blocks import Line, Paragraph
from tui.transcript.patches import change_in, change_lines, is_patch, patch_lines, tally
from tui.widgets.spans import Span

SHOWN_LINES = 400  # of one input or answer; the pager and the event show all of it
BRIEF_CHARACTERS = 160
COMMAND_CHARACTERS = 1 << 16  # what is cut off may be what matters; no shell takes much more
DEPTH = 12  # deeper things than this nobody reads
_TELLING = (
    "command", "cmd", "file_path", "filePath", "path", "absolute_path", "file", "url", "query", "pattern", "title",
    "description", "prompt", "text", "input", "arguments", "changes", "content", "name",
)  # fmt: skip
_SPECIAL = frozenset('"$`\\!')
"""What a shell obeys between double quotes."""
_DESCRIBED = {"kind", "name", "input", "content", "locations"}


def brief(value: object, depth: int = 0) -> SafeText:
    """The most telling part of an input, on one line; empty when there is none."""
    match value:
        case str():
            return label(value, BRIEF_CHARACTERS)
        case Mapping() if depth < DEPTH:
            named = cast("Mapping[str, object]", value)
            return next((brief(named[name], depth + 1) for name in _TELLING if named.get(name)), literal(""))
        case list() | tuple() if depth < DEPTH:
            items = cast("list[object]", value)
            texts = [item for item in items if isinstance(item, str)]
            if texts:
                return label(" ".join(texts), BRIEF_CHARACTERS)
            return brief(items[0], depth + 1) if items else literal("")
        case _:
            return literal("")


def changed_lines(*values: object) -> tuple[int, int]:
    """Lines added and removed by the first of the values that describe any change."""
    for value in values:
        tallies = [tally(change) for part in _parts(value) if (change := change_in(part)) is not None]
        if tallies:
            return sum(added for added, _ in tallies), sum(removed for _, removed in tallies)
    return 0, 0


def _parts(value: object, depth: int = 0) -> Iterator[dict[str, object]]:
    if depth > DEPTH:
        return
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        yield fields
        for inner in fields.values():
            yield from _parts(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in cast("list[object]", value):
            yield from _parts(inner, depth + 1)


def shown(value: object) -> list[Paragraph]:
    """The value as paragraphs; what is too long is cut, and the cut says so."""
    found = list(islice(_lines(value, 0), SHOWN_LINES + 1))
    cut = [(Span(literal("… more of it: y copies all, o shows it in the pager"), "muted"),)]
    return [Paragraph(line) for line in (found if len(found) <= SHOWN_LINES else found[:SHOWN_LINES] + cut)]


def asked(value: object) -> list[Paragraph]:
    """What a permission is asked for: what would change if that is told, else what the tool would be given."""
    match value:
        case dict() if set(described := cast("dict[str, object]", value)) <= _DESCRIBED:
            content, given = described.get("content"), described.get("input")
            if content and (not given or changed_lines(content) != (0, 0)):
                return shown(content)
            return shown(given) or shown(described.get("locations"))
        case _:
            return shown(value)


def _lines(value: object, depth: int) -> Iterator[Line]:
    match value:
        case None | "":
            return
        case str():
            yield from _text(value)
        case dict():
            yield from _object(cast("dict[str, object]", value), depth)
        case list() | tuple():
            for item in cast("list[object]", value):
                yield from _lines(item, depth + 1)
        case _:
            yield (Span(label(str(value)), "plain"),)


def _text(text: str) -> Iterator[Line]:
    safe = sanitize(text.rstrip("\n"))
    if is_patch(safe):
        yield from patch_lines(safe)
    else:
        yield from ((Span(line),) for line in lines(safe))


def _object(value: dict[str, object], depth: int) -> Iterator[Line]:
    if depth > DEPTH:
        yield (Span(literal("… and deeper"), "muted"),)
        return
    change = change_in(value)
    match value:
        case {"type": "content", "content": inner} | {"type": "text", "text": inner}:
            yield from _lines(inner, depth + 1)
        case {"type": "terminal", "terminalId": _}:
            yield (Span(literal("in a terminal of the agent's own"), "muted"),)
        case {"type": "image" | "audio" as kind, "data": str() as encoded}:
            size = bytes_(len(encoded) * 3 // 4)
            yield (Span(join((label(str(value.get("mimeType") or kind), 40), literal(", "), size)), "muted"),)
        case _ if change is not None:
            yield from change_lines(change)
        case {"command": _, **others}:
            yield from _command(value["command"])
            yield from _fields(others, depth)
        case _:
            yield from _fields(value, depth)


def _command(command: object) -> Iterator[Line]:
    """All of it, quoted as a shell would need it: somebody decides by what stands here."""
    match command:
        case list() | tuple():
            text = " ".join(_quoted(str(word)) for word in cast("list[object]", command))
        case _:
            text = str(command)
    for number, line in enumerate(lines(sanitize(text.strip("\n"), max_line=COMMAND_CHARACTERS))):
        yield (Span(blank(2)) if number else Span(literal("$ "), "accent"), Span(line, "code"))


def _quoted(word: str) -> str:
    """As `shlex.quote`, and easier to read where single quotes are in it."""
    return f'"{word}"' if "'" in word and not _SPECIAL.intersection(word) else shlex.quote(word)


def _fields(fields: dict[str, object], depth: int) -> Iterator[Line]:
    for name, value in fields.items():
        title = Span(join((label(name, 40), literal(": "))), "muted")
        inner = list(islice(_lines(value, depth + 1), SHOWN_LINES + 1))
        if len(inner) == 1 and not isinstance(value, dict):
            yield (title, *inner[0])
        elif inner:
            yield (title,)
            yield from ((Span(blank(2)), *line) for line in inner)
