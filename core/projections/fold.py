"""The fold: a state and an event give the next state. Pure, total, no clock.

What an event means depends on its payload and its stream's name, nothing else. Unknown events, and events on a
stream they do not belong to, change nothing but counters and versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from core.events import AnyEvent, Event, UnknownEvent
from core.projections.agents import fold_agent
from core.projections.draft import Draft
from core.projections.executions import fold_execution
from core.projections.fleet import (
    fold_bookmark,
    fold_budget,
    fold_checkpoint,
    fold_lock,
    fold_memory,
    fold_profile,
    fold_session,
    fold_signal,
    fold_swarm,
    fold_workspace,
)
from core.projections.state import State
from core.projections.tasks import fold_task, pass_task_over

Fold = Callable[[Draft, AnyEvent, Event], None]

_FOLDS: Mapping[str, Fold] = {
    "agent": fold_agent,
    "task": fold_task,
    "execution": fold_execution,
    "memory": fold_memory,
    "swarm": fold_swarm,
    "session": fold_session,
    "workspace": fold_workspace,
    "lock": fold_lock,
    "signal": fold_signal,
    "checkpoint": fold_checkpoint,
    "bookmark": fold_bookmark,
    "budget": fold_budget,
    "profile": fold_profile,
}


def fold(state: State, event: AnyEvent) -> State:
    """The state after one more event."""
    return fold_many(state, (event,))


def fold_many(state: State, events: Iterable[AnyEvent]) -> State:
    """The state after some more events, in order; the same as folding them one by one, and faster."""
    draft = Draft(state)
    fold_into(draft, events)
    return draft.finished()


def fold_into(draft: Draft, events: Iterable[AnyEvent]) -> None:
    """Fold some more events into a draft."""
    folds, count, unknown = _FOLDS, 0, 0
    event = None
    for event in events:
        count += 1
        payload = event.payload
        stream = event.stream
        kind = stream[: stream.index("/")]
        if isinstance(payload, UnknownEvent):
            unknown += 1
            if kind == "task":
                pass_task_over(draft, event)
            continue
        if kind in folds:
            folds[kind](draft, event, payload)
    if event is not None:
        draft.advance(event, count, unknown)
