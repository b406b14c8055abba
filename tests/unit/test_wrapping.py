"""Lines are broken where they do not fit, and nothing but spaces is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.text import literal
from tui.widgets.spans import Span, text_of, width_of
from tui.widgets.wrapping import wrap, wrap_hanging

WORDS = st.lists(st.sampled_from(["a", "word", "longer-word", "日本", "  "]), max_size=12)


def line_of(text: str) -> tuple[Span, ...]:
    return (Span(literal(text)),)  # pyright: ignore[reportArgumentType]  these tests choose the text


@given(WORDS, st.integers(4, 30))
def test_every_line_fits_and_only_spaces_are_lost(words: list[str], width: int) -> None:
    line = line_of(" ".join(words))
    for broken in (wrap(line, width), wrap_hanging(line, width)):
        assert all(width_of(part) <= width for part in broken)
        assert "".join(text_of(part) for part in broken).replace(" ", "") == text_of(line).replace(" ", "")


def test_spaces_at_the_end_make_no_line_of_their_own() -> None:
    for broken in (wrap(line_of("exactly it  "), 10), wrap_hanging(line_of("exactly it  "), 10)):
        assert [text_of(part) for part in broken] == ["exactly it"]
