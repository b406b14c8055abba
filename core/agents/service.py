"""A service: an agent that runs its profile's own command, and is started again by the profile's policy."""

from __future__ import annotations

import asyncio
from collections import deque

from core.agents.adapters import process_for
from core.agents.command import ERROR_CHARACTERS, failure_of
from core.agents.context import Context, our_mistake, to_agent
from core.agents.supervised import SupervisedProcess
from core.concurrency import task_group
from core.config import Profile, Restart
from core.errors import LaunchFailed, LogError
from core.events import (
    AgentFailed,
    AgentRestarting,
    AgentStarted,
    AgentStopped,
    AgentTerminated,
    Append,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStarted,
    Payload,
    StoredEvent,
)
from core.ids import jitter
from core.journal import Decision
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
        self.execution_id = ""
        """Of the process that runs, when its adapter speaks a protocol."""

    def end(self, *, cause: int | None = None, force: bool = False) -> None:
        """End it for good: gently, or at once with `force`."""
        if not self._ended.is_set():
            self._cause = cause or self._cause
            self._ended.set()
        self._force |= force
        if self._process is not None:
            self._process.stop(force=force)

    def react(self, event: StoredEvent) -> bool:
        """What others appended to its execution's stream, for the adapter; whether it sees to it."""
        return self._process is not None and self._process.react(event)

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
            failure, end = await self._ran()
        except LaunchFailed as failed:
            return await self._failed(str(failed))
        except LogError:
            raise
        except Exception as error:  # noqa: BLE001  kept and told
            return await self._failed(await our_mistake(self._context, error))
        if failure is None or self._ended.is_set():
            await self._end_execution("")
            await self._tell(AgentStopped(exit_code=end.exit_code, signal=end.signal, reason=failure or ""))
            return None
        await self._end_execution(failure)
        await self._tell(AgentFailed(error=failure, exit_code=end.exit_code, signal=end.signal))
        return failure

    async def _failed(self, error: str) -> str:
        """There is no end of a process to tell of."""
        await self._end_execution(error)
        await self._tell(AgentFailed(error=error[:ERROR_CHARACTERS]))
        return error

    async def _ran(self) -> tuple[str | None, RunExit]:
        """What went wrong, and how the process ended."""
        profile = self._context.profile(self._profile_name)
        run_name = f"{self.agent_id}/{self._attempt}"
        await self._start_execution(profile)
        process = self._process = await process_for(
            self._context, profile, lambda: self._cause, agent_id=self.agent_id, run_name=run_name,
            execution_id=self.execution_id, conversation_id=self._conversation(),
        )  # fmt: skip
        if self._suspended:
            process.suspend()
        if self._ended.is_set():
            process.stop(force=self._force)
        async with process.running() as run:
            started = AgentStarted(
                pid=run.pid, pid_started_at=run.pid_started_at, shim_pid=run.shim_pid, boot_id=run.boot_id,
                attempt=self._attempt, execution_id=self.execution_id,
            )  # fmt: skip
            await self._tell(started)
            end, outcome = await process.finish()
        self._suspended = False  # what was frozen is gone
        if end.lost:
            return "its process was lost", end
        if outcome is not None:
            return outcome.text if outcome.status == "failed" else None, end
        return failure_of(end, process.last_words), end

    def _conversation(self) -> str:
        """The conversation a process of before had, which the next one goes on with."""
        agent = self._context.journal.state.agents.get(self.agent_id)
        return (agent.conversation_id or "") if agent is not None else ""

    async def _start_execution(self, profile: Profile) -> None:
        """What a protocol tells is recorded on an execution; a mere command has nothing but output."""
        self.execution_id = ""
        if profile.adapter != "command":
            self.execution_id = f"{self.agent_id}.{self._attempt}"
            started = ExecutionStarted(agent_id=self.agent_id)
            await self._record(lambda _: [Append(f"execution/{self.execution_id}", [started])])

    async def _end_execution(self, failure: str) -> None:
        if self.execution_id:
            ended = ExecutionFailed(error=failure[:ERROR_CHARACTERS]) if failure else ExecutionCompleted()
            await self._record(lambda _: [Append(f"execution/{self.execution_id}", [ended])])

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
        await self._record(lambda _: [append])

    async def _record(self, decision: Decision) -> None:
        stored = await self._context.journal.record_fact(decision, actor=ACTOR, cause=self._cause)
        if not self._ended.is_set():
            self._cause = stored[-1].position


def _backoff_ms(policy: Restart, restarts: int) -> float:
    limit = min(policy.max_backoff, policy.backoff * 2 ** min(restarts - 1, 32))
    return limit / 2 + jitter(limit / 2)  # never at once: a crash loop must be visible as one
