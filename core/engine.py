"""The engine: builds everything, starts it in order, and ends it in the reverse order.

    directory → lock and log → fold → leftovers ended and settled → session → scheduler and supervisor

All tasks belong to one group. Leaving the `async with` stops what runs, queues its tasks again and closes the
session, within bounds.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from core.agents.context import Context
from core.agents.supervisor import Supervisor
from core.api.server import AgentTools
from core.clock import Clock, SystemClock
from core.commands import Commands
from core.concurrency import task_group
from core.config import Config
from core.control import controlled
from core.errors import CannotOpen, LogClosed, StorageFailed
from core.events import (
    AgentTerminated,
    Append,
    SessionClosed,
    SessionStarted,
    TaskCancelRequested,
)
from core.history import Indexer, Timeline
from core.journal import Journal
from core.log import EventLog
from core.processes.local import LocalRunner
from core.project import Project
from core.projections import State, in_order
from core.queries import Queries
from core.reloading import Reloading, limits, tell_once
from core.scheduling.policy import alive, in_flight
from core.scheduling.recovery import Recovered, recover
from core.scheduling.scheduler import Scheduler
from core.settings import Reading, Settings, load_config

STOP_LIMIT_S = 12.0  # the whole ladder, the last output and the verdicts of everything that ran
KILL_LIMIT_S = 3.0  # KILL → the verdicts of what did not end in that time

CloseMode = Literal["requeue", "cancel", "wait"]
"""What becomes of running tasks: stopped and queued again, stopped and cancelled, or waited for."""


class Desk:
    """A project opened for writing, with nothing running: enough to enqueue, cancel or look."""

    def __init__(
        self, project: Project, config: Config, journal: Journal, recovered: Recovered | None,
        timeline: Timeline | None = None, indexer: Indexer | None = None,
    ) -> None:  # fmt: skip
        self.project, self.config, self.journal, self.recovered = project, config, journal, recovered
        self.commands = Commands(journal, lambda: self.config)
        self.timeline = timeline or Timeline(journal.log)
        self.indexer = indexer
        """Only where the log is owned."""
        self.queries = Queries(journal, self.timeline, lambda: self.config)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, project_dir: str | Path, *, config: Config | None = None, clock: Clock | None = None
    ) -> AsyncGenerator[Desk, None]:
        """Own the project's log for the length of an `async with`; what a crash left behind is settled first.

        Raises:
            CannotOpen: the project cannot be opened, or another process owns it; nothing was changed.
            ConfigError
        """
        clock = clock or SystemClock()
        project = await asyncio.to_thread(_prepared, project_dir)
        if config is None:
            config = await asyncio.to_thread(load_config, project.root)
        async with EventLog.open(project.log, clock=clock) as log:
            timeline = Timeline(log)
            async with Indexer.open(log, timeline) as indexer:
                await indexer.catch_up()
                journal = Journal(log, await timeline.state_at(await log.head()), clock, tenant=config.tenant)
                yield cls(project, config, journal, await recover(journal), timeline, indexer)

    @classmethod
    @asynccontextmanager
    async def observe(cls, project_dir: str | Path, *, clock: Clock | None = None) -> AsyncGenerator[Desk, None]:
        """Look at a project's log, which another process may own; nothing is ever written, commands are refused.

        Raises:
            CannotOpen: there is no log yet, or it cannot be read.
            ConfigError
        """
        clock = clock or SystemClock()
        project = await asyncio.to_thread(_existing, project_dir)
        config = await asyncio.to_thread(load_config, project.root)
        async with EventLog.open(project.log, read_only=True, clock=clock) as log:
            timeline = Timeline(log)
            state = await timeline.state_at(await log.head())
            yield cls(project, config, Journal(log, state, clock, tenant=config.tenant), None, timeline)


class Engine:
    """A project with its scheduler and its agents running. Made by `open`."""

    def __init__(
        self, desk: Desk, scheduler: Scheduler, supervisor: Supervisor, tools: AgentTools,
        reading: Reading | None = None,
    ) -> None:  # fmt: skip
        self.desk = desk
        self.reloading = None if reading is None else Reloading(reading, desk.journal, self.reconfigure)
        self.project, self.journal = desk.project, desk.journal
        self.timeline, self.queries = desk.timeline, desk.queries
        self.commands = EngineCommands(self)
        self.scheduler, self.supervisor, self.tools = scheduler, supervisor, tools
        self._close_reason: Literal["quit", "signal"] = "quit"
        self._closed = False

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.desk.config

    @property
    def misconfigured(self) -> str:
        """Why what is configured now is not in force; empty when it is."""
        return "" if self.reloading is None else self.reloading.refused

    @property
    def recovered(self) -> Recovered | None:
        """What had to be settled at the start, if anything."""
        return self.desk.recovered

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        project_dir: str | Path,
        *,
        config: Config | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Engine, None]:
        """Run the project's fleet for the length of an `async with`.

        It follows the project's settings as they are changed, or those given; a `config` stays what it is.

        Raises:
            CannotOpen: the project cannot be opened, or another process owns it; nothing was changed.
            ConfigError
        """
        environment = os.environ if environment is None else environment
        reading = None
        if config is None:
            reading = await asyncio.to_thread(_read, settings, project_dir)
            config = reading.config
        async with (
            Desk.open(project_dir, config=config, clock=clock) as desk,
            AgentTools.ready(desk.journal, desk.commands, lambda: desk.config, desk.project, environment) as tools,
            LocalRunner() as runner,
        ):
            context = Context(
                journal=desk.journal,
                runner=runner,
                project=desk.project.root,
                environment=environment,
                config=lambda: desk.config,
                tools=tools,
            )
            await _begin(desk)
            if reading is not None:
                await tell_once(reading, desk.journal)
            engine = cls(desk, Scheduler(desk.journal, desk.config), Supervisor(context), tools, reading)
            async with task_group() as tasks, controlled(engine.commands, desk.project):
                running = [
                    tasks.create_task(engine.supervisor.run(), name="supervisor"),
                    tasks.create_task(engine.scheduler.run(), name="scheduler"),
                ]
                if desk.indexer is not None:
                    running.append(tasks.create_task(desk.indexer.run(), name="indexer"))
                if engine.reloading is not None:
                    running.append(tasks.create_task(engine.reloading.run(), name="follow the configuration"))
                try:
                    yield engine
                finally:
                    await engine.close("requeue")
                    for task in running:
                        task.cancel()

    def reconfigure(self, config: Config) -> None:
        """Use another configuration from here on: the next decision is taken by it, and what runs goes on."""
        self.desk.config = config
        self.scheduler.reconfigure(config)

    def signalled(self) -> None:
        """Remember that a signal ends the session, not the user."""
        self._close_reason = "signal"

    async def close(self, mode: CloseMode) -> None:
        """End the session: nothing is claimed any more, and what runs is waited for or stopped. Once only.

        Bounded, except for `wait`: what does not end in time is killed.
        """
        if self._closed:
            return
        await self._hold()
        if mode == "wait":
            await self.supervisor.idle()
        with suppress(StorageFailed, LogClosed):
            # If this cannot be stored, the next start will find the session open and call it lost, which it then is.
            if mode == "cancel":
                await self.journal.decide(_cancel_requests, actor="user")
            await self._end_all()
            await self.tools.dismiss_all()
            async with self.journal.fleet:
                await self.journal.decide(self._closed_session, actor="user")
        self._closed = True

    async def idle(self) -> None:
        """Claim nothing any more, and return when no task is in the hands of an agent; `stay` takes it back."""
        await self._hold()
        await self.supervisor.idle()

    def stay(self) -> None:
        """Claim again, after `idle`."""
        self.scheduler.release()

    async def _hold(self) -> None:
        self.scheduler.hold()
        async with self.journal.fleet:
            pass  # a claim that was on its way is in the log now

    async def _end_all(self) -> None:
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self.supervisor.end_all()
        except TimeoutError:
            self.supervisor.kill_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(KILL_LIMIT_S):
                    await self.supervisor.end_all()

    def _closed_session(self, state: State) -> list[Append]:
        session = state.sessions.get(self.journal.session_id)
        if session is None or session.status == "closed" or in_flight(state):
            return []  # what is in flight all the same is for the next start to settle
        closed = Append(f"session/{self.journal.session_id}", [SessionClosed(reason=self._close_reason)])
        leaving = [Append(f"agent/{agent.id}", [AgentTerminated(reason="quit")]) for agent in alive(state)]
        return [*leaving, closed]


class EngineCommands(Commands):
    """The commands of a running engine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.journal, lambda: engine.config)
        self._engine = engine

    async def close_session(self, mode: CloseMode = "requeue") -> None:
        """End the session: see `CloseMode`. Returns when nothing runs any more."""
        await self._engine.close(mode)


def _read(settings: Settings | None, project_dir: str | Path) -> Reading:
    return (settings or Settings(Path(project_dir).absolute())).read()


def _prepared(project_dir: str | Path) -> Project:
    project = Project(Path(project_dir).absolute())
    project.prepare()
    return project


def _existing(project_dir: str | Path) -> Project:
    project = Project(Path(project_dir).absolute())
    if not project.log.exists():
        raise CannotOpen(str(project.log), "there is none yet; `cw`, `cw add` or `cw run` begins one")
    return project


def _cancel_requests(state: State) -> list[Append]:
    """The wish that all that runs be cancelled, before any of it is stopped."""
    return [
        Append(f"task/{task.id}", [TaskCancelRequested(reason="quit")], task.version)
        for task in in_flight(state)
        if not task.cancel_requested
    ]


async def _begin(desk: Desk) -> None:
    """Start a session, as the next of those there were."""
    release = await asyncio.to_thread(version, "codewalkers")  # reads the disk

    def decide(state: State) -> list[Append]:
        sessions = in_order(state.sessions)
        session_id = desk.journal.session_id = f"S-{len(sessions) + 1}"
        started = SessionStarted(
            session_id=session_id, version=release, pid=os.getpid(), host=platform.node(),
            previous_session_id=sessions[-1].id if sessions else None,
        )  # fmt: skip
        return [Append(f"session/{session_id}", [started], 0), *limits(state, desk.config)]

    await desk.journal.decide(decide, actor="user")
