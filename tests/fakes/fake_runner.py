"""A runner of processes that are made up: they live for some turns of the event loop and end as chance has it."""

from __future__ import annotations

import asyncio
import random
from typing import Self

from core.errors import LaunchFailed
from core.processes import RunExit, RunSpec


class FakeRun:
    """One made-up process."""

    def __init__(self, runner: FakeRunner, spec: RunSpec, pid: int) -> None:
        self._runner, self._chance = runner, runner.chance
        self.task_id = spec.env.get("CW_TASK_ID", "")
        self.pid = self.shim_pid = self.pid_started_at = pid
        self.boot_id = "made up"
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        self.stdin = None
        self._over: asyncio.Future[RunExit] = asyncio.get_running_loop().create_future()
        self._going = asyncio.Event()
        self._going.set()

    async def live(self) -> None:
        for turn in range(self._chance.randrange(60)):
            await asyncio.sleep(0)
            await self._going.wait()
            if self._over.done():
                return
            if turn % 10 == 0:
                self.stdout.feed_data(b"a line\n")
        self._end(RunExit(exit_code=self._chance.choice([0, 0, 1]), lost=self._chance.random() < 0.05))

    def _end(self, verdict: RunExit) -> None:
        if not self._over.done():
            self._runner.active.discard(self)
            self.stdout.feed_eof()
            self.stderr.feed_eof()
            self._over.set_result(verdict)

    def stop(self) -> None:
        self._going.set()
        self._end(RunExit(exit_code=None, signal="SIGINT", stopped_by_us=True))

    def kill(self) -> None:
        self.stop()

    def suspend(self) -> None:
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    async def wait(self) -> RunExit:
        return await asyncio.shield(self._over)


class FakeRunner:
    """Starts them, now and then refuses, and knows which are alive."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.active: set[FakeRun] = set()
        self._pid = 0
        self._tasks: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()
        assert self._tasks is not None
        await self._tasks.__aexit__(None, None, None)

    async def start(self, spec: RunSpec) -> FakeRun:
        for _ in range(self.chance.randrange(20)):
            await asyncio.sleep(0)
        if self.chance.random() < 0.05:
            raise LaunchFailed("chance would not have it")
        self._pid += 1
        run = FakeRun(self, spec, self._pid)
        assert not [one for one in self.active if one.task_id == run.task_id], f"{run.task_id} runs twice at once"
        self.active.add(run)
        assert self._tasks is not None
        self._tasks.create_task(run.live())
        return run

    async def aclose(self) -> None:
        for run in list(self.active):
            run.kill()
