"""Lines of the detail and of the diff: a fact, an event and why it happened, a section's title. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from core.events import StoredEvent
from tui.telling import tell
from tui.text import SafeText, count, join, label, literal, pad, repeat, rjust
from tui.theme.ink import Ink
from tui.transcript.blocks import Line
from tui.widgets.spans import Span

WIDE = 400
FACT_CELLS = 9
DEEPEST = 6  # levels of consequences that are indented
NO_MARK = literal("")


def fact(name: str, value: str, ink: Ink = "plain") -> Line:
    """A name and what it is."""
    return Span(pad(label(name), FACT_CELLS), "muted"), Span(label(value, WIDE), ink)


def section(title: str, lines: Iterable[Line]) -> list[Line]:
    """A title, the lines below it and an empty one; nothing when there are no lines."""
    found = list(lines)
    return [(Span(label(title.upper()), "title"),), *found, ()] if found else []


def _event_line(event: StoredEvent, *, digits: int, mark: SafeText = NO_MARK, ahead: bool = False) -> Line:
    """An event in a few words, after a mark of where it belongs; faint when it has not happened yet.

    `digits` are the cells its position takes.
    """
    return (
        Span(mark, "faint"),
        Span(join((rjust(count(event.position), digits), literal("  "))), "faint"),
        Span(join((label(event.type, 40), literal("  "))), "ahead" if ahead else "accent"),
        Span(label(f"{event.aggregate_id} {tell(event, WIDE)}", WIDE), "ahead" if ahead else "plain"),
    )


def because_lines(causes: Sequence[StoredEvent]) -> Iterator[Line]:
    """What came before something, the nearest first, each as a fact."""
    digits = _digits(causes)
    for event in causes:
        yield Span(pad(literal("because"), FACT_CELLS), "muted"), *_event_line(event, digits=digits)


def cause_lines(chain: Sequence[StoredEvent], now: int) -> Iterator[Line]:
    """How it came to the chain's last event, a line each: who began it, what followed, and itself.

    What is after the position `now` has not happened yet. Nothing when it stands alone.
    """
    digits = _digits(chain)
    for number, event in enumerate(chain if len(chain) > 1 else ()):
        mark = literal("▶ ") if number == len(chain) - 1 else literal("  ")
        by = (Span(join((literal("  by "), label(event.actor, 60))), "muted"),) if not number else ()
        yield *_event_line(event, mark=mark, digits=digits, ahead=event.position > now), *by


def consequence_lines(position: int, consequences: Sequence[StoredEvent], now: int) -> Iterator[Line]:
    """What came of the event at a position, a line each, indented by how indirectly."""
    digits, depths = _digits(consequences), {position: 0}
    for event in consequences:
        depth = depths[event.position] = depths.get(event.causation_id or 0, 0) + 1
        mark = repeat(literal("  "), min(depth, DEEPEST))
        yield _event_line(event, mark=mark, digits=digits, ahead=event.position > now)


def _digits(events: Sequence[StoredEvent]) -> int:
    return max((len(count(event.position)) for event in events), default=1)
