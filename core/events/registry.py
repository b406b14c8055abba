"""Which types exist, how a payload becomes bytes and comes back, and how older payloads become new ones.

Invariant: `decode` is total. Whatever cannot be read becomes an `UnknownEvent` that keeps the bytes; nothing is
dropped and nothing raises. `encode` is strict: it refuses what would not come back as its own type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType

import msgspec

from core.errors import InvalidEvent, PayloadTooLarge
from core.events import (
    agent,
    branch,
    checkpoint,
    configuration,
    coordination,
    execution,
    limits,
    memory,
    operator,
    session,
    swarm,
    task,
    workspace,
)
from core.events.envelope import Event, Payload, UnknownEvent

MAX_PAYLOAD_BYTES = 256 * 1024

_ROOMS: tuple[ModuleType, ...] = (
    agent, task, execution, memory, swarm, session, workspace, coordination, checkpoint, branch, limits,
    configuration, operator,
)  # fmt: skip


def _classes() -> Iterator[type[Event]]:
    for room in _ROOMS:
        for value in vars(room).values():
            if isinstance(value, type) and issubclass(value, Event) and value is not Event:
                yield value


EVENT_TYPES: Mapping[str, type[Event]] = {cls.type: cls for cls in _classes()}
"""Every type of the catalogue and its class."""

Upcaster = Callable[[dict[str, object]], dict[str, object]]

_upcasters: dict[tuple[str, int], Upcaster] = {}


def upcaster(event_type: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
    """Register a function that turns a payload of `from_version` into one of the next version."""

    def register(function: Upcaster) -> Upcaster:
        _upcasters[event_type, from_version] = function
        return function

    return register


_ENCODER = msgspec.json.Encoder()
_decoders = {name: msgspec.json.Decoder(cls).decode for name, cls in EVENT_TYPES.items()}
_versions = {name: cls.schema_version for name, cls in EVENT_TYPES.items()}
_ENCODE_ERRORS = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError, UnicodeError)
_DECODE_ERRORS = (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError)


def encode(event: Payload) -> tuple[str, Payload]:
    """The payload's JSON text and the event as it will be read back.

    Raises:
        InvalidEvent: it cannot be encoded, or decodes to something else.
        PayloadTooLarge: the text is over `MAX_PAYLOAD_BYTES`.
    """
    text, back = _encode_unknown(event) if isinstance(event, UnknownEvent) else _encode_known(event)
    size = len(text) if text.isascii() else len(text.encode())
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(event.type, size, MAX_PAYLOAD_BYTES)
    return text, back


def _encode_known(event: Event) -> tuple[str, Event]:
    if EVENT_TYPES.get(event.type) is not type(event):
        raise InvalidEvent(event.type, "it is not a registered event type")
    try:
        raw = _ENCODER.encode(event)
        return raw.decode(), _decoders[event.type](raw)
    except _ENCODE_ERRORS as error:
        raise InvalidEvent(event.type, str(error)) from None


def _encode_unknown(event: UnknownEvent) -> tuple[str, UnknownEvent]:
    try:
        event.raw.encode()
        content = msgspec.json.decode(event.raw)
    except _ENCODE_ERRORS as error:
        raise InvalidEvent(event.type, f"its payload is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidEvent(event.type, "its payload is not a JSON object")
    back = decode(event.type, event.schema_version, event.raw)
    if not isinstance(back, UnknownEvent):
        raise InvalidEvent(event.type, "it is a registered event type; append it as its own class")
    return event.raw, back


def decode(event_type: str, schema_version: int, text: str | bytes) -> Payload:
    """The typed payload, upcast to the newest schema; an `UnknownEvent` when it cannot be read."""
    newest = _versions.get(event_type)
    if newest is None:
        return _unknown(event_type, schema_version, text, "this version does not know the type")
    if schema_version > newest:
        return _unknown(event_type, schema_version, text, f"schema {schema_version} is newer than {newest}")
    try:
        if schema_version < newest:
            return _upcast(event_type, schema_version, newest, text)
        return _decoders[event_type](text)
    except _DECODE_ERRORS as error:
        return _unknown(event_type, schema_version, text, str(error))


def _upcast(event_type: str, schema_version: int, newest: int, text: str | bytes) -> Event:
    fields = msgspec.json.decode(text, type=dict[str, object])
    for version in range(schema_version, newest):
        fields = _upcasters[event_type, version](fields)
    return msgspec.convert(fields, EVENT_TYPES[event_type])


def _unknown(event_type: str, schema_version: int, text: str | bytes, reason: str) -> UnknownEvent:
    raw = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return UnknownEvent(type=event_type, schema_version=schema_version, raw=raw, reason=reason)
