"""How tool calls and plans look: what an agent does."""

from __future__ import annotations

from collections.abc import Iterator

from tui.text import Glyphs, SafeText, ago, count, duration, join, label, literal, repeat
from tui.theme.ink import Ink
from tui.transcript.blocks import Block, Headline, Paragraph
from tui.transcript.entries import Call, Plan
from tui.transcript.scene import GAP, INDENT, Scene, fold_mark, indented, one_of
from tui.transcript.values import brief, changed_lines, shown
from tui.widgets.spans import Span

BAR_CELLS = 20
_CALL_INKS: dict[str, Ink] = {
    "running": "busy", "ok": "done", "error": "failed", "denied": "warn", "abandoned": "stopped",
}  # fmt: skip
_STEP_INKS: dict[str, Ink] = {"completed": "done", "in_progress": "busy"}


def has_more(entry: Call) -> bool:
    """Whether the call was given anything, or said anything."""
    return any(value not in (None, "", (), [], {}) for value in (entry.input, entry.content, entry.output))


def draw_call(entry: Call, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    """One line: state, name, what it is about, how much it changed, how long it took; open, all of it."""
    ink = _CALL_INKS[entry.status]
    name, told = entry.name or entry.title, brief(entry.input)
    title = one_of(entry.title) if entry.title and entry.title != name else literal("")
    said = [Span(label(name or "tool", 60), "strong")]
    if told and told not in name:
        said += [GAP, GAP, Span(told, "code")]
    elif title:
        said += [GAP, GAP, Span(title, "muted")]
    fold = fold_mark(scene, is_open=is_open) if has_more(entry) else INDENT
    yield Headline((fold, Span(_call_glyph(entry, scene.glyphs), ink), GAP, *said), tuple(_call_end(entry, scene, ink)))
    if is_open:
        yield from _opened("given", entry.input)
        if entry.content != entry.output:
            yield from _opened("meanwhile" if entry.output is not None else "so far", entry.content)
        yield from _opened("answer", entry.output)


def _opened(title: str, value: object) -> Iterator[Block]:
    body = shown(value)
    if body:
        yield Paragraph((INDENT, INDENT, Span(label(title), "title")))
        yield from indented(body, 2)


def _call_glyph(entry: Call, glyphs: Glyphs) -> SafeText:
    match entry.status:
        case "running":
            return glyphs.busy
        case "ok" | "abandoned":
            return glyphs.idle
        case _:
            return glyphs.failure


def _call_end(entry: Call, scene: Scene, ink: Ink) -> Iterator[Span]:
    added, removed = changed_lines(entry.content, entry.input, entry.output)
    if added or removed:
        yield Span(join((literal("+"), count(added))), "added")
        yield Span(join((literal(" -"), count(removed), literal("  "))), "removed")
    if entry.status != "ok":
        word = literal("failed") if entry.status == "error" else label(entry.status)
        yield Span(join((word, literal(" "))), ink)
    took = (scene.now_us if entry.ended_us is None else entry.ended_us) - entry.at_us
    yield Span(ago(took / 1000) if entry.ended_us is None else duration(took / 1000), "muted")


def draw_plan(entry: Plan, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    """How far it is; open, its steps."""
    done = sum(step.status == "completed" for step in entry.steps)
    tally = join((literal("plan "), count(done), literal("/"), count(len(entry.steps))))
    bar = join((repeat(scene.glyphs.step, done), repeat(scene.glyphs.step_empty, len(entry.steps) - done)))
    shown_bar = bar if len(bar) <= BAR_CELLS else literal("")
    current = next((step.content for step in entry.steps if step.status == "in_progress"), "")
    left = [
        fold_mark(scene, is_open=is_open),
        Span(tally, "strong"),
        GAP,
        GAP,
        Span(shown_bar, "done"),
    ]
    if current and not is_open:
        left += [GAP, GAP, Span(one_of(current), "muted")]
    yield Headline(tuple(left))
    if is_open:
        for step in entry.steps:
            ink = _STEP_INKS.get(step.status, "muted")
            glyph = {"completed": scene.glyphs.busy, "in_progress": scene.glyphs.waiting}.get(
                step.status, scene.glyphs.idle
            )
            words: Ink = "strong" if step.status == "in_progress" else "muted"
            first = (INDENT, Span(glyph, ink), GAP)
            yield Paragraph((Span(one_of(step.content), words),), first, (INDENT, INDENT))
