"""Markdown as agents write it: what it becomes on a screen of a given width, and what it can never do."""

from __future__ import annotations

import unicodedata

import pytest
from fakes.hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.transcript.blocks import broken, plain
from tui.transcript.markdown import READ_CHARACTERS, markdown
from tui.widgets.spans import Span, width_of


def shown(text: str, width: int = 60) -> str:
    return plain(broken(markdown(text), width))


def inks(text: str) -> dict[str, str]:
    return {span.text: span.ink for line in broken(markdown(text), 80) for span in line if span.text.strip()}


def test_words_are_emphasised_by_ink() -> None:
    assert inks("a *b* **c** `d` ~~e~~ [f](http://g.example)") == {
        "a ": "plain", "b": "emphasis", "c": "strong", "d": "code", "e": "faint", "f": "link",
        " (http://g.example)": "muted",
    }  # fmt: skip


def test_headings_are_titles() -> None:
    assert inks("# One\ntext\n\nTwo\n---\n") == {"One": "title", "text": "plain", "Two": "title"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\n\n\n\ntwo\n\n", "one\n\ntwo"),
        ("- a\n- b\n  - c\n\nd", "- a\n- b\n  - c\n\nd"),
        ("3. a\n4. b\n   more", "3. a\n4. b\n   more"),
        ("> a\n> b", "┊ a\n┊ b"),
        ("> - a\n>   b", "┊ - a\n┊   b"),
        ("```py\nif x:\n    y\n```\nz", "  if x:\n      y\n\nz"),
        ("- a\n  ```\n  b\n  ```", "- a\n    b"),
        ("a\n\n---\n\nb", "a\n\n────────────\n\nb"),
        ("<b>x</b>\n\n<script>alert(1)</script>", "<b>x</b>\n\n<script>alert(1)</script>"),
        ("![a cat](cat.png)", "a cat (cat.png)"),
        ("<http://a.example>", "http://a.example"),
        ("- [ ] open\n- [x] done", "- [ ] open\n- [x] done"),
        ("", ""),
    ],
)
def test_blocks_stand_where_they_belong(text: str, lines: str) -> None:
    assert shown(text) == lines


def test_long_lines_hang_below_their_bullet() -> None:
    assert shown("- one two three four five", 16) == "- one two three\n  four five"


def test_a_table_keeps_its_columns_and_numbers_stand_right() -> None:
    assert shown("| a | n |\n|---|--:|\n| bb | 5 |\n| c | 100 |") == "a     n\nbb    5\nc   100"


def test_a_table_too_wide_for_the_screen_becomes_lists() -> None:
    assert shown("| name | what |\n|---|---|\n| x | long words here |", 14) == "name: x\nwhat: long\n  words here\n"


def test_a_patch_is_coloured() -> None:
    assert inks("```diff\n@@ -1 +1 @@\n-old\n+new\n```") == {
        "@@ -1 +1 @@": "accent",
        "-old": "removed",
        "+new": "added",
    }


def test_markup_and_actions_are_words() -> None:
    assert shown("[@click=app.bell]click[/] [bold red]x[/]") == "[@click=app.bell]click[/] [bold red]x[/]"


@pytest.mark.parametrize("entity", ["&#27;[2J", "&#x1b;]0;x&#7;", "&#x202e;abc", "&#8203;", "&#x9b;31m"])
def test_an_entity_cannot_bring_back_what_cleaning_took_away(entity: str) -> None:
    for text in (entity, f"`{entity}`", f"[a]({entity})", f"[a](http://x/%1b%5b2J{entity})", f"| {entity} |\n|---|\n"):
        assert harmful(shown(text)) == []


def test_what_is_too_long_to_be_read_as_markdown_is_still_shown() -> None:
    text = "a *b*\n\n" * (READ_CHARACTERS // 7) + "the *end*"
    assert shown(text).endswith("the *end*")


def harmful(text: str) -> list[str]:
    return [char for char in text.replace("\n", "") if unicodedata.category(char) in {"Cc", "Cf", "Cs"}]


PIECES = [*HOSTILE[:-2], "# ", "- ", "1. ", "> ", "```\n", "|a|b|\n|-|-|\n", "**", "`", "[", "](", "\n", "\n\n", "    "]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join), st.integers(1, 90))
def test_any_text_fits_its_width_and_is_harmless(text: str, width: int) -> None:
    for line in broken(markdown(text), width):
        assert harmful("".join(span.text for span in line)) == []
        # A single wide character may be wider than the narrowest screen.
        assert width_of(line) <= max(width, 2)


def test_every_span_is_one_line() -> None:
    for text in HOSTILE:
        assert all(cell_len(span.text) >= 0 and "\n" not in span.text for span in spans(text))


def spans(text: str) -> list[Span]:
    return [span for line in broken(markdown(text), 40) for span in line]
