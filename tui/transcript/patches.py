"""Changes to files: recognising them in what a tool was given or answered, counting and colouring their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from tui.text import SafeText, count, join, label, lines, literal, sanitize
from tui.widgets.spans import Span

if TYPE_CHECKING:
    from tui.theme.ink import Ink
    from tui.transcript.blocks import Line

COMPARED_LINES = 3_000  # of both sides together: comparing is quadratic at worst, and this takes 0.1 s then
PATH_CELLS = 200
_PATCH = re.compile(r"diff --git |Index: |\*\*\* Begin Patch|@@ -\d|--- [^\n]*\n\+\+\+ ")
_FIELDS = (("oldText", "newText"), ("old_string", "new_string"), ("old_str", "new_str"), ("old_text", "new_text"))
_PATHS = ("path", "file_path", "filePath", "file")


class Change(NamedTuple):
    """What a file was and is to be."""

    path: str
    before: str
    after: str


def change_in(value: dict[str, object]) -> Change | None:
    """The change an object describes, by any of the names agents give its parts."""
    for old, new in _FIELDS:
        before, after = value.get(old), value.get(new)
        if isinstance(after, str) and (before is None or isinstance(before, str)):
            path = next((str(value[name]) for name in _PATHS if value.get(name)), "")
            return Change(path, before or "", after)
    return None


def is_patch(text: str) -> bool:
    """Whether a text is a patch."""
    return _PATCH.match(text) is not None


def patch_ink(line: str) -> Ink:
    """How a line of a patch looks."""
    if line.startswith(("+++", "---", "diff ", "*** ", "index ", "Index: ", "====")):
        return "strong"
    match line[:1]:
        case "+":
            return "added"
        case "-":
            return "removed"
        case "@":
            return "accent"
        case _:
            return "muted"


def change_lines(change: Change) -> Iterator[Line]:
    """The path, and what changed with some lines around it."""
    if change.path:
        yield (Span(label(change.path, PATH_CELLS), "strong"), *_tally(change))
    before, after = change.before.splitlines(), change.after.splitlines()
    if len(before) + len(after) > COMPARED_LINES:
        sizes = (count(len(before)), literal(" lines before, "), count(len(after)), literal(" after"))
        told = join((literal("too long to compare: "), *sizes))
        yield (Span(told, "muted"),)
        return
    for number, line in enumerate(unified_diff(before, after, lineterm="", n=2)):
        if number > 1:  # the first two name the files
            yield from ((Span(part, patch_ink(line)),) for part in lines(sanitize(line)))


def _tally(change: Change) -> Iterator[Span]:
    added, removed = tally(change)
    yield Span(join((literal("  +"), count(added))), "added")
    yield Span(join((literal(" -"), count(removed))), "removed")


def tally(change: Change) -> tuple[int, int]:
    """How many lines it adds and removes; without comparing, all of them, when there are too many."""
    before, after = change.before.splitlines(), change.after.splitlines()
    if len(before) + len(after) > COMPARED_LINES:
        return len(after), len(before)
    changed = [line[:1] for line in unified_diff(before, after, lineterm="", n=0)][2:]
    return changed.count("+"), changed.count("-")


def patch_lines(text: SafeText) -> Iterator[Line]:
    """The lines of a patch."""
    return ((Span(line, patch_ink(line)),) for line in lines(text))
