"""Nothing harmful survives `tui.text`, and everything it measures is measured in cells."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui import text
from tui.text import ASCII, UNICODE, Glyphs, SafeText, clip, label, pad, rjust, sanitize

# What hides in text: pieces that are harmless alone and dangerous together.
PIECES = (
    "\x1b[2J", "\x1b]52;c;eA==\x07", "\x1b]8;;http://e\x1b\\", "\x9b31m", "\x9d0;x\x9c", "\x1bP", "\x1b", "[", "\x07",
    "\x1b\x1b]", "\u202e", "\U000e0041", "\x1b[", "\x1b]52;", "\r", "\r\n", "\0", "\x1b(0", "\x0e", "[/]", "\t", "\n",
    "[@click=app.quit]", "\u200d", "\ufe0f", "\U0001f3fb", "\u0301", "\u0301" * 9, "\u1161" * 9, "\U0001d167" * 9,
    "漢", "👍", "\u2028", "\x85", "\ud800", "\u20e3", "é", "가", "\u3000",
)  # fmt: skip
hostile = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.text(max_size=5),
        st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Me", "Co", "Zl", "Zp"]), max_size=8),
    ),
    max_size=30,
).map("".join)
safe = hostile.map(sanitize)
# Format characters that are drawn, such as the Arabic number sign.
DRAWN_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}


def harmful(char: str) -> bool:
    """Whether a terminal might act on the character, or a reader not see it."""
    category = unicodedata.category(char)
    return category in {"Cc", "Cs", "Zl", "Zp"} or (category == "Cf" and ord(char) not in DRAWN_FORMATS)


def one_line(value: SafeText) -> SafeText:
    return SafeText(value.replace("\n", " "))


@settings(max_examples=500, deadline=None)
@given(hostile)
def test_no_harmful_character_survives(value: str) -> None:
    result = sanitize(value)
    assert [char for char in result if harmful(char) and char != "\n"] == []
    assert [char for char in label(value) if harmful(char)] == []
    result.encode()


@settings(max_examples=300, deadline=None)
@given(hostile, st.integers(64, 200), st.integers(64, 300))
def test_sanitising_twice_changes_nothing_and_limits_hold(value: str, max_line: int, max_chars: int) -> None:
    result = sanitize(value * 20, max_line=max_line, max_chars=max_chars)
    assert len(result) <= max_chars
    assert max(map(len, result.split("\n"))) <= max_line
    assert sanitize(result, max_line=max_line, max_chars=max_chars) == result


@settings(max_examples=300, deadline=None)
@given(st.binary())
def test_bytes_of_any_kind_are_text(value: bytes) -> None:
    sanitize(value).encode()


@settings(max_examples=300, deadline=None)
@given(safe)
def test_a_base_carries_at_most_four_marks_and_no_mark_lacks_a_base(value: SafeText) -> None:
    for line in value.split("\n"):
        run = text.MAX_MARKS
        for char in line:
            zero = unicodedata.category(char) in {"Mn", "Me"}
            assert not zero or run < text.MAX_MARKS
            run = run + 1 if zero else 0


@settings(max_examples=300, deadline=None)
@given(safe)
def test_the_width_of_safe_text_is_the_sum_of_its_characters(value: SafeText) -> None:
    assert cell_len(value) == sum(map(cell_len, value))


@settings(max_examples=300, deadline=None)
@given(hostile, st.integers(0, 60), st.sampled_from([UNICODE, ASCII]))
def test_a_label_fits_its_width_on_one_line_and_is_stable(value: str, width: int, glyphs: Glyphs) -> None:
    result = label(value, width, glyphs)
    assert cell_len(result) <= width
    assert "\n" not in result
    assert label(result, width, glyphs) == result


@settings(max_examples=300, deadline=None)
@given(safe.map(one_line), st.integers(0, 40))
def test_clipping_and_padding_are_exact_in_cells(value: SafeText, cells: int) -> None:
    assert cell_len(clip(value, cells)) <= cells
    assert cell_len(pad(value, cells)) == cells
    assert cell_len(rjust(value, cells)) == cells
    if cell_len(value) <= cells:
        assert clip(value, cells) == value


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=32), max_size=40), st.integers(0, 30), st.floats())
def test_drawings_have_exactly_their_width(values: list[float], width: int, fraction: float) -> None:
    assert cell_len(text.sparkline(values, width)) == width
    assert cell_len(text.bar(fraction, width)) == width


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 10**6), max_size=8), st.integers(0, 60))
def test_apportioned_cells_add_up_and_the_rare_stay_visible(weights: list[int], cells: int) -> None:
    shares = text.apportion(weights, cells)
    assert sum(shares) == (cells if sum(weights) else 0)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if not weight)
    if cells >= sum(weight > 0 for weight in weights):
        assert all(share > 0 for share, weight in zip(shares, weights, strict=True) if weight)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://e\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;eA==", "52;c;eA=="),  # no end: hiding the rest of the line would be worse than the litter
        ("\x9b31mred", "red"),
        ("a\r\nb\r", "a\nb"),
        ("10%\r20%", "10%␍20%"),
        ("a\tb", "a   b"),
        ("rm\u202etxt", "rm<U+202E>txt"),
        ("a\u200bb\U000e0041c", "abc"),
        ("bell\x07 del\x7f c1\x81", "bell␇ del␡ c1\ufffd"),
        ("[/] [@click=app.bell]", "[/] [@click=app.bell]"),
        ("o" + "\u0301" * 10, "o" + "\u0301" * 4),
        ("\u0301a", "a"),
    ],
)
def test_each_kind_of_trick_has_one_answer(raw: str, clean: str) -> None:
    assert sanitize(raw) == clean


def test_a_cut_says_so() -> None:
    assert sanitize("x" * 200, max_line=100) == "x" * 68 + " …[+132 chars]"
    assert sanitize("x\n" * 100, max_chars=64).endswith("\n…[truncated]")
    assert label("x" * 10_000_000, 5) == "xxxx…"
    assert label("\x1b[0m" * 1000 + "x", 5) == "…"


@pytest.mark.parametrize("unit", ["\0", "\x9d", "\x1b]", "\x1b[0", "a\u0301", "\u0301", "\t", "\r", "\u202e"])
def test_hostile_megabytes_take_linear_time(unit: str) -> None:
    # The suite's timeout is the bound: quadratic patterns would need hours for this.
    for hostile_text in (unit * (1 << 20), "a" + unit * (1 << 19) + "x", unit * (1 << 18) + "\n"):
        assert len(sanitize(hostile_text, max_chars=1 << 20)) <= 1 << 20


SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (-5, "0s"), (999, "0s"), (9 * SECOND, "9s"), (59_999, "59s"), (2 * MINUTE + 14 * SECOND, "2m14s"),
        (HOUR - 1, "59m59s"), (HOUR + 2 * MINUTE, "1h02m"), (3 * DAY + 4 * HOUR, "3d04h"), (412 * DAY, "412d"),
    ],
)  # fmt: skip
def test_ages_show_two_units(ms: int, shown: str) -> None:
    assert text.ago(ms) == shown
    assert len(shown) <= text.AGO_CELLS


def test_durations_are_finer_when_short() -> None:
    assert [text.duration(ms) for ms in (0, 740, 1250, 9999, 10_000, 61_000)] == [
        "0ms", "740ms", "1.2s", "9.9s", "10s", "1m01s",
    ]  # fmt: skip


def test_numbers_are_grouped_or_compact() -> None:
    assert text.count(1_204_311) == "1,204,311"
    compact = {999: "999", 1204: "1.2k", 12_345: "12.3k", 99_951: "100k", 999_499: "999k", 999_500: "1.0M"}
    assert {number: text.count(number, compact=True) for number in compact} == compact
    assert [text.bytes_(n) for n in (0, 512, 2_900, 4_100_000)] == ["0 B", "512 B", "2.9 kB", "4.1 MB"]
    assert [text.money(n) for n in (0, 3_100, 4_180_000, 1_204_500_000)] == ["$0.00", "$0.0031", "$4.18", "$1,204.50"]


def test_times_are_shown_in_the_zone_they_are_in() -> None:
    at = datetime(2025, 11, 21, 14, 32, 5, 62_900, tzinfo=UTC)
    assert [text.clock_time(at, style) for style in ("minute", "time", "millis", "full")] == [
        "14:32", "14:32:05", "14:32:05.062", "2025-11-21 14:32:05",
    ]  # fmt: skip


def test_drawings() -> None:
    assert text.sparkline([0, 1, 2, 4, 8], 7) == "  ▁▁▂▄█"
    assert text.sparkline([0, 1, 8], 3, ASCII) == "..#"
    assert text.bar(0.5, 9) == "████▌░░░░"
    assert text.bar(0.5, 8, ASCII) == "####...."
    assert (text.bar(0, 3), text.bar(0.0001, 3), text.bar(0.9999, 3), text.bar(1, 3)) == ("░░░", "▏░░", "██▉", "███")
    assert text.apportion([14, 3, 2, 1, 187], 38) == (2, 1, 1, 1, 33)


def test_glyphs_are_one_cell_and_from_the_sets_every_terminal_agrees_on() -> None:
    for glyphs, permitted in ((UNICODE, "█▁○◆▲⑂⚑✗…·↵"), (ASCII, "")):
        for char in "".join(glyphs):
            in_set = 0x2190 <= ord(char) <= 0x21FF or 0x2500 <= ord(char) <= 0x25FF or 0x2800 <= ord(char) <= 0x28FF
            assert cell_len(char) == 1
            assert char.isascii() or (glyphs is UNICODE and (in_set or char in permitted))


def test_the_room_knows_no_textual() -> None:
    code = "import sys, tui.text; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
