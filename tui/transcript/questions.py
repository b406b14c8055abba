"""How a question of an agent looks, and its answer: in the conversation and in the list of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.events import PermissionOption
from tui.text import SafeText, ago, duration, join, label, literal, pad
from tui.theme.ink import Ink
from tui.transcript.blocks import Block, Headline, Line, Paragraph
from tui.transcript.entries import Question
from tui.transcript.scene import GAP, INDENT, Scene, fold_mark, indented, one_of
from tui.transcript.values import asked
from tui.widgets.spans import Span

HURRY_MS = 30_000
KINDS: dict[str, SafeText] = {
    "allow_once": literal("allow once"),
    "allow_always": literal("always"),
    "reject_once": literal("deny"),
    "reject_always": literal("never"),
}
"""What the kinds of options are called on the screen."""
ANSWERS: dict[str, tuple[SafeText, Ink]] = {
    "granted": (literal("allowed"), "done"),
    "denied": (literal("denied"), "failed"),
    "expired": (literal("nobody answered"), "warn"),
}
"""How a question was answered, by its status."""


def draw_question(entry: Question, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    """While it waits: who, what, which answers there are and how long; then one line."""
    tool = Span(one_of(entry.tool_name or "a tool"), "strong")
    if entry.answer != "pending":
        yield from _answered(entry, scene, tool, is_open=is_open)
        return
    asks = (Span(scene.glyphs.waiting, "waiting"), GAP, Span(literal("asks for  "), "waiting"), tool)
    yield Headline(asks, time_left(entry.deadline_us, scene.now_us))
    bar = Span(join((scene.glyphs.cursor, literal(" "))), "waiting")
    for paragraph in asked(entry.input):
        yield Paragraph(paragraph.spans, (bar,), (bar,))
    for paragraph in option_lines(entry.options, dict(scene.keys) if scene.live else {}):
        yield Paragraph(paragraph.spans, (bar,), (bar, INDENT))


def option_lines(
    options: Iterable[PermissionOption], keys: Mapping[str, str], *, numbered: bool = False
) -> Iterator[Paragraph]:
    """The answers the agent offers, each with the key that gives it, or its number."""
    given = set[str]()
    for number, option in enumerate(options, 1):
        key = "" if option.kind in given else keys.get(option.kind, "")  # a key means the first of its kind
        key = f"{number} {key}" if numbered else key
        cells = 4 if numbered else 2
        given.add(option.kind)
        kind = KINDS.get(option.kind, label(option.kind or "answer", 20))
        kept = literal("  from now on; the agent may keep it") if option.kind.endswith("_always") else literal("")
        yield Paragraph(
            (
                *([Span(pad(label(key), cells), "key")] if keys else []), Span(join((kind, literal("  "))), "strong"),
                Span(label(option.name, 120)), Span(kept, "faint"),
            )
        )  # fmt: skip


def time_left(deadline_us: int | None, now_us: int) -> Line:
    """Until nobody can answer any more."""
    if deadline_us is None:
        return ()
    left = (deadline_us - now_us) / 1000
    if left <= 0:
        return (Span(literal("too late"), "failed"),)
    return (Span(join((ago(left), literal(" left"))), "failed" if left < HURRY_MS else "warn"),)


def _answered(entry: Question, scene: Scene, tool: Span, *, is_open: bool) -> Iterator[Block]:
    word, ink = ANSWERS[entry.answer]
    how = literal(" always") if entry.kind.endswith("_always") else literal("")
    by = join((literal(" by "), label(entry.by, 40))) if entry.by else literal("")
    why = join((literal(" · "), one_of(entry.reason))) if entry.reason else literal("")
    glyph = scene.glyphs.idle if entry.answer == "granted" else scene.glyphs.failure
    waited_ms = ((entry.decided_us or entry.at_us) - entry.at_us) / 1000
    fold = INDENT if entry.input is None else fold_mark(scene, is_open=is_open)
    said = (Span(join((word, how)), ink), Span(by, "muted"), GAP, GAP, tool, Span(why, "muted"))
    after = (Span(join((literal("after "), duration(waited_ms))), "muted"),) if waited_ms else ()
    yield Headline((fold, Span(glyph, ink), GAP, *said), after)
    if is_open:
        yield from indented(asked(entry.input), 2)
