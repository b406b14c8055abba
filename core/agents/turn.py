"""Where a turn of an agent stands: the state that decoders of every protocol share."""

from __future__ import annotations

from msgspec import Struct
from rpds import HashTrieMap, HashTrieSet

from core.agents.decoding import Outcome
from core.events.execution import MessageKind


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens and money. `input_tokens` counts all that was sent, `cached_tokens` the part of it that was cached."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd_micros: int | None = None


class Speech(Struct, frozen=True, kw_only=True):
    """A message that is being said."""

    message_id: str
    kind: MessageKind
    text: str = ""


class Turn(Struct, frozen=True, kw_only=True):
    """Where an agent's turn stands; the state of a decoder."""

    agent: str
    """What sentences call it."""
    number: int = 0
    """Of the turn, from 1; 0 before the first."""
    running: bool = False
    conversation: str = ""
    model: str = ""
    open_calls: HashTrieMap[str, str] = HashTrieMap()
    """Tool calls that run, and the request for permission that each waits for, if any."""
    known_calls: HashTrieSet[str] = HashTrieSet()
    speech: Speech | None = None
    spent: HashTrieMap[str, Usage] = HashTrieMap()
    """What was counted so far, by model."""
    answer: str = ""
    """The last whole message: the result, unless the agent names another."""
    trouble: str = ""
    """The last error it spoke of: the reason, if it ends without an outcome."""
    outcome: Outcome | None = None
