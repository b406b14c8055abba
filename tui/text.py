"""Text on its way to the terminal: made harmless, measured in cells, and formatted.

Invariant: a `SafeText` holds no control, bidirectional, invisible or tag character (`sanitize` keeps newlines), and its
width is the sum of the widths of its characters, so that clipping and padding never miscount.

Forbidden here: Textual, clocks, I/O. Forbidden elsewhere: making a `SafeText` without this module.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Literal, LiteralString, NamedTuple, NewType

from rich.cells import cell_len, get_character_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

SafeText = NewType("SafeText", str)
"""Text that cannot harm a terminal. Widgets accept nothing else."""

MAX_LINE = 4096  # nobody reads a longer line on a screen, and laying one out would stop the others
MAX_CHARS = 1 << 20
MAX_MARKS = 4  # real scripts stack three; more is an attack on the rows above and below
TAB_CELLS = 4
AGO_CELLS = 6
"""The widest `ago` of the first hundred days: align columns to it."""


def literal(text: LiteralString) -> SafeText:
    """Text typed in this program's own source; the type checker refuses anything else."""
    return SafeText(text)


class Glyphs(NamedTuple):
    """Every glyph the screen draws, each one cell wide in every terminal we know."""

    ellipsis: SafeText = literal("…")
    newline: SafeText = literal("↵")
    dot: SafeText = literal("·")
    cursor: SafeText = literal("▌")
    busy: SafeText = literal("●")
    waiting: SafeText = literal("◐")
    idle: SafeText = literal("○")
    failure: SafeText = literal("✗")
    checkpoint: SafeText = literal("◆")
    fork: SafeText = literal("⑂")
    bookmark: SafeText = literal("⚑")
    hit: SafeText = literal("/")
    playhead: SafeText = literal("▲")
    up: SafeText = literal("▲")
    down: SafeText = literal("▼")
    left: SafeText = literal("◀")
    right: SafeText = literal("▶")
    arrow: SafeText = literal("→")
    gap: SafeText = literal("┊")
    rule: SafeText = literal("─")
    rule_ahead: SafeText = literal("╌")
    tick: SafeText = literal("┼")
    start: SafeText = literal("├")
    end: SafeText = literal("┤")
    levels: SafeText = literal(" ▁▂▃▄▅▆▇█")
    eighths: SafeText = literal("▏▎▍▌▋▊▉█")
    empty: SafeText = literal("░")
    step: SafeText = literal("▰")
    step_empty: SafeText = literal("▱")
    folded: SafeText = literal("▸")
    unfolded: SafeText = literal("▾")


UNICODE = Glyphs()
ASCII = Glyphs(
    ellipsis=literal(">"),
    newline=literal("|"),
    dot=literal("-"),
    cursor=literal("|"),
    busy=literal("*"),
    waiting=literal("?"),
    idle=literal("o"),
    failure=literal("x"),
    checkpoint=literal("c"),
    fork=literal("Y"),
    bookmark=literal("b"),
    hit=literal("/"),
    playhead=literal("^"),
    up=literal("^"),
    down=literal("v"),
    left=literal("<"),
    right=literal(">"),
    arrow=literal(">"),
    gap=literal(":"),
    rule=literal("-"),
    rule_ahead=literal("."),
    tick=literal("+"),
    start=literal("+"),
    end=literal("+"),
    levels=literal(" ._-=+*%#"),
    eighths=literal("#"),
    empty=literal("."),
    step=literal("#"),
    step_empty=literal("."),
    folded=literal("+"),
    unfolded=literal("-"),
)


# Whole sequences go, so that no `[31m` litter stays behind. This is cosmetics: what makes text safe are the classes
# below. Shapes are ECMA-48's; a string sequence without its end, or across lines, is not removed: it would hide text.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f\n]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,2}[0-~]?"
)
_PLAIN = re.compile(r"[\n -~]*+")
_LINE_BREAK = re.compile("[\u0085\u2028\u2029]")
_RETURN = re.compile(r"(?<!\r)\r++(?=\n|\Z)")  # from the first of many only: any later start would be quadratic
# Joiners, variation selectors and skin tones are among them: terminals disagree about the width of what they make.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff"
    "\U000e0000-\U000e0fff]+"
)
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_REPLACED = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_REPLACEMENT = (
    {code: 0x2400 + code for code in range(0x20) if code not in {0x09, 0x0A}}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF), 0xFFFD)
    | {code: f"<U+{code:04X}>" for code in _BIDI}
)


class _Marks:
    """Combining marks: too many on one base, or without a base. Built on first use: it costs some 10 ms."""

    def __init__(self) -> None:
        marks = {code for code in range(0x300, 0x1F000) if unicodedata.category(chr(code)) in {"Mn", "Me"}}
        marks |= {*range(0x1160, 0x1200), *range(0xD7B0, 0xD800)}  # vowels and finals of decomposed Korean
        starts = sorted(code for code in marks if code - 1 not in marks)
        ends = sorted(code for code in marks if code + 1 not in marks)
        spans = [f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True)]
        basic = "".join(span for span in spans if span[-1] <= "\uffff")
        mark = f"[{''.join(spans)}]"
        # A class with astral characters is fifty times slower than one without, so most text must not meet it.
        self._suspects = re.compile(f"[{basic}]"), re.compile("[\U00010000-\U0001efff]")
        self._surplus = re.compile(f"({mark}{{{MAX_MARKS}}}){mark}+")
        self._orphans = re.compile(f"(?m)^{mark}+")

    def trimmed(self, text: str) -> str:
        """At most `MAX_MARKS` on each base, and none at the start of a line."""
        if not any(suspect.search(text) for suspect in self._suspects):
            return text
        return self._orphans.sub("", self._surplus.sub(r"\1", text))


_marks = cache(_Marks)


def sanitize(text: str | bytes, *, max_line: int = MAX_LINE, max_chars: int = MAX_CHARS) -> SafeText:
    """Make text of any origin harmless; lines are kept, tabs become spaces.

    Escape sequences and invisible characters vanish, other controls become visible pictures, bidirectional ones
    `<U+202E>`. Longer lines and texts are cut, and the cut says so. Idempotent for the same limits.

    Args:
        text: Bytes are read as UTF-8, errors replaced.
        max_line: Characters of one line, including the note about the cut; at least 64.
        max_chars: Characters of all of it, likewise.
    """
    if isinstance(text, bytes):
        text = text[: 4 * max_chars + 4].decode("utf-8", "replace")
    cut = len(text) > max_chars
    text = text[:max_chars]
    if not _PLAIN.fullmatch(text):
        text = _clean(text)
    if len(text) > max_line:
        text = "\n".join(_capped(line, max_line) for line in text.split("\n"))
    if cut or len(text) > max_chars:
        note = "\n…[truncated]"
        text = text[: max_chars - len(note)] + note
    return SafeText(text)


def _clean(text: str) -> str:
    text = _RETURN.sub("", _LINE_BREAK.sub("\n", text))
    text = _INVISIBLE.sub("", _SEQUENCE.sub("", text))
    if _REPLACED.search(text):
        text = text.translate(_REPLACEMENT)
    text = text.expandtabs(TAB_CELLS)
    return text if text.isascii() else _marks().trimmed(text)


def _capped(line: str, limit: int) -> str:
    if len(line) <= limit:
        return line
    kept = limit - 32
    return f"{line[:kept]} …[+{len(line) - kept} chars]"


def label(text: str | bytes, width: int = 80, glyphs: Glyphs = UNICODE) -> SafeText:
    """Make text of any origin harmless, on one line of at most `width` cells, without spaces at its end."""
    head = text[: 8 * width + 64]  # enough for a base and its marks in every cell
    # Leading spaces stay: a mark after them would lose its base.
    line = sanitize(head).lstrip("\n").rstrip().replace("\n", glyphs.newline)
    if len(text) > len(head):
        line += glyphs.ellipsis
    return clip(SafeText(line), width, glyphs)


def join(parts: Iterable[SafeText], between: LiteralString = "") -> SafeText:
    """Safe parts make a safe whole."""
    return SafeText(between.join(parts))


def clip(text: SafeText, cells: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """Cut one line to at most `cells` cells; a cut line ends in an ellipsis."""
    if cells <= 0:
        return SafeText("")
    return text if _fits(text, cells) else SafeText(text[: fitting(text, cells - 1)] + glyphs.ellipsis)


def _fits(text: str, cells: int) -> bool:
    # A base and its marks are at most five characters, so a long text need not be measured to be too wide.
    return len(text) <= (1 + MAX_MARKS) * cells and cell_len(text) <= cells


def fitting(text: SafeText, cells: int) -> int:
    """How many characters of one line fit into so many cells."""
    if text[: cells + 1].isascii():  # and no mark follows the last one
        return min(len(text), cells)
    used = 0
    for index, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > cells:
            return index
    return len(text)


def one_line(text: SafeText, glyphs: Glyphs = UNICODE) -> SafeText:
    """The same text with its line breaks drawn."""
    return SafeText(text.replace("\n", glyphs.newline)) if "\n" in text else text


def lines(text: SafeText) -> list[SafeText]:
    """The lines of a text."""
    return [SafeText(line) for line in text.split("\n")]


def part(text: SafeText, start: int, end: int) -> SafeText:
    """The characters from `start` up to `end`."""
    return SafeText(text[start:end])


def chars(text: SafeText) -> tuple[SafeText, ...]:
    """The characters of safe text, each as safe as all of it."""
    return tuple(SafeText(char) for char in text)


def repeat(text: SafeText, times: int) -> SafeText:
    """The same again and again."""
    return SafeText(text * times)


def blank(cells: int) -> SafeText:
    """Nothing, `cells` wide."""
    return SafeText(" " * cells)


def pad(text: SafeText, cells: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """Exactly `cells` cells: clipped, or filled on the right."""
    text = clip(text, cells, glyphs)
    return SafeText(text + " " * (cells - cell_len(text)))


def rjust(text: SafeText, cells: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """Exactly `cells` cells: clipped, or filled on the left."""
    text = clip(text, cells, glyphs)
    return SafeText(" " * (cells - cell_len(text)) + text)


_UNITS = "kMGTPE"
TimeStyle = Literal["minute", "time", "millis", "day", "full"]
_TIME_FORMATS: dict[TimeStyle, str] = {
    "minute": "%H:%M", "time": "%H:%M:%S", "day": "%m-%d %H:%M", "full": "%Y-%m-%d %H:%M:%S",
}  # fmt: skip


def ago(ms: float) -> SafeText:
    """An age in its two largest units: `9s`, `2m14s`, `1h02m`, `3d04h`. A time to come is `0s`: clocks jump."""
    seconds = max(0, int(ms // 1000))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return SafeText(f"{seconds}s")
    if not hours:
        return SafeText(f"{minutes}m{seconds % 60:02}s")
    if not days:
        return SafeText(f"{hours}h{minutes % 60:02}m")
    return SafeText(f"{days}d{hours % 24:02}h" if days < 100 else f"{days}d")


def roughly(ms: float) -> SafeText:
    """A length of time in the unit that says most in two digits: `45s`, `90m`, `9h`, `3d`."""
    seconds = max(0, ms / 1000)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 1.95 * size or abs(seconds - size) <= size / 60:
            return SafeText(f"{round(seconds / size)}{unit}")
    return SafeText(f"{round(seconds)}s")


def duration(ms: float) -> SafeText:
    """How long something took: like `ago`, finer below ten seconds (`740ms`, `1.2s`)."""
    if ms < 1000:
        return SafeText(f"{max(0, int(ms))}ms")
    return SafeText(f"{int(ms // 100) / 10:.1f}s") if ms < 10_000 else ago(ms)


def count(number: int, *, compact: bool = False) -> SafeText:
    """`1,204,311`, or when compact at most five cells: `999`, `1.2k`, `12.3k`, `120k`, `1.2M`."""
    if not compact or abs(number) < 1000:
        return SafeText(f"{number:,}")
    size, unit = number / 1000, 0
    while abs(size) >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return SafeText(f"{size:.0f}{_UNITS[unit]}" if abs(size) >= 99.95 else f"{size:.1f}{_UNITS[unit]}")


def bytes_(number: int) -> SafeText:
    """A size in decimal units: `512 B`, `2.9 kB`, `4.1 MB`."""
    digits = count(number, compact=True)
    return SafeText(f"{digits[:-1]} {digits[-1]}B" if digits[-1].isalpha() else f"{digits} B")


def money(usd_micros: int) -> SafeText:
    """Millionths of a dollar: `$4.18`, and below a cent `$0.0031`."""
    dollars = usd_micros / 1_000_000
    return SafeText(f"${dollars:.4f}" if 0 < abs(usd_micros) < 10_000 else f"${dollars:,.2f}")


def clock_time(at: datetime, style: TimeStyle = "time") -> SafeText:
    """`14:32`, `14:32:05`, `14:32:05.062`, `11-20 14:32` or with its whole date, in the zone `at` is in."""
    if style == "millis":
        return SafeText(f"{at:%H:%M:%S}.{at.microsecond // 1000:03}")
    return SafeText(at.strftime(_TIME_FORMATS[style]))


def level(value: float, peak: float, steps: int) -> int:
    """The step of 0…`steps` for a value on a linear scale; anything above zero is at least 1."""
    if not value > 0 or not peak > 0:  # not-a-number is nothing, too
        return 0
    return max(1, round(min(value / peak, 1.0) * steps)) if value < peak else steps


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """The latest `width` values, newest right, scaled to their own peak."""
    shown = values[-width:] if width > 0 else ()
    peak, ramp = max(shown, default=0.0), glyphs.levels[1:]
    line = "".join(ramp[max(0, level(value, peak, len(ramp)) - 1)] for value in shown)
    return SafeText(line.rjust(max(0, width)))


def bar(fraction: float, cells: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """A progress bar of exactly `cells` cells; full only when `fraction` is 1, empty only when it is 0."""
    if cells <= 0:
        return SafeText("")
    steps = len(glyphs.eighths)
    filled = level(fraction, 1.0, cells * steps)
    if fraction < 1:
        filled = min(filled, cells * steps - 1)
    whole, part = divmod(filled, steps)
    line = glyphs.eighths[-1] * whole + (glyphs.eighths[part - 1] if part else "")
    return SafeText(line.ljust(cells, glyphs.empty))


def apportion(weights: Sequence[int], cells: int) -> tuple[int, ...]:
    """Share `cells` among the weights: the sum is exact, and while there is room no weight above zero gets nothing."""
    total = sum(weights)
    if total <= 0 or cells <= 0:
        return (0,) * len(weights)
    shares = [weight * cells // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] > 0, -(weights[i] * cells % total), i))
    for i in [i for i in by_remainder if weights[i]][: cells - sum(shares)]:
        shares[i] += 1
    for i in [i for i, weight in enumerate(weights) if weight and not shares[i]]:
        largest = shares.index(max(shares))
        if shares[largest] > 1:
            shares[largest], shares[i] = shares[largest] - 1, 1
    return tuple(shares)
