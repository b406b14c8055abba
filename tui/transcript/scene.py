"""What drawing an entry depends on beside the entry, and the few parts that all drawings share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tui.text import UNICODE, Glyphs, SafeText, blank, join, label, lines, literal, sanitize
from tui.theme.ink import Ink
from tui.transcript.blocks import Block, Headline, Paragraph
from tui.widgets.spans import Span

WIDE = 400
INDENT = Span(blank(2))
GAP = Span(literal(" "))


@dataclass(frozen=True, slots=True)
class Scene:
    """What entries that go on depend on."""

    now_us: int
    live: bool
    glyphs: Glyphs = UNICODE
    keys: tuple[tuple[str, str], ...] = ()
    """Kinds of permission options and the keys that choose them here."""
    titles: tuple[tuple[str, str], ...] = ()
    """Tasks by id, to name the attempts."""


def fold_mark(scene: Scene, *, is_open: bool) -> Span:
    """What stands before an entry that can be opened."""
    return Span(join((scene.glyphs.unfolded if is_open else scene.glyphs.folded, literal(" "))), "faint")


def indented(blocks: Iterable[Block], times: int = 1) -> Iterator[Block]:
    """The blocks, further right."""
    more = (INDENT,) * times
    for block in blocks:
        match block:
            case Paragraph():
                yield Paragraph(block.spans, (*more, *block.first), (*more, *block.rest))
            case Headline():
                yield Headline((*more, *block.left), block.right)
            case _:
                yield block._replace(before=(*more, *block.before))


def as_typed(text: str, ink: Ink = "plain") -> list[Paragraph]:
    """A paragraph for each line of a text of any origin."""
    return [Paragraph((Span(line, ink),)) for line in lines(sanitize(text.strip("\n")))]


def one_of(text: str) -> SafeText:
    """A text of any origin on one line."""
    return label(text, WIDE)
