"""What is different, in words: one telling of changed records for the detail, the diff and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, cast

from core.history.diff import KINDS, Amount, FieldChange, Moment, RecordChange, StateDiff
from core.history.files import FilesChanged
from tui.lines import WIDE
from tui.look import local
from tui.text import SafeText, bytes_, clock_time, count, duration, join, label, literal, money, pad
from tui.theme.ink import Ink, status_ink
from tui.transcript.blocks import Line
from tui.widgets.spans import Span, width_of

_MARKS: dict[str, tuple[SafeText, Ink]] = {
    "added": (literal("+ "), "added"),
    "changed": (literal("~ "), "changed"),
    "removed": (literal("- "), "removed"),
}
_UNITS = ("_usd_micros", "_us", "_ms", "_bytes")
ARROW = Span(literal(" → "), "muted")
INDENT = Span(literal("    "))
GAP = Span(literal("  "))
SHORT_CELLS = 32
Kind = Literal["added", "modified", "deleted"]
_FILES: dict[Kind, str] = {"added": "added", "modified": "changed", "deleted": "removed"}
TITLES = {"executions": "attempts", "swarm": "fleet"}


def head_line(change: RecordChange) -> Line:
    """Which record is different, and its status."""
    mark, ink = _MARKS[change.change]
    first = [Span(mark, ink), Span(label(change.id, 60), "strong"), GAP, *_status(change)]
    return (*first, GAP, Span(label(change.title, WIDE), "muted")) if change.title else tuple(first)


def record_lines(change: RecordChange) -> Iterator[Line]:
    """A record that is different, and below it every other field that is, each on a line."""
    yield head_line(change)
    for field in change.fields:
        yield INDENT, *field_spans(field)


def record_summary(change: RecordChange) -> Iterator[Line]:
    """The same in few lines: what is short stands on one."""
    yield head_line(change)
    spans = [field_spans(field) for field in change.fields if _differs_in_writing(field)]
    short = [line for line in spans if width_of(line) <= SHORT_CELLS]
    if short:
        yield INDENT, *(span for line in short for span in (*line, GAP))
    for line in spans:
        if line not in short:
            yield INDENT, *line


def _differs_in_writing(field: FieldChange) -> bool:
    return field_value(field.name, field.before) != field_value(field.name, field.after)


def _status(change: RecordChange) -> Line:
    before, after = change.status_before, change.status_after
    if before == after or not (before and after):
        known = after or before or ""
        return (Span(label(known, 30), "removed" if change.change == "removed" else status_ink(known)),)
    return Span(label(before, 30), "muted"), ARROW, Span(label(after, 30), status_ink(after))


def field_spans(field: FieldChange) -> Line:
    """One field, before and after; before is left out when it was nothing."""
    name, after = Span(join((label(field_name(field.name), 60), literal(" ")))), field_value(field.name, field.after)
    if _is_nothing(field.before):
        return name, Span(after, "added")
    return name, Span(field_value(field.name, field.before), "muted"), ARROW, Span(after, "changed")


def field_name(name: str) -> str:
    """A field's name without its unit."""
    unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
    return name.removesuffix(unit).removesuffix("_id").replace("_", " ")


def field_value(name: str, value: object) -> SafeText:
    """A field's value in its unit."""
    if _is_nothing(value):
        return literal("nothing")
    if isinstance(value, bool):
        return literal("yes") if value else literal("no")
    if isinstance(value, int):
        return _number(name, value)
    if isinstance(value, tuple):
        return label(", ".join(map(str, cast("tuple[object, ...]", value))), WIDE)
    return label(str(value), WIDE)


def _is_nothing(value: object) -> bool:
    return value in (None, "", (), {})


def _number(name: str, value: int) -> SafeText:
    match next((unit for unit in _UNITS if name.endswith(unit)), ""):
        case "_usd_micros":
            return money(value)
        case "_us":
            return clock_time(local(value))
        case "_ms":
            return duration(value)
        case "_bytes":
            return bytes_(value)
        case _:
            return count(value)


def amounts_line(name: str, amounts: Iterable[Amount]) -> Line | None:
    """Those numbers that are different, after their name; None when none is."""
    spans: list[Span] = []
    for amount in amounts:
        if amount.before != amount.after:
            more = amount.after > amount.before
            spans += [
                Span(
                    join((literal("   ") if spans else literal(""), label(field_name(amount.name), 40), literal(" ")))
                ),
                Span(_number(amount.name, amount.before), "muted"),
                ARROW,
                Span(_number(amount.name, amount.after), "added" if more else "changed"),
            ]
    return (Span(pad(label(name), 9), "title"), *spans) if spans else None


def section_title(kind: str, changes: tuple[RecordChange, ...]) -> Line:
    """What comes now, and how many of them came, went and changed."""
    spans = [Span(label(TITLES.get(kind, kind).upper()), "title")]
    for change, (_, ink) in _MARKS.items():
        number = sum(found.change == change for found in changes)
        if number:
            spans.append(Span(join((literal("  "), count(number), literal(" "), label(change))), ink))
    return tuple(spans)


def file_lines(files: FilesChanged) -> Iterator[Line]:
    """The files that changed, one a line."""
    for kind, change in _FILES.items():
        paths: tuple[str, ...] = getattr(files, kind)
        mark, ink = _MARKS[change]
        for path in paths:
            yield Span(mark, ink), Span(label(path, WIDE))
    if files.unlisted:
        yield (Span(join((literal("  and "), count(files.unlisted), literal(" more, not listed"))), "muted"),)


def diff_lines(diff: StateDiff) -> Iterator[tuple[Line, RecordChange | None]]:
    """All of a diff: the moments, the numbers, then every kind of record; each line with the record it is about."""
    for line in _summary(diff):
        yield line, None
    if diff.files.count:
        yield (), None
        yield (Span(join((literal("FILES  "), count(diff.files.count))), "title"),), None
        for line in file_lines(diff.files):
            yield line, None
    for kind in KINDS:
        changes = diff.of(kind)
        if changes:
            yield (), None
            yield section_title(kind, changes), None
            for change in changes:
                for line in record_summary(change):
                    yield line, change


def _summary(diff: StateDiff) -> Iterator[Line]:
    several = diff.before.branch != diff.after.branch
    for name, moment in (("A", diff.before), ("B", diff.after)):
        branch = join((label(moment.branch, 60), literal(" "))) if several else literal("")
        place = join((branch, literal("#"), count(moment.position), literal("  ")))
        later = _later(diff) if name == "B" else literal("")
        yield Span(pad(label(name), 3), "key"), Span(place), Span(_time(moment), "muted"), Span(later, "accent")
    yield ()
    lines = (
        amounts_line("ALL", diff.totals), amounts_line("TASKS", diff.tasks), amounts_line("AGENTS", diff.agents)
    )  # fmt: skip
    told = [line for line in lines if line is not None]
    yield from told or [(Span(literal("nothing is different"), "muted"),)]


def _later(diff: StateDiff) -> SafeText:
    passed_us = diff.after.recorded_us - diff.before.recorded_us
    if not diff.before.position or not diff.after.position or not passed_us:
        return literal("")
    return join((literal("  "), duration(abs(passed_us) / 1000), literal(" later" if passed_us > 0 else " earlier")))


def _time(moment: Moment) -> SafeText:
    return clock_time(local(moment.recorded_us), "full") if moment.position else literal("before the first event")
