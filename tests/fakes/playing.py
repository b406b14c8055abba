"""The queue played by hand: a real log, desk and scheduler, taken step by step in an event loop of one's own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from fakes.stage import SteppedClock

from core.agents.attempt import Attempt, Verdict
from core.agents.context import Context
from core.agents.supervisor import _leave
from core.config import Config, Profile, Retry
from core.engine import Desk, Engine, _begin
from core.errors import IllegalMove
from core.events import Append, ExecutionStarted, TaskClaimed
from core.processes.local import LocalRunner
from core.projections import State
from core.scheduling.scheduler import Scheduler

T = TypeVar("T")

CONFIG = Config(
    max_agents=3,
    retry=Retry(backoff="10s", max_backoff="40s"),
    profiles={"other": Profile(max=1, min=1)},
)


@dataclass
class Process:
    """What a runner would answer with."""

    pid: int
    pid_started_at: int = 1
    shim_pid: int = 1
    boot_id: str = "boot"


class Player:
    """An attempt whose process is somebody's word."""

    def __init__(self, context: Context, claim: TaskClaimed, task_id: str, position: int) -> None:
        self.attempt = Attempt(context, claim.agent_id, task_id, claim.attempt, claim.fence, position)
        self.task_id, self.agent_id, self.fence = task_id, claim.agent_id, claim.fence
        self.stage = "claimed"

    async def go_on(self) -> None:
        """What the supervisor would append next."""
        if self.stage == "claimed":
            await self.attempt._tell(ExecutionStarted(task_id=self.task_id, agent_id=self.agent_id))
            self.stage = "begun"
        elif self.stage == "begun":
            await self.attempt._record(lambda state: self.attempt._started(state, Process(self.fence)))
            self.stage = "running"

    async def conclude(self, outcome: str, *, retryable: bool = True) -> None:
        verdict = Verdict(outcome=outcome, text=outcome, retryable=retryable)
        await self.attempt._record(lambda state: self.attempt._concluded(state, verdict))

    async def conclude_too_late(self, outcome: str) -> None:
        """A verdict of an attempt that is long over: nothing but what it says about the task."""

        def decide(state: State) -> list[Append]:
            appends = self.attempt._concluded(state, Verdict(outcome=outcome, text="late"))
            return [append for append in appends if append.stream.startswith("task/")]

        await self.attempt._record(decide)


class Game:
    """One project through any number of sessions. Every method returns when all it caused is in the log."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._directory = Path(tempfile.mkdtemp())
        self._orders: asyncio.Queue[tuple[Coroutine[Any, Any, Any], asyncio.Future[Any]] | None] = asyncio.Queue()
        self.clock = SteppedClock()
        self._no_luck = mock.patch("core.scheduling.scheduler.jitter", lambda limit: limit)
        self._no_luck.start()
        self.playing: dict[str, Player] = {}
        """Agent → what it works on."""
        self.ghosts: list[Player] = []
        """Attempts of earlier sessions, and those that are over."""
        self.open()

    # -- sessions ---------------------------------------------------------------------------------------------

    def open(self) -> None:
        ready = self._loop.create_future()
        self._server = self._loop.create_task(self._serve(ready))
        self.desk: Desk = self._loop.run_until_complete(ready)
        self.journal, self.commands = self.desk.journal, self.desk.commands
        self.reopened_with = self.journal.state
        self._seen = self.journal.state.position
        self.context = Context(self.journal, LocalRunner(), self._directory, {}, lambda: CONFIG)
        for ghost in self.ghosts:
            ghost.attempt._context = self.context
        self.do(_begin(self.desk))
        self.scheduler = Scheduler(self.journal, CONFIG)
        self.scheduler._look_again()
        self._seen = self.journal.state.position

    async def _serve(self, ready: asyncio.Future[Desk]) -> None:
        async with Desk.open(self._directory, config=CONFIG, clock=self.clock) as desk:
            ready.set_result(desk)
            while order := await self._orders.get():
                work, answer = order
                try:
                    answer.set_result(await work)
                except Exception as error:
                    answer.set_exception(error)

    def crash(self) -> None:
        """The process is gone; the log is what is left."""
        self._orders.put_nowait(None)
        self._loop.run_until_complete(self._server)
        self.ghosts += self.playing.values()
        self.playing.clear()

    def quit(self) -> None:
        for player in list(self.playing.values()):
            player.attempt.end("quit")
            self.conclude(player, "requeued")
        engine = Engine(self.desk, self.scheduler, mock.Mock(), mock.Mock())
        self.do(self.journal.decide(engine._closed_session, actor="user"))
        self.crash()

    def end(self) -> None:
        self.crash()
        self._no_luck.stop()
        self._loop.close()
        shutil.rmtree(self._directory)

    # -- steps ------------------------------------------------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        answer: asyncio.Future[T] = self._loop.create_future()
        self._orders.put_nowait((work, answer))
        try:
            return self._loop.run_until_complete(answer)
        finally:
            self._follow()

    def ask(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do what a user asks for; whether it was legal."""
        try:
            self.do(work)
        except IllegalMove:
            return False
        return True

    def _follow(self) -> None:
        events = self.journal.log.tail.since(self._seen)
        assert events is not None
        self._seen = self.journal.log.tail.head
        if not hasattr(self, "scheduler"):
            return
        self.scheduler._note(events)
        for event in events:
            if isinstance(event.payload, TaskClaimed):
                player = Player(self.context, event.payload, event.aggregate_id, event.position)
                assert player.agent_id not in self.playing, "an agent has one task at a time"
                self.playing[player.agent_id] = player

    def conclude(self, player: Player, outcome: str, *, retryable: bool = True) -> None:
        self.playing.pop(player.agent_id)
        self.ghosts.append(player)
        self.do(player.conclude(outcome, retryable=retryable))

    def stop_agent(self, agent_id: str) -> None:
        if not self.ask(self.commands.stop_agent(agent_id)):
            return
        player = self.playing.get(agent_id)
        if player is not None:
            player.attempt.end("stop")
            self.conclude(player, "lost")
        else:
            self.do(self.journal.decide(lambda state: _leave(state, agent_id), actor="supervisor"))

    def settle(self) -> None:
        self.do(self.scheduler._settle())

    def come_to_rest(self) -> None:
        """Settle until nothing follows from anything any more."""
        before = -1
        while before != self.journal.state.position:
            before = self.journal.state.position
            self.settle()
