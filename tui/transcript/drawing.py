"""How each entry of a conversation looks: its blocks, open or folded.

Invariant: a status is a glyph and a word, never a colour alone, and what an entry shows depends on the entry, on
whether it is open and, while it goes on, on the second: on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.events import CustomRecorded
from tui.look import local
from tui.telling import tell
from tui.text import SafeText, clock_time, count, duration, join, label, literal, money, repeat
from tui.theme.ink import Ink
from tui.transcript.blocks import Block, Headline, Paragraph
from tui.transcript.calls import draw_call, draw_plan, has_more
from tui.transcript.entries import (
    Attempt,
    Call,
    Ending,
    Entry,
    Message,
    Note,
    Plan,
    Question,
    Record,
    Thought,
    Usage,
)
from tui.transcript.markdown import markdown
from tui.transcript.questions import draw_question
from tui.transcript.scene import GAP, INDENT, Scene, as_typed, fold_mark, indented, one_of
from tui.widgets.spans import Span

NOTICE = "agent:notice"  # what adapters call remarks of an agent beside its work
_CHANNELS: dict[str, tuple[SafeText, Ink]] = {
    "wire-in": (literal("agent said"), "accent"),
    "wire-out": (literal("agent was told"), "accent"),
    "stderr": (literal("stderr"), "warn"),
}
_ENDINGS: dict[str, Ink] = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}


def ticks(entry: Entry) -> bool:
    """Whether it looks different every second."""
    return (isinstance(entry, Call) and entry.status == "running") or (
        isinstance(entry, Question) and entry.answer == "pending"
    )


def foldable(entry: Entry) -> bool:
    """Whether there is more of it than its first line."""
    match entry:
        case Thought() | Record() | Plan():
            return True
        case Call():
            return has_more(entry)
        case Question():
            return entry.answer != "pending" and entry.input is not None
        case Note():
            return entry.unknown
        case _:
            return False


def opens(entry: Entry) -> bool:
    """Whether it is open until somebody folds it."""
    return (isinstance(entry, Plan) and entry.newest) or (isinstance(entry, Thought) and entry.unfinished)


def apart(before: Entry | None, entry: Entry) -> bool:
    """Whether an empty line stands between the two."""
    return before is not None and not (_terse(before) and _terse(entry))


def _terse(entry: Entry) -> bool:
    return isinstance(entry, Call | Thought | Usage | Note | Record) or (
        isinstance(entry, Question) and entry.answer != "pending"
    )


def draw(entry: Entry, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    """The blocks of an entry."""
    match entry:
        case Message():
            yield from _message(entry, scene)
        case Thought():
            yield from _thought(entry, scene, is_open=is_open)
        case Call():
            yield from draw_call(entry, scene, is_open=is_open)
        case Plan():
            yield from draw_plan(entry, scene, is_open=is_open)
        case Question():
            yield from draw_question(entry, scene, is_open=is_open)
        case Record():
            yield from _record(entry, scene, is_open=is_open)
        case Note():
            yield from _note(entry, scene, is_open=is_open)
        case _:
            yield from _mark(entry, scene)


def _mark(entry: Entry, scene: Scene) -> Iterator[Block]:
    """What stands between the parts of a conversation."""
    match entry:
        case Usage():
            yield _usage(entry)
        case Attempt():
            yield _attempt(entry, scene)
        case Ending():
            yield from _ending(entry, scene)
        case _:
            pass


def _message(entry: Message, scene: Scene) -> Iterator[Block]:
    if entry.by:
        mark = Span(join((scene.glyphs.right, literal(" "))), "accent")
        when = Span(clock_time(local(entry.at_us)), "faint")
        yield Headline((mark, Span(label(entry.by, 40), "accent")), (when,))
        yield from indented(as_typed(entry.text))
        return
    yield from markdown(entry.text, scene.glyphs)
    if entry.unfinished:
        yield Paragraph((Span(scene.glyphs.cursor, "busy"),))


def _thought(entry: Thought, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    text = as_typed(entry.text, "muted")
    many = join((count(len(text)), _lines_word(len(text))))
    word = literal("thinking") if entry.unfinished else literal("thought")
    yield Headline((fold_mark(scene, is_open=is_open), Span(join((word, literal(" · "), many)), "muted")))
    if is_open:
        yield from indented(text)


def _usage(entry: Usage) -> Block:
    parts: list[SafeText] = []
    if entry.input_tokens or entry.output_tokens:
        parts.append(join((count(entry.input_tokens, compact=True), literal(" in"))))
        parts.append(join((count(entry.output_tokens, compact=True), literal(" out"))))
    if entry.cached_tokens:
        parts.append(join((count(entry.cached_tokens, compact=True), literal(" cached"))))
    if entry.context_used_tokens is not None:
        parts.append(_context(entry.context_used_tokens, entry.context_size_tokens))
    if entry.cost_usd_micros is not None:
        parts.append(money(entry.cost_usd_micros))
    if entry.model:
        parts.append(label(entry.model, 40))
    return Headline((INDENT, Span(join(parts, " · "), "faint")))


def _context(used: int, size: int | None) -> SafeText:
    if not size:
        return join((count(used, compact=True), literal(" context")))
    return join((count(100 * used // size), literal("% of "), count(size, compact=True), literal(" context")))


def _attempt(entry: Attempt, scene: Scene) -> Block:
    title = dict(scene.titles).get(entry.task_id, "")
    rule = Span(join((repeat(scene.glyphs.rule, 2), literal(" "))), "faint")
    name = Span(one_of(f"{entry.task_id or entry.execution_id} {title}"), "title")
    aside = Span(label(f"  {entry.agent_id}", 40), "muted")
    return Headline((rule, name, aside), (Span(clock_time(local(entry.at_us)), "faint"),))


def _ending(entry: Ending, scene: Scene) -> Iterator[Block]:
    ink = _ENDINGS[entry.status]
    glyph = scene.glyphs.failure if entry.status == "failed" else scene.glyphs.idle
    took = (Span(duration(entry.duration_ms), "muted"),) if entry.duration_ms else ()
    yield Headline((Span(glyph, ink), GAP, Span(label(entry.status), ink)), took)
    if entry.text:
        yield from indented(as_typed(entry.text, ink if entry.status == "failed" else "muted"))


def _record(entry: Record, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    word, ink = _CHANNELS.get(entry.channel, (label(entry.channel), "muted"))
    many = join((literal(" · "), count(len(entry.lines)), _lines_word(len(entry.lines))))
    yield Headline((fold_mark(scene, is_open=is_open), Span(word, ink), Span(many, "muted")))
    if is_open:
        for line in entry.lines:
            yield from indented(as_typed(line, "muted"))


def _note(entry: Note, scene: Scene, *, is_open: bool) -> Iterator[Block]:
    event = entry.event
    payload = event.payload
    if isinstance(payload, CustomRecorded) and payload.event_type == NOTICE:
        kind, text = payload.fields.get("kind"), str(payload.fields.get("text"))
        ink: Ink = "failed" if kind == "error" else "warn"
        yield Paragraph((Span(one_of(f"{kind}: {text}"), ink),), (INDENT,), (INDENT,))
        return
    ink = "faint" if entry.unknown else "muted"
    fold = fold_mark(scene, is_open=is_open) if foldable(entry) else INDENT
    yield Headline((fold, Span(label(event.type, 40), ink), GAP, GAP, Span(one_of(tell(event)), ink)))
    if is_open and (raw := getattr(payload, "raw", "")):
        yield from indented(as_typed(raw, "faint"))


def _lines_word(number: int) -> SafeText:
    return literal(" line") if number == 1 else literal(" lines")
