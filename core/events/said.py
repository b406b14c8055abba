"""What an event says: every text in its payload, and whether words occur in it.

The log answers the same question in SQL (see `core.log.filters`); letters of ASCII match in either case, others as
they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import msgspec

from core.events.agent import AgentOutput
from core.events.envelope import Payload, UnknownEvent


def said(payload: Payload) -> str:
    """Every text in the payload, one to a line; names of fields are none, nor is the channel it came by.

    Records of a protocol as they were sent say nothing: what they tell is in other events.
    """
    if isinstance(payload, AgentOutput) and payload.is_raw:
        return ""
    if isinstance(payload, UnknownEvent):
        try:
            content = msgspec.json.decode(payload.raw)
        except (msgspec.MsgspecError, RecursionError):
            return payload.raw
    else:
        content = msgspec.to_builtins(payload)
    if isinstance(content, dict):
        content = {key: value for key, value in cast("dict[object, object]", content).items() if key != "channel"}
    return "\n".join(_texts(content))


def says(payload: Payload, words: Iterable[str]) -> bool:
    """Whether all of the words occur in what the payload says."""
    text = _any_case(said(payload))
    return all(_any_case(word) in text for word in words)


def around(payload: Payload, words: Iterable[str], *, lead: int = 30, characters: int = 300) -> str:
    """So many characters of what the payload says, from at most `lead` before the first of the words on.

    They begin with the line when that begins no further away, else with `…`.
    """
    text = said(payload)
    plain = _any_case(text).decode("utf-8", "surrogatepass")  # as many characters: only letters of ASCII differ
    found = [plain.find(_any_case(word).decode("utf-8", "surrogatepass")) for word in words]
    at = min((place for place in found if place >= 0), default=0)
    start = max(0, at - lead)
    line = text.rfind("\n", start - 1 if start else 0, at) + 1
    if line or not start:
        return text[line:][:characters]
    return "…" + text[start:][:characters]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[object, object]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[object]", value):
            yield from _texts(inner)


def _any_case(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").lower()  # of bytes, this changes ASCII only
