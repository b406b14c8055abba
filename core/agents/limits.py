"""Limits on what agents begin: budgets that are used up, and profiles that rest while their provider has had enough.

Pure. Whether a cap is reached is decided from what was used and what the configuration allows, and is told by an event.
Claims look at what was told, so that a waiting task says why at any past moment as it did then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import ceil

from msgspec import Struct

from core.config import Budget, Config
from core.events import Append, BudgetSet, BudgetTripped, BudgetWarned, Payload, ProfileUnparked
from core.events.envelope import EPOCH, MICROSECOND, to_us
from core.projections import State, Usage, day_scope, profile_scope, records, session_scope

TOKENS, USD_MICROS = "tokens", "usd_micros"
"""What budgets count."""

DAY_US = 86_400_000_000


class Cap(Struct, frozen=True):
    """One limit of a budget."""

    id: str
    """Of its stream; the same in every session and on every day."""
    scope: str
    unit: str
    limit: int
    warn_at: int

    def used(self, state: State) -> int:
        """How much of it is used, by what agents reported."""
        usage = state.usage.get(self.scope) or Usage(id=self.scope)
        return usage.tokens if self.unit == TOKENS else usage.cost_usd_micros


def caps(config: Config, state: State, now: datetime) -> Iterator[Cap]:
    """All limits in force."""
    yield from _caps("session", session_scope(state.session_id), config.budget.session)
    yield from _caps("day", day_scope(to_us(now)), config.budget.day)
    for name, profile in config.profiles.items():
        yield from _caps(f"profile/{name}", profile_scope(name, state.session_id), profile.budget)


def _caps(name: str, scope: str, budget: Budget) -> Iterator[Cap]:
    usd_micros = None if budget.usd is None else round(budget.usd * 1_000_000)
    for unit, limit in ((TOKENS, budget.tokens), (USD_MICROS, usd_micros)):
        if limit is not None:
            yield Cap(f"{name}/{unit}", scope, unit, limit, ceil(limit * budget.warn_at))


def _ids(profile: str) -> list[str]:
    """Of all caps that hold a profile."""
    return [f"{name}/{unit}" for name in ("session", "day", f"profile/{profile}") for unit in (TOKENS, USD_MICROS)]


def to_tell(state: State, config: Config, now: datetime) -> list[Append]:
    """What has to be told of the budgets: limits that are new, passed or reached, and those that are no more."""
    appends: list[Append] = []
    known = dict(state.budgets.items())
    for cap in caps(config, state, now):
        events = _news(cap, cap.used(state), known.pop(cap.id, None))
        if events:
            appends.append(Append(f"budget/{cap.id}", events))
    lifted = (budget for budget in known.values() if budget.limit or budget.status != "set")
    return appends + [
        Append(f"budget/{budget.id}", [BudgetSet(scope=budget.scope, unit=budget.unit)]) for budget in lifted
    ]


def _news(cap: Cap, used: int, told: records.Budget | None) -> list[Payload]:
    events: list[Payload] = []
    status = "set" if told is None else told.status
    if told is None or (told.scope, told.limit) != (cap.scope, cap.limit):
        events.append(BudgetSet(scope=cap.scope, unit=cap.unit, limit=cap.limit, used=used))
        status = "set"
    if used >= cap.limit and status != "tripped":
        events.append(BudgetTripped(scope=cap.scope, unit=cap.unit, limit=cap.limit, used=used))
    elif cap.warn_at <= used < cap.limit and status == "set":
        events.append(BudgetWarned(scope=cap.scope, unit=cap.unit, limit=cap.limit, used=used))
    return events


def held_back(state: State, profile: str) -> str:
    """Why agents of the profile begin nothing new, in a few words, as it was told; empty when they may."""
    parked = state.profiles.get(profile)
    if parked is not None and parked.status == "parked":
        until = "" if parked.until_us is None else f" until {EPOCH + parked.until_us * MICROSECOND:%H:%M:%S} UTC"
        return f"profile {profile} is parked{until}: {parked.reason}"
    if not state.budgets:
        return ""
    for cap_id in _ids(profile):
        budget = state.budgets.get(cap_id)
        if budget is not None and budget.status == "tripped":
            return _used_up(budget.scope, budget.unit, budget.used, budget.limit)
    return ""


def begins_nothing(state: State, profile: str, config: Config, now: datetime) -> str:
    """Why an agent of the profile may not begin another turn at this very moment; empty when it may."""
    ids = _ids(profile)
    for cap in caps(config, state, now):
        used = cap.used(state)
        if cap.id in ids and used >= cap.limit:
            return _used_up(cap.scope, cap.unit, used, cap.limit)
    parked = state.profiles.get(profile)
    return held_back(state, profile) if parked is not None and parked.status == "parked" else ""


def _used_up(scope: str, unit: str, used: int, limit: int) -> str:
    if unit == TOKENS:
        return f"the budget of {scope} is used up: {used:,} of {limit:,} tokens"
    return f"the budget of {scope} is used up: ${used / 1_000_000:,.2f} of ${limit / 1_000_000:,.2f}"


def unparking(state: State, now: datetime) -> list[Append]:
    """Parked profiles whose time has come go on."""
    now_us = to_us(now)
    return [
        Append(f"profile/{profile.id}", [ProfileUnparked(reason="its time has come")])
        for profile in state.profiles.values()
        if profile.status == "parked" and profile.until_us is not None and profile.until_us <= now_us
    ]


def next_change_us(state: State, now: datetime) -> int | None:
    """When time alone will let something go on that is held back; None when it will not."""
    changes = [profile.until_us for profile in state.profiles.values() if profile.status == "parked"]
    if any(budget.id.startswith("day/") and budget.status == "tripped" for budget in state.budgets.values()):
        changes.append((to_us(now) // DAY_US + 1) * DAY_US)
    return min((change for change in changes if change is not None), default=None)
