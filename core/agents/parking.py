"""Parking: a rate limit holds back the whole profile until it ends, and costs the task no attempt.

Pure. When it ends is what the agent said, within bounds; one that does not say is given a while.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from core.agents.decoding import Outcome
from core.events import Append, ProfileParked
from core.events.envelope import EPOCH, to_us
from core.projections import State

UNSAID_S = 60.0
"""Until a limit is tried again that does not say when it ends."""
SHORTEST_S = 1.0
LONGEST_S = 8 * 86_400.0  # limits by the week exist; longer ones are a mistake, or worse


def rests_until(outcome: Outcome | None, now: datetime) -> datetime | None:
    """When the limit that ended a turn is over; None when none did."""
    if outcome is None or outcome.status != "failed":
        return None
    if outcome.retry_at_s is not None:
        wait_s = outcome.retry_at_s - (now - EPOCH).total_seconds()
        wait_s = wait_s if wait_s > 0 else UNSAID_S
    elif outcome.retry_after_s is not None:
        wait_s = outcome.retry_after_s if outcome.retry_after_s > 0 else UNSAID_S
    else:
        return None
    if math.isnan(wait_s):
        wait_s = UNSAID_S
    return now + timedelta(seconds=min(max(wait_s, SHORTEST_S), LONGEST_S))


def parking(state: State, profile: str, until: datetime, reason: str) -> list[Append]:
    """The profile rests until then, unless it rests for longer already."""
    known = state.profiles.get(profile)
    if known is not None and known.status == "parked" and (known.until_us is None or known.until_us >= to_us(until)):
        return []
    return [Append(f"profile/{profile}", [ProfileParked(until=until, reason=reason)])]
