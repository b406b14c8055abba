"""Whatever happens in whatever order, crashes included, the queue keeps its promises.

`CW_EXAMPLES` raises the number of games that are played.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from unittest import mock

import pytest
from fakes.queue_machine import Queue, play

from core.agents import attempt as attempts
from core.events import TaskRetryScheduled
from core.projections import State, Task
from core.projections.moves import IN_FLIGHT
from core.scheduling import recovery, scheduler
from core.scheduling.policy import settle
from core.scheduling.queue import QueueIndex

EXAMPLES = int(os.environ.get("CW_EXAMPLES", "20"))


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


class Scene:
    """A game in an order that is given."""

    def __init__(self) -> None:
        self.queue = Queue()

    def enqueue(self, *, needs: Sequence[int] = (), most: int = 1, idempotent: bool = False) -> None:
        self.queue.enqueue(
            needs=list(needs), priority=0, most=most, profile="shell", idempotent=idempotent, delay=0
        )  # fmt: skip
        self.queue.check()

    def begin(self) -> None:
        """Whatever can be claimed is claimed and gets its process."""
        self.queue.schedule(steps="settle staff claim")
        self.queue.go_on(number=0, twice=True)
        self.queue.check()

    def end(self, outcome: str) -> None:
        self.queue.end(number=0, outcome=outcome)
        self.queue.check()


def a_late_result(scene: Scene) -> None:
    scene.enqueue(idempotent=True)
    scene.begin()
    scene.queue.crash_and_recover()
    scene.begin()
    scene.queue.end_too_late(number=0, outcome="completed")


def a_failure(scene: Scene) -> None:
    scene.enqueue(most=2)
    scene.begin()
    scene.end("failed")


def a_chain(scene: Scene) -> None:
    scene.enqueue()
    scene.enqueue(needs=[0])
    scene.begin()
    scene.end("completed")


def a_crash(scene: Scene) -> None:
    scene.enqueue()
    scene.begin()
    scene.queue.crash_and_recover()


def a_cancel(scene: Scene) -> None:
    scene.enqueue(most=2)
    scene.begin()
    scene.queue.cancel(number=0, force=False, running=True)
    scene.end("failed")


def one_failure_after_another(scene: Scene) -> None:
    scene.enqueue()
    for _ in range(2):
        scene.begin()
        scene.end("failed")
        scene.queue.schedule(steps="settle")
        scene.queue.time_passes(seconds=600)


PLANTS = [
    (without_a_fence_check, a_late_result),
    (without_retries, a_failure),
    (without_unblocking, a_chain),
    (without_recovery, a_crash),
    (without_respect_for_a_cancel, a_cancel),
    (without_an_end_to_attempts, one_failure_after_another),
]


def perform(play: Callable[[Scene], None]) -> None:
    scene = Scene()
    try:
        play(scene)
        scene.queue.check()
    finally:
        scene.queue.teardown()


@pytest.mark.parametrize(("plant", "scene"), PLANTS, ids=lambda value: value.__name__)
def test_the_machine_finds_what_was_planted_and_nothing_else(
    plant: Callable[[], mock._patch[object]], scene: Callable[[Scene], None]
) -> None:
    perform(scene)
    with plant(), pytest.raises(AssertionError):
        perform(scene)
