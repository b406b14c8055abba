"""What holds a profile's agents back from beginning anything new: a budget that is used up, or a limit of its provider.

Pure, and from what was told alone, so that it answers for any past moment as it did then.
"""

from __future__ import annotations

from core.events.envelope import EPOCH, MICROSECOND
from core.projections import Budget, State

TOKENS, USD_MICROS = "tokens", "usd_micros"
"""What budgets count."""


def held_back(state: State, profile: str) -> str:
    """Why agents of the profile begin nothing new, in a few words; empty when they may."""
    parked = state.profiles.get(profile)
    if parked is not None and parked.status == "parked":
        until = "" if parked.until_us is None else f" until {EPOCH + parked.until_us * MICROSECOND:%H:%M:%S} UTC"
        return f"profile {profile} is parked{until}: {parked.reason}"
    if not state.budgets:
        return ""
    for name in ("session", "day", f"profile/{profile}"):
        for unit in (TOKENS, USD_MICROS):
            budget = state.budgets.get(f"{name}/{unit}")
            if budget is not None and budget.status == "tripped":
                return f"the budget of {budget.scope} is used up: {_amounts(budget)}"
    return ""


def _amounts(budget: Budget) -> str:
    if budget.unit == TOKENS:
        return f"{budget.used:,} of {budget.limit:,} tokens"
    return f"${budget.used / 1_000_000:,.2f} of ${budget.limit / 1_000_000:,.2f}"
