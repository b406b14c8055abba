"""Making what an agent says fit for the log: without secrets, storable as JSON, and no larger than an event may be.

Total: whatever the agent sent, an event comes out. What is too long or too deep is cut, and says so where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import msgspec

from core.agents.redaction import Redactor
from core.events import Event, Payload

EVENT_BYTES = 200 * 1024  # encoded; an event may hold 256 KiB
TEXT_CHARACTERS = 64 * 1024  # of one text; in an event that is too large all the same a half of it, and so on
DEEPEST = 48  # levels of nesting; agents send JSON, and nobody reads more
CUT = " …[cut]"

_AS_THEY_ARE = (datetime,)


def fitting(event: Payload, redactor: Redactor) -> Payload:
    """The event as it may be appended."""
    if not isinstance(event, Event):
        return event
    fit = _clean(msgspec.to_builtins(event, builtin_types=_AS_THEY_ARE), redactor)
    longest = TEXT_CHARACTERS
    while len(msgspec.json.encode(fit)) > EVENT_BYTES:
        fit = _cut(fit, longest)
        longest //= 2
    return msgspec.convert(fit, type(event), builtin_types=_AS_THEY_ARE)


def _clean(value: object, redactor: Redactor, depth: int = 0) -> object:
    """The value without secrets and without what JSON cannot hold."""
    match value:
        case str():
            return _clean_text(value, redactor)
        case Mapping() | list() if depth > DEEPEST:
            return CUT
        case Mapping():
            entries = cast("Mapping[object, object]", value).items()
            return {_clean_text(str(key), redactor): _clean(inner, redactor, depth + 1) for key, inner in entries}
        case list():
            return [_clean(inner, redactor, depth + 1) for inner in cast("list[object]", value)]
        case _:
            return value


def _clean_text(text: str, redactor: Redactor) -> str:
    # Looking for secrets in megabytes would take a while. Twice what is kept, so that a secret which is cut here does
    # not survive the second cut.
    start = text[: 2 * TEXT_CHARACTERS]
    try:
        start.encode()
    except UnicodeEncodeError:  # half a character, as programs that cut texts by UTF-16 units send it
        start = start.encode("utf-8", "replace").decode()
    clean = redactor.text(start)
    return clean if len(text) == len(start) else clean[:TEXT_CHARACTERS] + CUT


def _cut(value: object, longest: int) -> object:
    """The value with no text, list or table longer than this."""
    match value:
        case str():
            return value if len(value) <= longest else value[:longest] + CUT
        case Mapping():
            entries = list(cast("Mapping[str, object]", value).items())[:longest]
            return {key: _cut(inner, longest) for key, inner in entries}
        case list():
            return [_cut(inner, longest) for inner in cast("list[object]", value)[:longest]]
        case _:
            return value
