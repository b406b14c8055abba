"""The hash chain: each event's hash covers the one before it on its lineage, its header and its payload.

`hash = sha256(previous hash ‖ header ‖ sha256(payload))`. The header is the row's other columns, in the order of
the table, as one JSON array without spaces; blobs in hex. The payload is hashed apart, so that pruning can keep
its digest in its place and the chain still holds. A chain makes tampering evident, not impossible.
"""

from __future__ import annotations

import hashlib

import msgspec

GENESIS = bytes(32)
"""The hash before the first event."""

_encode = msgspec.json.Encoder().encode

Header = tuple[int, str, str, int, str, str, int, int, str, str, str | None, int | None, str]


def payload_digest(payload: str) -> bytes:
    """The part of the chain that stands for the payload."""
    return hashlib.sha256(payload.encode()).digest()


def link(previous: bytes, header: Header, digest: bytes) -> bytes:
    """The hash of an event, 32 bytes."""
    return hashlib.sha256(previous + _encode(header) + digest).digest()
