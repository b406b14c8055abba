"""Limits: budgets and parked profiles."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from core.events.envelope import Event


class BudgetSet(Event):
    """A cap is in force."""

    type: ClassVar[str] = "budget:set"
    scope: str
    unit: str = ""
    limit: int = 0
    used: int = 0


class BudgetWarned(Event):
    """The soft cap was passed."""

    type: ClassVar[str] = "budget:warned"
    scope: str
    unit: str = ""
    limit: int = 0
    used: int = 0


class BudgetTripped(Event):
    """The hard cap was reached; no further turn starts."""

    type: ClassVar[str] = "budget:tripped"
    scope: str
    unit: str = ""
    limit: int = 0
    used: int = 0


class ProfileParked(Event):
    """The profile's queue waits, without burning attempts."""

    type: ClassVar[str] = "profile:parked"
    until: datetime | None = None
    reason: str = ""


class ProfileUnparked(Event):
    """The profile's queue goes on."""

    type: ClassVar[str] = "profile:unparked"
    reason: str = ""
