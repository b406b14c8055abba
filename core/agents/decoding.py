"""What the records of an agent's protocol mean, as events.

Pure: a decoder is a first state and one step, so that a recording can be decoded without a process, and a live
agent is decoded by the same code. A record nobody knows is no error; it is kept raw by whoever reads the wire.
"""

from __future__ import annotations

from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from core.agents.records import Record
from core.events import Payload

__all__ = ["NOTHING", "Decoded", "Decoder", "Outcome", "Reader", "Reading", "Record", "Spoken"]


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
    retry_at_s: float | None = None
    """The same as a moment, in seconds since 1970, when the agent names one instead."""
    unsaid: bool = False
    """Whether the agent said nothing of it: its output ended first."""


class Decoded(Struct, frozen=True, kw_only=True):
    """What one record adds."""

    added: tuple[Payload | Spoken, ...] = ()
    """In order. Events are for the execution's stream; `conversation:opened` is for the agent's."""
    outcome: Outcome | None = None
    """Set by the record that ends the turn. A later one replaces it."""

    @property
    def events(self) -> tuple[Payload, ...]:
        """What is an event of it."""
        return tuple(one for one in self.added if not isinstance(one, Spoken))

    @property
    def spoken(self) -> tuple[Spoken, ...]:
        """The pieces of messages in it."""
        return tuple(one for one in self.added if isinstance(one, Spoken))


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
        """What is left to say when no more records come: open tool calls are abandoned, a message is finished.

        It always has an outcome: the one that was said, or failure when none was.
        """
        ...


class Reader(Protocol):
    """A decoder at work on one stream of records."""

    def take(self, record: Record) -> Decoded:
        """What the next record adds."""
        ...

    def end(self) -> Decoded:
        """What is left to say; it has the outcome."""
        ...


class Reading(Generic[S]):
    """Keeps a decoder's state from record to record."""

    def __init__(self, decoder: Decoder[S]) -> None:
        self._decoder, self._state = decoder, decoder.start()

    def take(self, record: Record) -> Decoded:
        self._state, decoded = self._decoder.step(self._state, record)
        return decoded

    def end(self) -> Decoded:
        return self._decoder.end(self._state)
