"""Durations as people write them: `500ms`, `5s`, `2m`, `1h30m`, `3d`; a bare number is seconds."""

from __future__ import annotations

import re

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")


def parse_ms(text: str | float) -> int:
    """Milliseconds of a duration.

    Raises:
        ValueError: one sentence that says how durations are written.
    """
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return round(text * 1000)
    if isinstance(text, str):
        compact = text.replace(" ", "")
        if _WHOLE.fullmatch(compact):
            return round(sum(float(number) * _UNITS_MS[unit] for number, unit in _PART.findall(compact)))
        if re.fullmatch(r"\d+(?:\.\d+)?", compact):
            return round(float(compact) * 1000)
    raise ValueError(f"{text!r} is not a duration; write it like 500ms, 5s, 2m or 1h30m")
