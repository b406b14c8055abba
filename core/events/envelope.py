"""What every event is: a typed payload, and the envelope the log puts around it.

Payloads are frozen structs, stored as JSON objects whose keys are the field names. `StoredEvent` is one row of
the log, decoded. Forbidden here: I/O, clocks, anything that changes an event.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar, dataclass_transform
from uuid import UUID

from msgspec import Struct, StructMeta, field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class _FactMeta(StructMeta):
    """Makes every event class frozen and keyword-only without saying so at each of them."""

    def __new__(  # noqa: PYI034  `Self` has no meaning in a metaclass
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]
    ) -> _FactMeta:
        return super().__new__(cls, name, bases, namespace, frozen=True, kw_only=True, gc=False)


class Event(Struct, metaclass=_FactMeta):
    """A fact, in the past tense. Subclasses name their `type` and raise `schema_version` when fields change meaning."""

    type: ClassVar[str]
    schema_version: ClassVar[int] = 1


class UnknownEvent(Struct, frozen=True, kw_only=True, gc=False):
    """A payload this version cannot read: an unknown type, a newer schema, or bytes that do not decode.

    It is kept and shown as it is, counted, and skipped by folds. Appending one stores it unchanged.
    """

    type: str
    schema_version: int
    raw: str
    """The payload's JSON exactly as stored."""
    reason: str = ""
    """Why it could not be read."""


Payload = Event | UnknownEvent


class StoredEvent(Struct, frozen=True, gc=False):
    """One event as the log holds it.

    Order is always `position`; `recorded_us` only labels it. `event_id`, `correlation_id` and `recorded_at` are
    made when asked for, because most readers of a long range never do.
    """

    position: int
    """Global, gap-free, from 1, in commit order."""
    branch: str
    stream: str
    """`aggregate_type/aggregate_id`."""
    version: int
    """Order within the stream on this branch's lineage, gap-free, from 1."""
    event_id_bytes: bytes
    type: str
    schema_version: int
    """Of the payload as stored; `payload` has been upcast to the newest."""
    recorded_us: int
    """When it became durable: microseconds since 1970, UTC."""
    session_id: str
    tenant_id: str
    correlation_id_bytes: bytes | None
    causation_id: int | None
    """Position of the event that directly caused this one."""
    actor: str
    hash: bytes
    payload: Payload

    @property
    def event_id(self) -> UUID:
        """The idempotency key."""
        return UUID(bytes=self.event_id_bytes)

    @property
    def correlation_id(self) -> UUID | None:
        """The request that began it all."""
        return UUID(bytes=self.correlation_id_bytes) if self.correlation_id_bytes else None

    @property
    def recorded_at(self) -> datetime:
        """When it became durable, aware, UTC."""
        return EPOCH + self.recorded_us * MICROSECOND

    @property
    def aggregate_type(self) -> str:
        """The part of the stream before the first slash."""
        return self.stream.partition("/")[0]

    @property
    def aggregate_id(self) -> str:
        """The part of the stream after the first slash."""
        return self.stream.partition("/")[2]


class BareEvent(Struct, frozen=True, gc=False):
    """An event with only what a fold looks at: what long ranges are read as. Its fields are `StoredEvent`'s."""

    position: int
    stream: str
    version: int
    recorded_us: int
    payload: Payload

    @property
    def aggregate_id(self) -> str:
        """The part of the stream after the first slash."""
        return self.stream.partition("/")[2]


AnyEvent = StoredEvent | BareEvent
"""What folds take; both kinds of one event fold the same."""


class Append(Struct, frozen=True):
    """What one append asks of one stream."""

    stream: str
    events: list[Payload]
    expected_version: int | None = None
    """None: any; 0: the stream must not exist; n: exactly n."""
    cause: int | None = None
    """Position of what caused these events; None: what caused the whole call."""


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND
