"""Moments as people write them: `12345`, `50%`, `-5m`, `14:32`, `2026-11-20 14:32:05`, `T-17`, `@mark`, `now`.

An address, `cw://branch#12345`, is a moment of a branch and can be handed to somebody else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from core.durations import parse_ms
from core.errors import UsageError
from core.projections import State
from core.queries import Queries

FORMS = "12345, 50%, -5m, 14:32, 2026-01-31T14:32, T-17, @mark, now or cw://main#12345"


class Place(NamedTuple):
    """A position on a branch."""

    branch: str
    position: int

    @property
    def address(self) -> str:
        """How it is written for others."""
        return f"cw://{self.branch}#{self.position}"


async def place_of(text: str, queries: Queries, now: datetime, *, branch: str = "main") -> Place:
    """The place a moment or an address means; a moment is one of `branch`.

    Raises:
        UsageError: it means nothing; the message says how moments are written.
        UnknownBranch: an address names one that does not exist.
    """
    address = re.fullmatch(r"cw://([^#]+)#(\d+)", text.strip())
    if address is not None:
        return Place(address[1], min(int(address[2]), await queries.head(address[1])))
    return Place(branch, await position_of(text, queries, now, branch=branch))


async def position_of(text: str, queries: Queries, now: datetime, *, branch: str = "main") -> int:
    """The position a moment means on the branch; `now` is what `-5m` and `14:32` are counted from.

    Raises:
        UsageError: it means nothing; the message says how moments are written.
    """
    text = text.strip()
    head = await queries.head(branch)
    if re.fullmatch(r"\d+", text):
        return min(int(text), head)
    if re.fullmatch(r"\d+(\.\d+)?%", text):
        return round(head * min(float(text[:-1]), 100) / 100)
    if text.lower() == "now":
        return head
    if text.startswith("@"):
        return _of_mark(text[1:], queries.state)
    task = queries.state.tasks.get(text.upper()) or queries.state.tasks.get(text)
    if task is not None:
        return task.position
    return await queries.timeline.at_time(_moment(text, now), branch=branch)


def _of_mark(name: str, state: State) -> int:
    """Of a bookmark or a checkpoint; of several with one name, the last."""
    flags = [flag.position for flag in state.bookmarks.values() if name in {flag.label, flag.id}]
    saved = [saved.position for saved in state.checkpoints.values() if name in {saved.label, saved.id}]
    if not flags and not saved:
        raise UsageError(f"there is no bookmark or checkpoint {name!r}")
    return max(flags or saved)


def _moment(text: str, now: datetime) -> datetime:
    if text.startswith("-"):
        try:
            return now - timedelta(milliseconds=parse_ms(text[1:]))
        except ValueError as error:
            raise UsageError(str(error)) from None
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    if clock is not None:
        return _latest_at(clock, now)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment; write {FORMS}") from None
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)


def _latest_at(clock: re.Match[str], now: datetime) -> datetime:
    """The last time the wall clock showed this, here; the whole minute counts when no seconds are given."""
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3]) if clock[3] else 59
    if hour > 23 or minute > 59 or second > 59:
        raise UsageError(f"{clock[0]!r} is no time of day")
    local = now.astimezone().replace(hour=hour, minute=minute, second=second, microsecond=999_999)
    if local.replace(second=0, microsecond=0) > now.astimezone():
        local -= timedelta(days=1)
    return local.astimezone(UTC)
