"""Markdown as agents write it, as blocks of ink: CommonMark with tables and strikethrough.

Invariant: nothing in it can do more than choose an ink. Links are shown as text, pictures as their names, HTML as
typed; what a numeric entity makes is cleaned like everything else. Long texts are read as Markdown only so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from tui.text import UNICODE, Glyphs, SafeText, blank, join, lines, literal, one_line, part, repeat, sanitize
from tui.transcript.blocks import EMPTY, Block, Grid, Line, Paragraph
from tui.transcript.patches import patch_ink
from tui.widgets.spans import Span, text_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from tui.theme.ink import Ink

READ_CHARACTERS = 12_000
"""What follows is shown as it is: a hostile text of this length takes 0.2 s to read, twice as much four times that."""
SHOWN_CHARACTERS = 64 * 1024
NESTING = 12
CODE_INDENT = Span(blank(2))
RULE_CELLS = 12
BREAK = Span(literal("\n"))
SPACE = Span(literal(" "))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"maxNesting": NESTING}).enable(["table", "strikethrough"])


@lru_cache(maxsize=1024)
def markdown(text: str, glyphs: Glyphs = UNICODE) -> tuple[Block, ...]:
    """The blocks of a text of any origin."""
    safe = sanitize(text.strip("\n"), max_chars=SHOWN_CHARACTERS)
    end = len(safe) if len(safe) <= READ_CHARACTERS else safe.rfind("\n", 0, READ_CHARACTERS) + 1 or READ_CHARACTERS
    head, rest = part(safe, 0, end), part(safe, end, len(safe))
    blocks = _spaced(_Reader(glyphs).read(_parser().parse(head)))
    return (*blocks, *(Paragraph((Span(line),)) for line in lines(rest) if rest))


class _Reader:
    """Walks the tokens once. `_before` holds what stands before the lines of each open quote or item."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._before: list[tuple[Line, Line]] = []
        self._counters: list[int | None] = []

    def read(self, tokens: list[Token]) -> Iterator[Block]:
        """The blocks of a document."""
        rows: list[list[Line]] = []
        numbers = set[int]()
        ink: Ink = "plain"
        for token in tokens:
            match token.type:
                case "heading_open":
                    ink = "title"
                case "heading_close":
                    ink = "plain"
                    yield EMPTY
                case "paragraph_close" if not token.hidden:
                    yield EMPTY
                case "tr_open":
                    rows.append([])
                case "th_open" if "right" in str(token.attrGet("style")):
                    numbers.add(len(rows[-1]))
                case "table_close":
                    yield Grid(tuple(tuple(row) for row in rows), self._placed(()).rest, frozenset(numbers))
                    yield EMPTY
                    rows.clear()
                    numbers.clear()
                case "inline" if rows:
                    rows[-1].append(_one_line(_inline(token, "strong" if len(rows) == 1 else "plain")))
                case "inline":
                    yield from self._paragraphs(_inline(token, ink))
                case _:
                    yield from self._other(token)

    def _other(self, token: Token) -> Iterator[Block]:
        match token.type:
            case "fence" | "code_block":
                yield from self._code(token)
            case "html_block":
                for line in lines(sanitize(token.content.rstrip("\n"))):
                    yield self._placed((Span(line, "muted"),))
                yield EMPTY
            case "hr":
                yield self._placed((Span(repeat(self._glyphs.rule, RULE_CELLS), "faint"),))
                yield EMPTY
            case "bullet_list_close" | "ordered_list_close":
                self._counters.pop()
                if not self._counters:
                    yield EMPTY
            case _:
                self._open_or_close(token)

    def _open_or_close(self, token: Token) -> None:
        match token.type:
            case "blockquote_open":
                bar = (Span(join((self._glyphs.gap, literal(" "))), "faint"),)
                self._before.append((bar, bar))
            case "bullet_list_open":
                self._counters.append(None)
            case "ordered_list_open":
                self._counters.append(int(token.attrGet("start") or 1))
            case "list_item_open":
                self._begin_item()
            case "list_item_close" | "blockquote_close":
                self._before.pop()
            case _:
                pass

    def _begin_item(self) -> None:
        number = self._counters[-1]
        mark = literal("- ")
        if number is not None:
            mark = sanitize(f"{number}. ")
            self._counters[-1] = number + 1
        self._before.append(((Span(mark, "accent"),), (Span(blank(len(mark))),)))

    def _code(self, token: Token) -> Iterator[Block]:
        is_patch = token.info.strip().lower() in {"diff", "patch"}
        for line in lines(sanitize(token.content.rstrip("\n"))):
            yield self._placed((Span(line, patch_ink(line) if is_patch else "code"),), CODE_INDENT)
        yield EMPTY

    def _paragraphs(self, spans: list[Span]) -> Iterator[Block]:
        """A paragraph for each line: agents break lines where they mean it."""
        for is_break, line in groupby(spans, key=lambda span: span is BREAK):
            if not is_break:
                yield self._placed(tuple(line))

    def _placed(self, spans: Line, indent: Span | None = None) -> Paragraph:
        """A paragraph behind the bars and bullets that are open; a bullet stands before its first line only."""
        more = () if indent is None else (indent,)
        first = tuple(span for before, _ in self._before for span in before)
        rest = tuple(span for _, after in self._before for span in after)
        self._before = [(after, after) for _, after in self._before]
        return Paragraph(spans, (*first, *more), (*rest, *more))


_INKS: dict[str, Ink] = {"strong": "strong", "em": "emphasis", "s": "faint", "link": "link"}


def _inline(token: Token, ink: Ink) -> list[Span]:
    """The spans of a paragraph; a line break is a span of its own."""
    spans: list[Span] = []
    inks: list[Ink] = [ink]
    links: list[tuple[str, int]] = []
    for child in token.children or ():
        name = child.type.removesuffix("_open").removesuffix("_close")
        match child.type:
            case "softbreak" | "hardbreak":
                spans.append(BREAK)
            case "code_inline":
                spans.append(Span(_clean(child.content), "code"))
            case "image":
                spans.append(Span(_clean(f"{child.content or 'picture'} ({child.attrGet('src')})"), "link"))
            case "link_close":
                inks.pop()
                spans += _target(*links.pop(), spans)
            case _ if child.type.endswith("_open"):
                inks.append(_INKS.get(name, inks[-1]))
                if name == "link":
                    links.append((str(child.attrGet("href") or ""), len(spans)))
            case _ if child.type.endswith("_close"):
                inks.pop()
            case _:
                spans.append(Span(_clean(child.content), inks[-1]))
    return [span for span in spans if span.text]


def _target(href: str, start: int, spans: list[Span]) -> list[Span]:
    """Where a link leads, unless that is what it says."""
    said = text_of(spans[start:])
    shown = _clean(href.removeprefix("mailto:"))
    return [] if not shown or shown == said else [Span(join((literal(" ("), shown, literal(")"))), "muted")]


def _clean(text: str) -> SafeText:
    """Clean again: entities and percent signs were decoded since."""
    return one_line(sanitize(text))


def _one_line(spans: list[Span]) -> Line:
    return tuple(SPACE if span is BREAK else span for span in spans)


def _spaced(blocks: Iterable[Block]) -> list[Block]:
    """Without empty lines at the ends, and never two of them."""
    spaced: list[Block] = []
    for block in blocks:
        if block != EMPTY or (spaced and spaced[-1] != EMPTY):
            spaced.append(block)
    while spaced and spaced[-1] == EMPTY:
        spaced.pop()
    return spaced
