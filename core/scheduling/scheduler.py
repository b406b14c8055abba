"""The scheduler: follows the log, moves waiting tasks on, and hands them to agents.

It only appends. Starting the process that belongs to a claim is the supervisor's part, once the claim is durable.
It waits for events and for the next instant at which something is due; it never polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from core.agents import limits
from core.concurrency import task_group
from core.config import Config
from core.errors import LogClosed, StorageFailed
from core.events import (
    AgentStatusChanged,
    AgentTaskAssigned,
    AgentTerminated,
    Append,
    Payload,
    StoredEvent,
    TaskClaimed,
    UsageReported,
)
from core.events.envelope import to_us
from core.ids import jitter
from core.journal import STORAGE_RETRY_S, Journal
from core.projections import State, Task, in_order
from core.scheduling import pool
from core.scheduling.policy import Fleet, fair_turn, settle
from core.scheduling.queue import QueueIndex

SETTLED_AT_ONCE = 500  # moves in one transaction
CLAIMED_AT_ONCE = 100  # claims in one transaction: when one of them is refused, all are decided again
SHORTEST_NAP_S = 0.001  # whatever is overdue, others get their turn first
LONGEST_NAP_S = 30.0  # the wall clock may jump while we sleep by the monotonic one
UNSETTLED = frozenset({"blocked", "failed", "lost"})  # statuses something may follow from at any time
ACTOR = "scheduler"


def batched(items: Iterable[tuple[str, int]], size: int) -> Iterable[list[tuple[str, int]]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class Scheduler:
    """Decides what runs next."""

    def __init__(self, journal: Journal, config: Config) -> None:
        self._journal, self._config = journal, config
        self._index = QueueIndex(journal.state)
        self._stirred = asyncio.Event()
        self._moved: dict[str, int] = {}
        """Tasks that something may follow from since they were last looked at → the position of what happened."""
        self._retirement_us: int | None = None
        """When an idle agent is next due to leave; too early when it has work again."""
        self._spent: int | None = None
        """The position of the newest report of usage."""
        self._held = False

    def hold(self) -> None:
        """Claim nothing any more; what runs goes on."""
        self._held = True

    def release(self) -> None:
        """Claim again."""
        self._held = False
        self._stirred.set()

    def reconfigure(self, config: Config) -> None:
        """Use another configuration from here on."""
        self._config = config
        self._stirred.set()

    async def run(self) -> None:
        """Schedule until cancelled."""
        start = self._journal.state.position
        self._look_again()
        async with task_group() as tasks:
            tasks.create_task(self._watch(start), name="scheduler: follow the log")
            while True:
                self._stirred.clear()
                try:
                    await self._settle()
                    await self._staff()
                    await self._dispatch()
                except LogClosed:
                    return
                except StorageFailed:
                    # The journal shows why. What was taken from the index may not have been moved.
                    await self._journal.clock.sleep(STORAGE_RETRY_S)
                    self._look_again()
                    continue
                alarm = tasks.create_task(self._alarm(), name="scheduler: next due")
                await self._stirred.wait()
                alarm.cancel()

    def _look_again(self) -> None:
        """Start over from the state."""
        state = self._journal.state
        self._index = QueueIndex(state)
        self._moved = {task.id: task.last_position for task in in_order(state.tasks) if task.status in UNSETTLED}

    # -- what happened ----------------------------------------------------------------------------------------

    async def _watch(self, after: int) -> None:
        async for events in self._journal.follow(after):
            self._note(events)
            self._stirred.set()

    def _note(self, events: Sequence[StoredEvent]) -> None:
        state = self._journal.state
        self._spent = max(
            (event.position for event in events if isinstance(event.payload, UsageReported)), default=self._spent
        )
        moved = {event.aggregate_id: event.position for event in events if event.stream.startswith("task/")}
        for task_id, position in moved.items():
            task = state.tasks.get(task_id)
            if task is not None:
                self._index.update(task)
            if self._index.is_awaited(task_id) or (task is not None and task.status in UNSETTLED):
                self._moved[task_id] = position

    async def _alarm(self) -> None:
        """Stir when the next scheduled task, idle agent or parked profile is due; never without one."""
        changes = limits.next_change_us(self._journal.state, self._journal.clock.now())
        dues = [self._index.next_due_us(), None if self._held else self._retirement_us, changes]
        due = min((moment for moment in dues if moment is not None), default=None)
        if due is None:
            return
        seconds = (due - to_us(self._journal.clock.now())) / 1e6
        await self._journal.clock.sleep(min(max(seconds, SHORTEST_NAP_S), LONGEST_NAP_S))
        self._stirred.set()

    # -- what follows -----------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Move on the tasks that are due and those that wait for something that changed."""
        now = self._journal.clock.now()
        await self._journal.decide(lambda state: limits.unparking(state, now), actor=ACTOR)
        await self._journal.decide(
            lambda state: limits.to_tell(state, self._config, now), actor=ACTOR, cause=self._spent
        )
        causes = {task.id: task.last_position for task in self._index.due(self._journal.state, to_us(now))}
        moved, self._moved = self._moved, {}
        causes |= moved
        for task_id, position in moved.items():
            causes.update((task.id, position) for task in self._index.dependents(self._journal.state, task_id))
        for batch in batched(causes.items(), SETTLED_AT_ONCE):
            # By the same `now` for all of it: the clock may be set back, and who was due is not asked for again.
            await self._journal.decide(lambda state, batch=batch: self._settled(state, batch, now), actor=ACTOR)
            for task_id, _ in batch:  # the log tells us only after the next dispatch
                if (task := self._journal.state.tasks.get(task_id)) is not None:
                    self._index.update(task)

    def _settled(self, state: State, causes: Iterable[tuple[str, int]], now: datetime) -> list[Append]:
        appends: list[Append] = []
        for task_id, cause in causes:
            task = state.tasks.get(task_id)
            move = None if task is None else settle(task, now, state, self._config.retry, jitter)
            if task is not None and move is not None:
                appends.append(Append(f"task/{task_id}", [move], task.version, cause))
        return appends

    async def _staff(self) -> None:
        """Keep the pool between its limits."""
        if self._held:
            return
        now = self._journal.clock.now()
        async with self._journal.fleet:
            await self._journal.decide(lambda state: pool.fill(state, self._config), actor=ACTOR)
            due_us = pool.next_retirement_us(self._journal.state, self._config)
            if due_us is not None and due_us <= to_us(now):
                await self._journal.decide(lambda state: pool.retire(state, self._config, now), actor=ACTOR)
                due_us = pool.next_retirement_us(self._journal.state, self._config)
            self._retirement_us = due_us

    async def _dispatch(self) -> None:
        """Hand tasks to agents while both are there, as many in one transaction as may be."""
        while not self._held and await self._claimed_some():
            pass

    async def _claimed_some(self) -> bool:
        async with self._journal.fleet:
            return bool(await self._journal.decide(self._claims, actor=ACTOR))

    def _claims(self, state: State) -> list[Append]:
        self._index.put_back(state)
        session = state.sessions.get(self._journal.session_id)
        if self._held or session is None or session.status != "running":
            return []
        if limits.to_tell(state, self._config, self._journal.clock.now()):
            self._stirred.set()  # first it is told, and then looked at again
            return []
        fleet = Fleet(state, self._config)
        spawned: set[str] = set()
        appends: list[Append] = []
        for number in range(CLAIMED_AT_ONCE):
            task = self._next(state, fleet, longest_waiting=fair_turn(state.totals.claims + number))
            if task is None:
                break
            self._index.take(task)
            appends += self._claimed(state, fleet, task, spawned)
        return appends

    def _next(self, state: State, fleet: Fleet, *, longest_waiting: bool) -> Task | None:
        """The task that is claimed next, of those for which there is an agent or room for one."""
        open_profiles = [
            name for name in self._index.profiles(state) if not (placed := fleet.place(name)).reason or placed.spawn
        ]
        return self._index.best(state, open_profiles, longest_waiting=longest_waiting)

    def _claimed(self, state: State, fleet: Fleet, task: Task, spawned: set[str]) -> list[Append]:
        placement = fleet.place(task.profile)
        leaving = fleet.take(task.profile, placement)
        agent_id = placement.agent_id or pool.next_agent_id(state, task.profile, spawned)
        assigned: list[Payload] = [
            AgentTaskAssigned(task_id=task.id),
            AgentStatusChanged(
                previous="idle" if placement.agent_id else "starting", current="busy", reason=task.title
            ),
        ]
        if placement.agent_id is None:
            spawned.add(agent_id)
            assigned.insert(0, pool.spawning(agent_id, task.profile, self._config))
        claim = TaskClaimed(agent_id=agent_id, attempt=task.attempt + 1, fence=task.fence + 1)
        appends = [
            Append(f"agent/{agent_id}", assigned, None if placement.agent_id else 0, task.queued_position),
            Append(f"task/{task.id}", [claim], task.version, task.queued_position),
        ]
        if leaving is not None:
            makes_room = AgentTerminated(reason=f"makes room for {agent_id}")
            appends.insert(0, Append(f"agent/{leaving.id}", [makes_room], None, task.queued_position))
        return appends
