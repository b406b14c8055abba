"""Agent processes on this machine.

Invariants: the verdict on a run comes from its shim's reports, never from a stream's end or a wait for a pid; a run
that is over has nothing alive below it, or says what; every task belongs to the runner and ends with it.
Forbidden here: unbounded waits, except for a run that nobody asked to end.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from core.errors import LaunchFailed
from core.processes import launch, shim
from core.processes.identity import Identity, boot_id, started_at
from core.processes.ports import RunExit, RunSpec
from core.processes.reports import Empty, Exited, Failed, Started
from core.processes.spawn import ShimProcess
from core.processes.strays import end_run

START_LIMIT_S = 20.0
"""Spawn → first report; a machine that starts 64 agents at once needs seconds."""
ANSWER_SLACK_S = 3.0
"""How much later than its ladder may take a shim still counts as answering."""
CLOSE_LIMIT_S = 15.0
"""The longest that closing may take: KILL, its limit, the slack, a sweep and the last output."""


class LocalRun:
    """One agent under its shim."""

    def __init__(self, spec: RunSpec, process: ShimProcess, leader: Identity) -> None:
        self._spec, self._process, self._leader = spec, process, leader
        self._ended: asyncio.Future[RunExit] = asyncio.get_running_loop().create_future()
        self._exited: Exited | None = None
        self._asked_to_end = False
        self._give_up: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        return self._leader.pid

    @property
    def pid_started_at(self) -> int:
        return self._leader.pid_started_at

    @property
    def shim_pid(self) -> int:
        return self._process.pid

    @property
    def boot_id(self) -> str:
        return self._leader.boot_id

    @property
    def stdout(self) -> asyncio.StreamReader:
        return self._process.stdout.reader

    @property
    def stderr(self) -> asyncio.StreamReader:
        return self._process.stderr.reader

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        return self._process.stdin

    def stop(self) -> None:
        graces = self._spec.graces
        self._end(shim.STOP, graces.int_s + graces.term_s)

    def kill(self) -> None:
        self._end(shim.KILL, 0)

    def suspend(self) -> None:
        self._process.order(shim.SUSPEND)

    def resume(self) -> None:
        self._process.order(shim.RESUME)

    async def wait(self) -> RunExit:
        return await asyncio.shield(self._ended)

    def _end(self, order: int, ladder_s: float) -> None:
        if self._ended.done():
            return
        self._asked_to_end = True
        self._process.order(order)
        loop = asyncio.get_running_loop()
        due = loop.time() + ladder_s + shim.KILL_LIMIT_S + ANSWER_SLACK_S
        if self._give_up is None or due < self._give_up.when():
            self._stop_timer()
            self._give_up = loop.call_at(due, self._process.give_up)

    def _stop_timer(self) -> None:
        if self._give_up is not None:
            self._give_up.cancel()

    def forsake(self) -> None:
        """Do not wait until its output was taken; the runner's part."""
        self._process.forsake()

    async def follow(self) -> None:
        """Live with it until its verdict; the runner's part, done once."""
        try:
            verdict = await self._verdict()
        except BaseException:
            self._ended.set_result(self._lost(()))  # the runner abandons the shim now, which ends the tree
            raise
        finally:
            self._stop_timer()
        self._ended.set_result(verdict)

    async def _verdict(self) -> RunExit:
        while report := await self._process.next_report():
            match report:
                case Exited():
                    self._exited = report
                case Empty(survivors=survivors):
                    return self._told(survivors)
                case Started() | Failed():  # said once, before there was a run
                    continue
        known = [identity for identity in (self._leader, self._process.identity) if identity]
        swept = await end_run(self._spec.marker, known)
        return self._lost(tuple(stray.identity.pid for stray in swept.remaining))

    def _told(self, survivors: tuple[int, ...]) -> RunExit:
        exited = self._exited
        return RunExit(
            exit_code=exited.code if exited else None,
            signal=exited.signal if exited else None,
            stopped_by_us=exited.stopped if exited else self._asked_to_end,
            survivors=survivors,
        )

    def _lost(self, survivors: tuple[int, ...]) -> RunExit:
        stopped = self._exited.stopped if self._exited else self._asked_to_end
        return RunExit(exit_code=None, stopped_by_us=stopped, lost=True, survivors=survivors)


class LocalRunner:
    """Starts agents as processes of this machine; `async with` owns their tasks."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs: set[LocalRun] = set()
        self._closed = False
        self._boot_id = ""

    async def __aenter__(self) -> Self:
        self._boot_id = await asyncio.to_thread(boot_id)
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.aclose()
        finally:
            for task in self._tasks:
                task.cancel()  # there are some only if closing was cut short; their shims end the trees by themselves
            await self._group.__aexit__(None, None, None)  # not told of `error`, which it would wrap in a group

    async def start(self, spec: RunSpec) -> LocalRun:
        launch.check_spec(spec)
        if self._closed:
            raise launch.closed(spec)
        if not self._boot_id:
            raise RuntimeError("enter the runner before starting something: async with LocalRunner() as runner")
        launched: asyncio.Future[LocalRun] = asyncio.get_running_loop().create_future()
        task = self._group.create_task(self._carry(spec, launched))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await launched
        except asyncio.CancelledError:
            if launched.done() and not launched.cancelled() and not launched.exception():
                launched.result().kill()  # it started in the very moment in which nobody wanted it any more
            raise

    async def aclose(self) -> None:
        self._closed = True
        for run in self._runs:
            run.kill()
            run.forsake()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_LIMIT_S)
            for task in late:
                task.cancel()

    async def _carry(self, spec: RunSpec, launched: asyncio.Future[LocalRun]) -> None:
        """One run from birth to burial."""
        try:
            failure = await self._live(spec, launched)
            if failure and not launched.done():
                launched.set_exception(failure)
        finally:
            launched.cancel()  # does nothing unless we were ended from outside

    async def _live(self, spec: RunSpec, launched: asyncio.Future[LocalRun]) -> LaunchFailed | None:
        try:
            process = await ShimProcess.start(spec)
        except OSError as error:
            return launch.shim_refused(spec, error)
        try:
            failure = await self._serve(spec, process, launched)
        except BaseException:
            process.abandon()
            raise
        process.close()
        await process.reap()
        return failure

    async def _serve(
        self, spec: RunSpec, process: ShimProcess, launched: asyncio.Future[LocalRun]
    ) -> LaunchFailed | None:
        leader = await self._leader(spec, process)
        if isinstance(leader, LaunchFailed):
            return leader
        run = LocalRun(spec, process, leader)
        if launched.cancelled() or self._closed:
            run.kill()
            run.forsake()
        else:
            launched.set_result(run)
        self._runs.add(run)
        try:
            await run.follow()
            await process.drain()
        finally:
            self._runs.discard(run)
        return None if launched.done() else launch.closed(spec)

    async def _leader(self, spec: RunSpec, process: ShimProcess) -> Identity | LaunchFailed:
        """Who was started, or why nobody was; then nothing is left."""
        try:
            async with asyncio.timeout(START_LIMIT_S):
                report = await process.next_report()
        except TimeoutError:
            await self._sweep(spec, process)
            return launch.shim_silent(spec, START_LIMIT_S)
        match report:
            case Started(pid=pid, started_at=start):
                if start is None:
                    start = await asyncio.to_thread(started_at, pid) or 0  # 0: it is gone already
                return Identity(pid=pid, pid_started_at=start, boot_id=self._boot_id)
            case Failed():
                return await asyncio.to_thread(launch.agent_refused, spec, report)
            case _:
                await self._sweep(spec, process)
                return launch.shim_died(spec, await process.last_words())

    async def _sweep(self, spec: RunSpec, process: ShimProcess) -> None:
        await end_run(spec.marker, [process.identity] if process.identity else [])
