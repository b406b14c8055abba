"""A service: an agent that runs its profile's own command, and is started again by the profile's policy."""

from __future__ import annotations

import asyncio
from collections import deque

from core.agents.command import ERROR_CHARACTERS, failure_of, prepare
from core.agents.context import Context, to_agent
from core.agents.supervised import SupervisedProcess
from core.concurrency import task_group
from core.config import Restart
from core.errors import LaunchFailed
from core.events import (
    AgentFailed,
    AgentRestarting,
    AgentStarted,
    AgentStopped,
    AgentTerminated,
    Payload,
)
from core.ids import jitter
from core.processes import RunExit

ACTOR = "supervisor"


class Service:
    """Runs until it is ended, or until its policy gives it up."""

    def __init__(self, context: Context, agent_id: str, profile_name: str, cause: int) -> None:
        self._context = context
        self._cause = cause
        """Position of what the next event follows from: the spawn, then each event in turn."""
        self.agent_id, self._profile_name = agent_id, profile_name
        self._process: SupervisedProcess | None = None
        self._ended = asyncio.Event()
        self._force = self._suspended = False
        self._starts: deque[float] = deque()
        self._attempt = 0

    def end(self, *, cause: int | None = None, force: bool = False) -> None:
        """End it for good: gently, or at once with `force`."""
        if not self._ended.is_set():
            self._cause = cause or self._cause
            self._ended.set()
        self._force |= force
        if self._process is not None:
            self._process.stop(force=force)

    async def suspend(self) -> None:
        """Freeze its processes; one that does not exist yet is frozen once it does."""
        self._suspended = True
        if self._process is not None:
            self._process.suspend()

    async def resume(self) -> None:
        """Let it go on."""
        self._suspended = False
        if self._process is not None:
            self._process.resume()

    async def run(self) -> None:
        """Start it, and again as its policy says, until it is over.

        Raises:
            LogVanished, LogClosed: the log is gone; no process is left.
        """
        while not self._ended.is_set():
            failure = await self._once()
            if self._ended.is_set() or not await self._again(failure):
                break
        if self._ended.is_set():
            await self._tell(AgentTerminated(reason="stopped"))

    async def _once(self) -> str | None:
        """One run of the process: what went wrong, or None."""
        self._attempt += 1
        try:
            process, end = await self._ran()
        except LaunchFailed as failed:
            await self._tell(AgentFailed(error=str(failed)[:ERROR_CHARACTERS]))
            return str(failed)
        failure = "its process was lost" if end.lost else failure_of(end, process.last_words)
        if failure is None or self._ended.is_set():
            await self._tell(AgentStopped(exit_code=end.exit_code, signal=end.signal, reason=failure or ""))
            return None
        await self._tell(AgentFailed(error=failure, exit_code=end.exit_code, signal=end.signal))
        return failure

    async def _ran(self) -> tuple[SupervisedProcess, RunExit]:
        profile = self._context.profile(self._profile_name)
        marker = f"{self._context.journal.log.log_id}/{self.agent_id}/{self._attempt}"
        prepared = await asyncio.to_thread(
            prepare, self._context, profile, agent_id=self.agent_id, marker=marker, task=None, names={}
        )
        process = self._process = SupervisedProcess(self._context, prepared, self.agent_id, "", "", lambda: self._cause)
        if self._suspended:
            process.suspend()
        if self._ended.is_set():
            process.stop(force=self._force)
        async with process.running() as run:
            started = AgentStarted(
                pid=run.pid, pid_started_at=run.pid_started_at, shim_pid=run.shim_pid, boot_id=run.boot_id,
                attempt=self._attempt,
            )  # fmt: skip
            await self._tell(started)
            end = await process.finish()
        self._suspended = False  # what was frozen is gone
        return process, end

    async def _again(self, failure: str | None) -> bool:
        """Whether it is to be started again; waits the backoff out."""
        profile = self._context.config().profile(self._profile_name)
        policy = Restart() if profile is None else profile.restart
        if policy.when == "never" or (policy.when == "on-failure" and failure is None):
            return False
        now = self._context.journal.clock.monotonic()
        self._starts.append(now)
        while self._starts and now - self._starts[0] > policy.window / 1000:
            self._starts.popleft()
        if len(self._starts) > policy.max_restarts:
            minutes = policy.window / 60_000
            await self._tell(AgentFailed(error=f"gave up: {policy.max_restarts} restarts in {minutes:g} minutes"))
            return False
        delay_ms = round(_backoff_ms(policy, len(self._starts)))
        await self._tell(AgentRestarting(attempt=self._attempt + 1, delay_ms=delay_ms, reason=failure or "ended"))
        await self._wait_or_ended(delay_ms / 1000)
        return not self._ended.is_set()

    async def _wait_or_ended(self, seconds: float) -> None:
        async with task_group() as tasks:
            waiting = tasks.create_task(self._context.journal.clock.sleep(seconds), name="restart delay")
            ended = tasks.create_task(self._ended.wait(), name="ended")
            await asyncio.wait([waiting, ended], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            ended.cancel()

    async def _tell(self, event: Payload) -> None:
        append = to_agent(self.agent_id, event)
        stored = await self._context.journal.record_fact(lambda _: [append], actor=ACTOR, cause=self._cause)
        if not self._ended.is_set():
            self._cause = stored[-1].position


def _backoff_ms(policy: Restart, restarts: int) -> float:
    limit = min(policy.max_backoff, policy.backoff * 2 ** min(restarts - 1, 32))
    return limit / 2 + jitter(limit / 2)  # never at once: a crash loop must be visible as one
