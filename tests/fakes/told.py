"""Records of the Agent Client Protocol, as a test tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.agents.decoding import Decoded, Decoder, Outcome
from core.events import Payload

FIXTURES = Path(__file__).parent.parent / "fixtures"


def recording(name: str) -> list[dict[str, object]]:
    """The records of a recording."""
    return [json.loads(line) for line in (FIXTURES / f"{name}.jsonl").read_text().splitlines()]


def steps(decoder: Decoder, records: Iterable[dict[str, object]]) -> Iterator[Decoded]:
    """What each record adds, and what is left at the end."""
    state = decoder.start()
    for record in records:
        state, decoded = decoder.step(state, record)
        yield decoded
    yield decoder.end(state)


def decode(decoder: Decoder, records: Iterable[dict[str, object]]) -> tuple[list[Payload], Outcome | None]:
    """All events, and the last outcome."""
    events: list[Payload] = []
    outcome = None
    for decoded in steps(decoder, records):
        events += decoded.events
        outcome = decoded.outcome or outcome
    return events, outcome


def said(direction: str, **message: object) -> dict[str, object]:
    """A record."""
    return {"dir": direction, "msg": {"jsonrpc": "2.0", **message}}


def asked(method: str, number: int, **params: object) -> dict[str, object]:
    """We asked the agent."""
    return said("outgoing", id=number, method=method, params=params)


def answered(number: int, **result: object) -> dict[str, object]:
    """It answered."""
    return said("incoming", id=number, result=result)


def refused(number: int, code: int, message: str) -> dict[str, object]:
    """It answered with an error."""
    return said("incoming", id=number, error={"code": code, "message": message})


def update(kind: str, **fields: object) -> dict[str, object]:
    """It told something."""
    return said(
        "incoming", method="session/update", params={"sessionId": "s", "update": {"sessionUpdate": kind, **fields}}
    )


def chunk(text: str, message_id: str | None = None, *, kind: str = "agent_message_chunk") -> dict[str, object]:
    """It said a piece of a message."""
    named = {} if message_id is None else {"messageId": message_id}
    return update(kind, content={"type": "text", "text": text}, **named)


OPENING = [
    asked("initialize", 0, protocolVersion=1),
    answered(0, protocolVersion=1),
    asked("session/new", 1, cwd="/", mcpServers=[]),
    answered(1, sessionId="s"),
]


def turn(
    *records: dict[str, object], stop: str = "end_turn", number: int = 2, **result: object
) -> list[dict[str, object]]:
    """A whole turn."""
    prompt = asked("session/prompt", number, sessionId="s", prompt=[{"type": "text", "text": "do it"}])
    return [prompt, *records, answered(number, stopReason=stop, **result)]
