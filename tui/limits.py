"""What holds agents back, in words: parked profiles, and budgets that are nearly or wholly used up."""

from __future__ import annotations

from collections.abc import Iterable

from core.events import BudgetTripped, BudgetWarned, ProfileParked, StoredEvent
from core.projections import Budget, State, day_scope
from tui.look import Look, local
from tui.text import SafeText, ago, clock_time, count, join, label, literal, money
from tui.theme.ink import Ink

REASON_CHARACTERS = 120
IN_MONEY = "usd_micros"
INKS: dict[str, Ink] = {"set": "good", "warned": "warn", "tripped": "bad"}
"""How a budget looks, by its status."""
WORDS: dict[str, SafeText] = {
    "set": literal("in bounds"), "warned": literal("nearly used up"), "tripped": literal("used up"),
}  # fmt: skip
_RANKS = {"set": 0, "warned": 1, "tripped": 2}
_NAMES = {"day": literal(" today"), "session": literal(" in this session")}


def is_parked(profile: str, state: State) -> bool:
    """Whether agents of the profile begin nothing, because a limit of its provider was reached."""
    known = state.profiles.get(profile)
    return known is not None and known.status == "parked"


def parked_count(state: State) -> int:
    """How many profiles are parked."""
    return sum(profile.status == "parked" for profile in state.profiles.values())


def until_when(profile: str, look: Look, *, left: bool = False) -> SafeText:
    """When a parked profile goes on, and why it is parked; the first of it says most, for it may be cut."""
    known = look.state.profiles[profile]
    parts = [label(known.reason, REASON_CHARACTERS)] if known.reason else []
    if known.until_us is not None:
        if left:
            parts.insert(0, join((ago((known.until_us - look.now_us) / 1000), literal(" left"))))
        parts.insert(0, join((literal("until "), clock_time(local(known.until_us)))))
    return join(parts, " · ")


def used(budget: Budget, look: Look) -> int:
    """How much of a budget is used by now; a new day has used nothing, even if nobody has told so yet."""
    scope = day_scope(look.now_us) if budget.id.startswith("day/") else budget.scope
    usage = look.state.usage.get(scope)
    if usage is None:
        return budget.used if scope == budget.scope else 0
    return usage.cost_usd_micros if budget.unit == IN_MONEY else usage.tokens


def amounts(budget: Budget, look: Look, between: SafeText) -> SafeText:
    """How much of how much."""
    spent = used(budget, look)
    if budget.unit == IN_MONEY:
        return join((money(spent), between, money(budget.limit)))
    return join((count(spent, compact=True), between, count(budget.limit, compact=True), literal(" tokens")))


def status(budget: Budget, look: Look) -> str:
    """What was told of it, as far as that is about the day that is shown."""
    about_another_day = budget.id.startswith("day/") and budget.scope != day_scope(look.now_us)
    return "set" if about_another_day else budget.status


def tightest(look: Look) -> Budget | None:
    """The cap to show where there is room for one: that which stops or warns, then of money, then the fullest."""
    caps = [budget for budget in look.state.budgets.values() if budget.limit]

    def tightness(budget: Budget) -> tuple[int, bool, float]:
        return _RANKS[status(budget, look)], budget.unit == IN_MONEY, used(budget, look) / budget.limit

    return max(caps, key=tightness, default=None)


def of_what(budget: Budget) -> SafeText:
    """What a budget is for, after its amount."""
    kind, _, rest = budget.id.partition("/")
    return _NAMES.get(kind) or join((literal(" of "), label(rest.rpartition("/")[0] or budget.scope, 20)))


def news(events: Iterable[StoredEvent]) -> tuple[str, Ink] | None:
    """What of all this has just happened, in a sentence; the gravest."""
    found: list[tuple[int, str, Ink]] = []
    for event in events:
        match event.payload:
            case BudgetTripped(scope=scope):
                found.append((2, f"the budget of {scope} is used up: nothing begins another turn · $ shows it", "bad"))
            case BudgetWarned(scope=scope):
                found.append((0, f"the budget of {scope} is nearly used up · $ shows it", "warn"))
            case ProfileParked(until=until, reason=reason):
                when = "" if until is None else f" until {until.astimezone():%H:%M:%S}"
                found.append((1, f"{event.aggregate_id} is parked{when}: {reason}", "warn"))
            case _:
                pass
    if not found:
        return None
    _, sentence, ink = max(found, key=lambda one: one[0])
    return sentence, ink
