"""Identifiers and the only source of randomness.

Ids are time-ordered UUIDs (version 7, RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits. They
sort by birth, so the index over event ids is only ever appended to.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class _Sequence:
    """Makes ids of one process strictly rising: the 12 bits after the version count within a millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            stamp = (time.time_ns() // 1_000_000) << 12
            self._last = max(self._last + 1, stamp)
            return self._last


_sequence = _Sequence()


def uuid7_bytes() -> bytes:
    """A new version 7 UUID as its 16 bytes; later ones of this process sort after earlier ones."""
    stamp = _sequence.next()
    tail = random.getrandbits(62)  # ids are unique, not secret; a forked process is seeded anew
    return ((stamp >> 12) << 80 | _VERSION_7 | (stamp & 0xFFF) << 64 | _VARIANT | tail).to_bytes(16, "big")


def uuid7() -> UUID:
    """A new version 7 UUID."""
    return UUID(bytes=uuid7_bytes())


def execution_id(task_id: str, attempt: int) -> str:
    """The name of an attempt: `T-17.2` is the second attempt at T-17."""
    return f"{task_id}.{attempt}"


def secret() -> str:
    """What nobody can guess: 256 random bits as text for a URL or a header."""
    return secrets.token_urlsafe(32)


def jitter(limit: float) -> float:
    """A uniformly random number from 0 up to `limit`: full jitter for backoff."""
    return random.uniform(0, limit)
