"""What the records of an agent's protocol mean, as events.

Pure: a decoder is a first state and one step, so that a recording can be decoded without a process, and a live
agent is decoded by the same code. A record nobody knows is no error; it is kept raw by whoever reads the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeVar

from msgspec import Struct

from core.events import Payload

Record = Mapping[str, object]
"""One JSON object an agent printed or sent."""


class Spoken(Struct, frozen=True):
    """A piece of a message while it is being said, for the live output; `message:received` has it whole."""

    kind: Literal["text", "thought"]
    text: str


class Outcome(Struct, frozen=True, kw_only=True):
    """How the protocol says a turn ended. An exit code is not an outcome."""

    status: Literal["completed", "failed", "cancelled"]
    text: str = ""
    """The result, the error or the reason."""
    retryable: bool = True
    retry_after_s: float | None = None
    """Set when a rate limit says when to come back; 0 when it does not say."""


class Decoded(Struct, frozen=True, kw_only=True):
    """What one record adds."""

    events: tuple[Payload, ...] = ()
    """In order, for the execution's stream; `conversation:opened` is for the agent's."""
    spoken: tuple[Spoken, ...] = ()
    """Said after the events. A message that comes whole needs none: its `message:received` is put out as well."""
    outcome: Outcome | None = None
    """Set by the record that ends the turn."""


NOTHING = Decoded()

S = TypeVar("S")


class Decoder(Protocol[S]):
    """One protocol, or one program's way of printing JSON lines."""

    def start(self) -> S:
        """The state before the first record."""
        ...

    def step(self, state: S, record: Record) -> tuple[S, Decoded]:
        """What the record adds, and the state after it. Total: any object is accepted."""
        ...

    def end(self, state: S) -> Decoded:
        """What is left to say when no more records come: open tool calls are abandoned, a message is finished."""
        ...
