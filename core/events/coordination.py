"""Coordination between agents: signals with expiry, locks with fencing."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from core.events.envelope import Event


class SignalSent(Event):
    """A named value for whoever looks."""

    type: ClassVar[str] = "signal:sent"
    name: str
    value: object = None
    expires_at: datetime | None = None


class SignalExpired(Event):
    """The signal outlived its time."""

    type: ClassVar[str] = "signal:expired"
    name: str = ""


class LockAcquired(Event):
    """The lock has an owner; the fencing token rises at each acquisition."""

    type: ClassVar[str] = "lock:acquired"
    name: str
    owner: str = ""
    expires_at: datetime | None = None
    fencing_token: int = 0


class LockReleased(Event):
    """The owner gave the lock back."""

    type: ClassVar[str] = "lock:released"
    name: str = ""
    owner: str = ""


class LockExpired(Event):
    """The lock was taken from an owner who did not return."""

    type: ClassVar[str] = "lock:expired"
    name: str = ""
