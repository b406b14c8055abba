"""Shared memory: what agents leave for each other."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from core.events.envelope import Event


class MemoryStored(Event):
    """An entry was written; a large value is an artifact."""

    type: ClassVar[str] = "memory:stored"
    namespace: str
    key: str
    memory_type: str = ""
    size_bytes: int = 0
    value: object = None
    artifact: str | None = None
    expires_at: datetime | None = None


class MemoryRetrieved(Event):
    """An entry was asked for."""

    type: ClassVar[str] = "memory:retrieved"
    namespace: str
    key: str
    hit: bool = True
    by: str = ""


class MemoryDeleted(Event):
    """An entry was removed."""

    type: ClassVar[str] = "memory:deleted"
    namespace: str
    key: str


class MemoryExpired(Event):
    """An entry outlived its time."""

    type: ClassVar[str] = "memory:expired"
    namespace: str
    key: str
