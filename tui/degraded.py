"""What is wrong with the log, in plain sentences; the screen goes on all the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.history.checking import Checked
from tui.text import count, join, label, literal
from tui.transcript.blocks import Line
from tui.widgets.spans import Span

TYPES_NAMED = 3
NAME = Span(literal("DEGRADED "), "bad")


def degraded_lines(troubles: Iterable[str], checked: Checked, unreadable: int) -> tuple[Line, ...]:
    """A sentence for each thing that is wrong; nothing when all is well.

    `troubles` are sentences already, `unreadable` is how many events were skipped by the fold.
    """
    lines: list[Line] = [(NAME, Span(label(trouble, 300))) for trouble in troubles]
    if checked.first_bad is not None:
        place = join((literal("event "), count(checked.first_bad), literal(" is not what was recorded: ")))
        after = literal(" · `cw verify` tells more")
        lines.append((NAME, Span(place, "strong"), Span(label(checked.reason, 200)), Span(after)))
    if unreadable:
        lines.append((NAME, *_unreadable(unreadable, checked)))
    return tuple(lines)


def _unreadable(number: int, checked: Checked) -> Iterator[Span]:
    noun = literal(" event") if number == 1 else literal(" events")
    yield Span(join((count(number), noun, literal(" cannot be read by this version"))), "strong")
    named = ", ".join(kind for kind, _ in checked.unknown[:TYPES_NAMED])
    if named:
        more = len(checked.unknown) - TYPES_NAMED
        yield Span(join((literal(" ("), label(named, 120))))
        yield Span(join((literal(" and "), count(more), literal(" more types)"))) if more > 0 else literal(")"))
    yield Span(literal(": kept, shown grey, not counted"))
