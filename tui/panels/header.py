"""The header, the tabs of a small screen, the message line and the footer: lines made of what the screen shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from core.projections import day_scope
from tui import limits
from tui.bindings import FOCUSES, Action, Focus, key_name
from tui.look import Look, local
from tui.text import Glyphs, SafeText, ago, clock_time, count, join, label, literal, money, sparkline
from tui.theme.ink import Ink
from tui.widgets.spans import Span, width_of

SPARK_CELLS = 8
WIDE = 60  # from here on there is room for the session
COMPARING = 100  # and from here on for both moments that are compared
SLOW_MS = 100
ALWAYS = 70  # places in the footer from here on are kept free
GAP = Span(literal("  "))
TITLES: dict[Focus, SafeText] = {
    "agents": literal("Agents"),
    "queue": literal("Queue"),
    "events": literal("Events"),
    "detail": literal("Detail"),
    "timeline": literal("Timeline"),
}

Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the program itself is doing."""

    project: SafeText
    session: SafeText
    rates: tuple[float, ...]
    """Events a second, of the last seconds, newest last."""
    lag_p95_ms: float
    """How late the screen was, of the last minute."""
    speed: SafeText | None = None
    """While playing: how fast."""
    asking: int = 0
    """Questions of agents that wait for an answer."""
    anchor: int | None = None
    """The moment A, while others are compared with it."""


def header(look: Look, vitals: Vitals, width: int, glyphs: Glyphs) -> tuple[Spans, Spans]:
    """Project and session left; time, speed, cost and clock right, as many as there is room for."""
    left = [Span(literal(" CODEWALKERS"), "title"), GAP, Span(vitals.project, "strong")]
    if width >= WIDE:
        left += [GAP, Span(vitals.session, "muted")]
    when = _when(look, vitals, glyphs, wide=width >= COMPARING)
    room = width - width_of(left) - width_of(when) - 1
    rate = join((count(round(vitals.rates[-1] if vitals.rates else 0)), literal(" ev/s ")))
    parts: dict[str, list[Spans]] = {
        "asking": [_asking(vitals)],
        "rate": [(Span(rate, "muted"), Span(sparkline(vitals.rates, SPARK_CELLS, glyphs), "accent"))],
        "lag": [(Span(label(f"ui {vitals.lag_p95_ms:.0f} ms"), "muted" if vitals.lag_p95_ms < SLOW_MS else "warn"),)],
        "cost": _cost(look),
        "clock": [(Span(clock_time(local(look.clock_us)), "muted"),)],
    }
    shown: dict[str, Spans] = {}
    for name in ("asking", "clock", "cost", "rate", "lag"):  # the most telling ones get the room there is
        fitting = (spans for spans in parts[name] if spans and width_of((GAP, *spans)) <= room)
        if spans := next(fitting, ()):
            shown[name] = (GAP, *spans)
            room -= width_of(shown[name])
    right = [*when, *chain.from_iterable(shown[name] for name in parts if name in shown)]
    return tuple(left), (*right, Span(literal(" ")))


def _when(look: Look, vitals: Vitals, glyphs: Glyphs, *, wide: bool) -> Spans:
    anchor = _compared(vitals.anchor, look, wide=wide)
    if look.live:
        return (Span(join((glyphs.busy, literal(" LIVE"))), "live"), *anchor)
    back = join((glyphs.left, glyphs.left))
    behind = join(
        (clock_time(local(look.now_us)), literal(" · "), ago((look.clock_us - look.now_us) / 1000), literal(" ago"))
    )
    parts = [Span(join((back, literal(" PAST "))), "past"), Span(behind, "past")]
    if vitals.speed is not None:
        parts += [Span(literal("  ")), Span(join((glyphs.right, literal(" "), vitals.speed)), "accent")]
    new = look.head - look.position
    if new > 0:
        parts += [Span(literal("  ")), Span(join((literal("+"), count(new), literal(" new"))), "unseen")]
    return (*parts, *anchor)


def _compared(anchor: int | None, look: Look, *, wide: bool) -> Spans:
    """The moment A, and B when it is another one."""
    if anchor is None:
        return ()
    parts = [literal(" COMPARE A #" if wide else " A #"), count(anchor)]
    if wide and look.position != anchor:
        parts += [literal(" B "), literal("now") if look.live else join((literal("#"), count(look.position)))]
    return GAP, Span(join((*parts, literal(" "))), "anchor")


def _asking(vitals: Vitals) -> Spans:
    if not vitals.asking:
        return ()
    word = literal(" question waits") if vitals.asking == 1 else literal(" questions wait")
    return (Span(join((count(vitals.asking), word)), "waiting"),)


def _cost(look: Look) -> list[Spans]:
    """The tightest cap and what is used of it, or what the day of the moment that is shown has cost; longest first."""
    budget, day = limits.tightest(look), look.state.usage.get(day_scope(look.now_us))
    spent = 0 if day is None else day.cost_usd_micros
    now = "set" if budget is None else limits.status(budget, look)
    if budget is None or (spent and now == "set" and budget.unit != limits.IN_MONEY):
        words = (join((money(spent), literal(" today"))), money(spent)) if spent else ()
        return [(Span(word, "muted"),) for word in words]
    ink: Ink = "muted" if now == "set" else limits.INKS[now]
    amounts, of_what = limits.amounts(budget, look, literal(" / ")), limits.of_what(budget)
    if now != "tripped":
        return [(Span(join((amounts, of_what)), ink),), (Span(amounts, ink),)]
    return [(Span(join((amounts, of_what, literal(" used up"))), ink),), (Span(literal("$ used up"), ink),)]


def tabs(focus: Focus, needing: dict[Focus, int]) -> Spans:
    """The panels of a screen that shows one at a time."""
    spans: list[Span] = []
    for number, name in enumerate(FOCUSES[:4], 1):
        ink: Ink = "strong" if name == focus else "muted"
        spans += [Span(literal(" ")), Span(count(number), "key"), Span(literal(" ")), Span(TITLES[name], ink)]
        if needing.get(name):
            spans.append(Span(join((literal(" "), count(needing[name]))), "waiting"))
        spans.append(Span(literal(" ")))
    return tuple(spans)


def footer(actions: Iterable[Action], width: int) -> tuple[Spans, Spans]:
    """The keys that work now: as many as fit from the left, and on the right those that are always there."""
    listed = list(actions)
    right = [span for key in _merged([a for a in listed if a.footer >= ALWAYS]) for span in _key(*key)]
    left: list[Span] = [Span(literal(" "))]
    room = width - width_of(right) - 2
    for keys, word in _merged([a for a in listed if a.footer < ALWAYS]):
        spans = _key(keys, word)
        if width_of(spans) <= room:
            left += spans
            room -= width_of(spans)
    return tuple(left), tuple(right)


def _key(keys: str, word: str) -> list[Span]:
    return [Span(label(keys, 12), "key"), Span(literal(" ")), Span(label(word, 20), "muted"), GAP]


def _merged(actions: list[Action]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for action in actions:
        if action.keys:
            found.setdefault(action.label, []).append(key_name(action.keys[0]))
    short = {word: all(len(key) == 1 for key in keys) for word, keys in found.items()}
    return [(("" if short[word] else " ").join(keys), word) for word, keys in found.items()]
