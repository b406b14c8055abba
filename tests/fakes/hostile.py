"""What agents print when they mean harm, and what of it must never reach a terminal."""

from __future__ import annotations

HOSTILE = (
    "\x1b]0;PWNED\x07title",
    "\x1b]52;c;UFdORUQ=\x07clipboard",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[1;1Hgone",
    "\x1bP1$r0m\x1b\\dcs \x1b_apc\x1b\\ \x1b^pm\x1b\\",
    "\x9b31mred \x9d0;PWNED\x9c c1",
    "[/] [/nope] [@click=app.bell]click[/] [bold red]",
    "[@click=app.bell('x')]",
    "rm -rf /\u202egnp.x\u2066\u200f",
    "a\u200bb\u200dc\ufeff\U000e0041\U000e0042",
    "back\b\b\bspace\rreturn\x0b\x0c\x00nul\x7f",
    "line one\nline two\n\n\ttab",
    "z" + "\u0301" * 400,
    "漢字👍🏽👨\u200d👩\u200d👧1\ufe0f\u20e3",
    "\ud800 lone",
    "x" * 100_000,
    "\x1b" * 5_000,
)

HARMFUL = (
    b"\x1b]0;", b"\x1b]52;", b"\x1b]8;", b"\x1b[2J\x1b[1;1Hgone", b"\x1bP1$r", b"\x1b_apc",
    b"\x07", b"\x08", b"\x00", b"\x7f", "\x9b".encode(), "\x9d".encode(), "\u202e".encode(), "\u2066".encode(),
    "\u200b".encode(), "\u200d".encode(), "\ufeff".encode(), "\U000e0041".encode(),
)  # fmt: skip
"""What must never reach a terminal."""
