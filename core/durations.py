"""Durations as people write them: `500ms`, `5s`, `2m`, `1h30m`, `3d`; a bare number is seconds."""

from __future__ import annotations

import math
import re

LONGEST_MS = 100 * 365 * 86_400_000
"""Longer ones would end after the last day of the calendar."""

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")


def parse_ms(text: str | float) -> int:
    """Milliseconds of a duration.

    Raises:
        ValueError: one sentence that says how durations are written.
    """
    if (milliseconds := _milliseconds(text)) > LONGEST_MS:
        raise ValueError(f"{text!r} is too long a duration; the longest is 100 years")
    return round(milliseconds)


def _milliseconds(text: str | float) -> float:
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < math.inf:
        return text * 1000
    if isinstance(text, str):
        compact = text.replace(" ", "")
        if _WHOLE.fullmatch(compact):
            return sum(float(number) * _UNITS_MS[unit] for number, unit in _PART.findall(compact))
        if re.fullmatch(r"\d+(?:\.\d+)?", compact):
            return float(compact) * 1000
    raise ValueError(f"{text!r} is not a duration; write it like 500ms, 5s, 2m or 1h30m")


def written_ms(milliseconds: int) -> str:
    """The duration as people write it; `parse_ms` reads it back."""
    parts: list[str] = []
    for unit, size in sorted(_UNITS_MS.items(), key=lambda item: -item[1]):
        number, milliseconds = divmod(milliseconds, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
