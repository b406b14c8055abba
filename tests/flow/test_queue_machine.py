"""Whatever happens in whatever order, crashes included, the queue keeps its promises.

`CW_EXAMPLES` raises the number of games that are played.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest import mock

import pytest
from fakes.queue_machine import play
from hypothesis import Phase

from core.agents import attempt as attempts
from core.events import TaskRetryScheduled
from core.projections import State, Task
from core.projections.moves import IN_FLIGHT
from core.scheduling import recovery, scheduler
from core.scheduling.policy import settle
from core.scheduling.queue import QueueIndex

EXAMPLES = int(os.environ.get("CW_EXAMPLES", "30"))


def test_the_queue_keeps_its_promises() -> None:
    play(EXAMPLES)


def without_a_fence_check() -> object:
    concluded = attempts.Attempt._concluded

    def careless(self: attempts.Attempt, state: State, verdict: attempts.Verdict) -> object:
        task = state.tasks.get(self.task_id)
        self._fence = self._fence if task is None else task.fence
        return concluded(self, state, verdict)

    return mock.patch.object(attempts.Attempt, "_concluded", careless)


def without_retries() -> object:
    def idle(task: Task, *rest: object) -> object:
        return None if task.status == "failed" else settle(task, *rest)

    return mock.patch.object(scheduler, "settle", idle)


def without_unblocking() -> object:
    return mock.patch.object(QueueIndex, "dependents", return_value=[])


def without_recovery() -> object:
    return mock.patch.object(recovery, "_settle_task", return_value=[])


def without_respect_for_a_cancel() -> object:
    concluded = attempts.Attempt._concluded

    def deaf(self: attempts.Attempt, state: State, verdict: attempts.Verdict) -> object:
        appends = concluded(self, state, verdict)
        task = state.tasks[self.task_id]
        if task.status in IN_FLIGHT and task.fence == self._fence:
            appends[-2].events[:] = [self._move(verdict, 0)]
        return appends

    return mock.patch.object(attempts.Attempt, "_concluded", deaf)


def without_an_end_to_attempts() -> object:
    return mock.patch("core.scheduling.policy.TaskDeadLettered", return_value=TaskRetryScheduled())


@pytest.mark.parametrize(
    "plant",
    [without_a_fence_check, without_retries, without_unblocking, without_recovery, without_respect_for_a_cancel,
     without_an_end_to_attempts],
)  # fmt: skip
def test_the_machine_finds_what_was_planted(plant: Callable[[], mock._patch[object]]) -> None:
    with plant(), pytest.raises(AssertionError):
        play(400, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
