"""An index over the state's waiting tasks: who is next, who is due, who waits for whom.

Everything in it is derived: it can be rebuilt from any state, and an entry is believed only after a look at the
state. Each answer costs logarithmic time, however many tasks wait.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from core.projections import State, Task

Rank = tuple[int, int, str]


class QueueIndex:
    """Waiting tasks, found by priority, by age, by time and by what they wait for."""

    def __init__(self, state: State) -> None:
        self._by_rank: dict[str, list[Rank]] = {}
        self._by_age: dict[str, list[tuple[int, str]]] = {}
        self._by_time: list[tuple[int, str]] = []
        self._waiting_for: dict[str, set[str]] = {}
        self._entered: dict[str, tuple[int, ...]] = {}
        self._taken: set[str] = set()
        for task in sorted(state.tasks.values(), key=lambda task: task.position):
            self.update(task)

    def update(self, task: Task) -> None:
        """Take note of a task as it is now."""
        self._taken.discard(task.id)
        if task.status == "queued":
            rank = (-task.priority, task.queued_position)
            if self._entered.get(task.id) != rank:
                self._entered[task.id] = rank
                heapq.heappush(self._by_rank.setdefault(task.profile, []), (*rank, task.id))
                heapq.heappush(self._by_age.setdefault(task.profile, []), (task.queued_position, task.id))
            return
        self._entered.pop(task.id, None)
        if task.status == "scheduled" and task.run_at_us is not None:
            heapq.heappush(self._by_time, (task.run_at_us, task.id))
        elif task.status == "blocked":
            for needed in task.depends_on:
                self._waiting_for.setdefault(needed, set()).add(task.id)

    def take(self, task: Task) -> None:
        """Leave a queued task out of every answer: somebody is about to claim it."""
        self._entered.pop(task.id, None)
        self._taken.add(task.id)

    def put_back(self, state: State) -> None:
        """Undo `take` for those that are queued all the same: their claims were refused."""
        for task_id in [*self._taken]:
            task = state.tasks.get(task_id)
            if task is not None:
                self.update(task)
        self._taken.clear()

    def profiles(self, state: State) -> list[str]:
        """Profiles that have queued tasks."""
        return [name for name in self._by_rank if self._oldest(state, name) is not None]

    def best(self, state: State, profiles: Iterable[str], *, longest_waiting: bool) -> Task | None:
        """The queued task of these profiles that runs next: by priority, or the one that waits longest."""
        heads = [self._oldest(state, name) if longest_waiting else self._first(state, name) for name in profiles]
        tasks = [task for task in heads if task is not None]
        if longest_waiting:
            return min(tasks, key=lambda task: task.queued_position, default=None)
        return min(tasks, key=lambda task: (-task.priority, task.queued_position), default=None)

    def is_awaited(self, task_id: str) -> bool:
        """Whether a blocked task may need this one."""
        return task_id in self._waiting_for

    def dependents(self, state: State, task_id: str) -> list[Task]:
        """Blocked tasks that need this one."""
        waiting = self._waiting_for.get(task_id, set())
        tasks = [state.tasks.get(waiter) for waiter in waiting]
        blocked = [task for task in tasks if task is not None and task.status == "blocked"]
        if blocked:
            self._waiting_for[task_id] = {task.id for task in blocked}
        else:
            self._waiting_for.pop(task_id, None)
        return sorted(blocked, key=lambda task: task.position)

    def due(self, state: State, now_us: int) -> list[Task]:
        """Scheduled tasks whose time has come; they are not returned again."""
        due: list[Task] = []
        while self._by_time and self._by_time[0][0] <= now_us:
            run_at_us, task_id = heapq.heappop(self._by_time)
            task = state.tasks.get(task_id)
            if task is not None and task.status == "scheduled" and task.run_at_us == run_at_us:
                due.append(task)
        return due

    def next_due_us(self) -> int | None:
        """When somebody is next due; may be too early, never too late."""
        return self._by_time[0][0] if self._by_time else None

    def _first(self, state: State, profile: str) -> Task | None:
        heap = self._by_rank.get(profile, [])
        while heap:
            rank, position, task_id = heap[0]
            task = state.tasks.get(task_id)
            if self._waits(task, position) and task is not None and -task.priority == rank:
                return task
            heapq.heappop(heap)
        return None

    def _oldest(self, state: State, profile: str) -> Task | None:
        heap = self._by_age.get(profile, [])
        while heap:
            position, task_id = heap[0]
            task = state.tasks.get(task_id)
            if self._waits(task, position):
                return task
            heapq.heappop(heap)
        return None

    def _waits(self, task: Task | None, position: int) -> bool:
        """Whether an entry made when the task was queued at this position still holds."""
        if task is None or task.id in self._taken:
            return False
        return task.status == "queued" and task.queued_position == position
