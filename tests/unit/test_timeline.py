"""The timeline: the state at any position of any branch, however it is come by."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.long_history import PassingClock, write_history

from core.events import StoredEvent, TaskCreated, UnknownEvent
from core.history import Timeline
from core.log import EventLog
from core.projections import State, fold

EVENTS = 4_500
"""Four keyframes and a half."""


@pytest.fixture
async def history(log_path: Path) -> AsyncIterator[EventLog]:
    clock = PassingClock()
    async with EventLog.open(log_path, clock=clock) as log:
        await write_history(log, clock, EVENTS)
        yield log


async def folded(log: EventLog, *positions: int, branch: str = "main") -> list[State]:
    """The states at these positions, folded one event at a time from what a reader reads."""
    states: dict[int, State] = {}
    state = State.empty()
    async for event in log.read(branch=branch):
        state = fold(state, event)
        states[event.position] = state
    return [states[position] for position in positions]


async def test_the_state_at_any_position_is_the_fold_of_everything_before(history: EventLog) -> None:
    timeline = Timeline(history)
    positions = random.Random(3).sample(range(1, EVENTS + 1), 40)
    for position, expected in zip(positions, await folded(history, *positions), strict=True):
        for cold in (False, True):
            state = await timeline.state_at(position, cold=cold)
            assert state.to_json() == expected.to_json()
            assert state == expected


async def test_before_the_first_event_is_nothing_and_beyond_the_head_is_the_head(history: EventLog) -> None:
    timeline = Timeline(history)
    assert await timeline.state_at(0) == State.empty()
    assert await timeline.state_at(EVENTS + 999) == await timeline.state_at(EVENTS)


async def test_a_forks_past_is_its_parents_and_never_what_the_parent_did_later(history: EventLog) -> None:
    timeline = Timeline(history)
    await timeline.state_at(EVENTS)  # keyframes of main beyond the fork are in memory
    await history.fork("try", at=2_345)
    await history.fork("again", parent="try", at=1_500)
    await history.append("task/own", [TaskCreated(title="own")], branch="try")
    await history.append("task/main", [TaskCreated(title="main goes on")])
    for branch in ("try", "again", "main"):
        head = await history.head(branch)
        (expected,) = await folded(history, head, branch=branch)
        assert await timeline.state_at(head, branch=branch) == expected
    fork = await timeline.state_at(EVENTS, branch="try")
    assert fork.position == 2_345
    assert fork == await timeline.state_at(2_345)


async def test_what_cannot_be_read_is_folded_as_nothing(history: EventLog) -> None:
    (unknown,) = await history.append("odd/x", [UnknownEvent(type="odd:thing", schema_version=9, raw="{}")])
    state = await Timeline(history).state_at(unknown.position)
    assert isinstance(unknown, StoredEvent)
    assert state.totals.unknown_events == 1
