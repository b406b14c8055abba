"""One attempt at a task by one agent: from a claim to a verdict, every step an event.

    claimed → [execution:started] → process → [agent:started, task:started] → output → [verdict]

The verdict is one append: how the execution ended, what became of the task, and that the agent is free. What
follows from a failure or a loss is the scheduler's part.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from core.agents.adapters import process_for
from core.agents.command import ERROR_CHARACTERS, failure_of
from core.agents.context import Context, our_mistake, to_agent
from core.agents.decoding import Outcome
from core.agents.draft import NOTICE
from core.agents.parking import parking, rests_until
from core.agents.supervised import SupervisedProcess
from core.agents.timer import Timer
from core.concurrency import task_group
from core.config import Profile
from core.errors import LaunchFailed, LogError
from core.events import (
    AgentStarted,
    AgentStatusChanged,
    AgentStopped,
    AgentTaskCompleted,
    AgentTerminated,
    Append,
    CustomRecorded,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionPaused,
    ExecutionResumed,
    ExecutionStarted,
    Payload,
    StoredEvent,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskLost,
    TaskRequeued,
    TaskStaleResult,
    TaskStarted,
)
from core.ids import execution_id
from core.journal import Decision
from core.processes import Run, RunExit
from core.projections import State
from core.projections.moves import IN_FLIGHT

Ending = Literal["cancel", "timeout", "quit", "stop"]
"""Why we ended an attempt ourselves."""

ACTOR = "supervisor"
RESULT_CHARACTERS = 2_000
PAUSED = "the agent is paused"
CANCELLED = "cancelled by the user"


class Verdict(Struct, frozen=True, kw_only=True):
    """How an attempt ended."""

    outcome: Literal["completed", "failed", "cancelled", "requeued", "lost"]
    text: str = ""
    """The result, the error or the reason."""
    retryable: bool = True
    end: RunExit | None = None
    """None when no process ever existed."""
    rests_until: datetime | None = None
    """Set when a rate limit ended it: its profile is parked until then."""


class Attempt:
    """Runs once; orders may come at any time."""

    def __init__(self, context: Context, agent_id: str, task_id: str, attempt: int, fence: int, cause: int) -> None:
        self._context = context
        self._cause = cause
        """Position of what the next event follows from: the claim, then the start, or the order to end."""
        self.agent_id, self.task_id, self._fence = agent_id, task_id, fence
        self.execution_id = execution_id(task_id, attempt)
        self._attempt = attempt
        self._process: SupervisedProcess | None = None
        self._ending: Ending | None = None
        self._suspended = False
        self._timer: Timer | None = None
        self._begun_at = 0.0
        self._early: list[StoredEvent] = []
        """What it was to react to before there was a process."""

    def end(self, why: Ending, *, cause: int | None = None, force: bool = False) -> None:
        """End it: gently, or at once with `force`. The first reason is the one that counts."""
        if self._ending is None:
            self._ending = why
            self._cause = cause or self._cause
        if self._process is not None:
            self._process.stop(force=force)

    def react(self, event: StoredEvent) -> bool:
        """What others appended to its execution's stream, for the adapter; whether it sees to it."""
        if self._process is not None:
            return self._process.react(event)
        self._early.append(event)
        return True

    async def suspend(self) -> None:
        """Freeze its processes and its time limit; a process that does not exist yet is frozen once it does."""
        if self._suspended:
            return
        self._suspended = True
        if self._process is not None:
            self._process.suspend()
        if self._timer is not None:
            self._timer.pause()
        await self._note("running", ExecutionPaused(reason=PAUSED))

    async def resume(self) -> None:
        """Let it go on."""
        self._suspended = False
        if self._process is not None:
            self._process.resume()
        if self._timer is not None:
            self._timer.resume()
        await self._note("paused", ExecutionResumed())

    async def run(self) -> None:
        """From the claim to the verdict.

        Raises:
            LogVanished, LogClosed: the log is gone; no process is left.
        """
        self._begun_at = self._context.journal.clock.monotonic()
        try:
            verdict = await self._tried()
        except LaunchFailed as failed:
            verdict = Verdict(outcome="failed", text=str(failed)[:ERROR_CHARACTERS], retryable=False)
        except LogError:
            raise
        except Exception as error:  # noqa: BLE001  kept and told
            verdict = Verdict(outcome="failed", text=await our_mistake(self._context, error), retryable=False)
        await self._record(lambda state: self._concluded(state, verdict))

    # -- running it -------------------------------------------------------------------------------------------

    async def _tried(self) -> Verdict:
        created = await self._created()
        if self._ending is not None:
            return self._ended_by_us(None)
        self._cause = await self._tell(ExecutionStarted(task_id=self.task_id, agent_id=self.agent_id))
        profile = self._context.profile(created.profile)
        process = self._process = await process_for(
            self._context,
            profile,
            lambda: self._cause,
            agent_id=self.agent_id,
            run_name=f"{self.agent_id}/{self.execution_id}",
            task=created,
            task_id=self.task_id,
            execution_id=self.execution_id,
        )
        for event in self._early:
            process.react(event)
        if self._ending is not None:
            return self._ended_by_us(None)
        if self._suspended:
            process.suspend()
        async with process.running() as run:
            started = await self._record(lambda state: self._started(state, run))
            if self._ending is None:
                self._cause = started
            return await self._finished(process, created, profile)

    async def _finished(self, process: SupervisedProcess, created: TaskCreated, profile: Profile) -> Verdict:
        limit_ms = created.timeout_ms or profile.timeout
        async with task_group() as tasks:
            if limit_ms is not None:
                self._timer = Timer(self._context.journal.clock, tasks, limit_ms / 1000, lambda: self.end("timeout"))
                if not self._suspended:
                    self._timer.resume()
            end, outcome = await process.finish()
            if self._timer is not None:
                self._timer.pause()
                self._timer = None
        status = None if outcome is None else outcome.status
        if end.lost and status != "completed":
            return Verdict(outcome="lost", text="its process was lost", end=end)
        if self._ending is not None and (status == "cancelled" or (end.stopped_by_us and status != "completed")):
            return self._ended_by_us(end, limit_ms)
        until = rests_until(outcome, self._context.journal.clock.now())
        if until is not None and outcome is not None:
            return Verdict(outcome="requeued", text=outcome.text[:ERROR_CHARACTERS], end=end, rests_until=until)
        return _verdict(process, end, outcome)

    def _ended_by_us(self, end: RunExit | None, limit_ms: int | None = None) -> Verdict:
        match self._ending:
            case "cancel":
                return Verdict(outcome="cancelled", text=CANCELLED, end=end)
            case "timeout":
                return Verdict(outcome="failed", text=f"timed out after {(limit_ms or 0) / 1000:g} s", end=end)
            case "quit":
                return Verdict(outcome="requeued", text="quit", end=end)
            case _ if end is None:
                return Verdict(outcome="requeued", text=f"agent {self.agent_id} was stopped", end=end)
            case _:
                return Verdict(outcome="lost", text=f"agent {self.agent_id} was stopped", end=end)

    # -- recording it -----------------------------------------------------------------------------------------

    async def _created(self) -> TaskCreated:
        events = self._context.journal.log.read(
            branch=self._context.journal.branch, streams=[f"task/{self.task_id}"], types=[TaskCreated.type], limit=1
        )
        async for event in events:
            if isinstance(event.payload, TaskCreated):
                return event.payload
        raise LaunchFailed("the log does not say what it should do")

    async def _record(self, decision: Decision) -> int:
        """Record what happened; the position of the last event of it."""
        stored = await self._context.journal.record_fact(decision, actor=ACTOR, cause=self._cause)
        return stored[-1].position

    async def _tell(self, event: Payload) -> int:
        append = Append(f"execution/{self.execution_id}", [event])
        return await self._record(lambda _: [append])

    async def _note(self, status: str, event: Payload) -> None:
        await self._context.journal.record_fact(
            lambda state: self._noted(state, status, event), actor=ACTOR, cause=self._cause
        )

    def _noted(self, state: State, status: str, event: Payload) -> list[Append]:
        """The event, if the execution has begun and is in that status."""
        execution = state.executions.get(self.execution_id)
        fits = execution is not None and execution.status == status
        return [Append(f"execution/{self.execution_id}", [event])] if fits else []

    def _started(self, state: State, run: Run) -> list[Append]:
        started = AgentStarted(
            pid=run.pid, pid_started_at=run.pid_started_at, shim_pid=run.shim_pid, boot_id=run.boot_id,
            attempt=self._attempt, execution_id=self.execution_id,
        )  # fmt: skip
        agent, task = state.agents.get(self.agent_id), state.tasks.get(self.task_id)
        paused = agent is not None and agent.status == "paused"
        moves: list[Payload] = []
        if task is not None and task.status == "claimed" and task.fence == self._fence:
            moves.append(TaskStarted(agent_id=self.agent_id, execution_id=self.execution_id))
        return [
            to_agent(self.agent_id, started),
            *(self._noted(state, "running", ExecutionPaused(reason=PAUSED)) if paused else ()),
            Append(f"task/{self.task_id}", moves, None if task is None else task.version),
        ]

    def _concluded(self, state: State, verdict: Verdict) -> list[Append]:
        duration_ms = round((self._context.journal.clock.monotonic() - self._begun_at) * 1000)
        task = state.tasks.get(self.task_id)
        if task is None or task.status not in IN_FLIGHT or task.fence != self._fence:
            move: Payload = TaskStaleResult(fence=self._fence, outcome=verdict.outcome)
        else:
            if task.cancel_requested and verdict.outcome != "completed":
                # However it ended: it is not tried again, queued again or put up for review.
                verdict = replace(verdict, outcome="cancelled", text=CANCELLED)
            move = self._move(verdict, duration_ms)
        appends = [Append(f"task/{self.task_id}", [move], None if task is None else task.version)]
        if self.execution_id in state.executions:
            ended = [*_remark(verdict), _execution_end(verdict, duration_ms)]
            appends.insert(0, Append(f"execution/{self.execution_id}", ended))
        agent = state.agents.get(self.agent_id)
        if verdict.rests_until is not None and agent is not None:
            appends += parking(state, agent.profile, verdict.rests_until, verdict.text)
        return [*appends, to_agent(self.agent_id, *self._freed(state, verdict))]

    def _move(self, verdict: Verdict, duration_ms: int) -> Payload:
        match verdict.outcome:
            case "completed":
                return TaskCompleted(result=verdict.text, duration_ms=duration_ms)
            case "failed":
                return TaskFailed(error=verdict.text, attempt=self._attempt, retryable=verdict.retryable)
            case "cancelled":
                return TaskCancelled(reason=verdict.text)
            case "requeued":
                return TaskRequeued(reason=verdict.text)
            case "lost":
                return TaskLost(reason=verdict.text, attempt=self._attempt)

    def _freed(self, state: State, verdict: Verdict) -> list[Payload]:
        events: list[Payload] = []
        if verdict.end is not None:
            events.append(
                AgentStopped(exit_code=verdict.end.exit_code, signal=verdict.end.signal, reason=verdict.outcome)
            )
        events.append(AgentTaskCompleted(task_id=self.task_id, outcome=verdict.outcome))
        agent = state.agents.get(self.agent_id)
        if self._ending == "quit":
            return [*events, AgentTerminated(reason="quit")]
        if self._ending == "stop" or (agent is not None and agent.status == "stopping"):
            return [*events, AgentTerminated(reason="stopped")]
        return [*events, AgentStatusChanged(previous="busy", current="idle", reason="")]


def _verdict(process: SupervisedProcess, end: RunExit, outcome: Outcome | None) -> Verdict:
    """How an attempt went that we did not end."""
    if outcome is None:
        failure = failure_of(end, process.last_words)
        text, retryable = failure or process.last_output, True
    else:
        failure = None if outcome.status == "completed" else outcome.text or outcome.status
        exited = failure_of(end, "") if outcome.unsaid else None
        failure = f"{failure} ({exited})" if exited else failure
        text, retryable = failure or outcome.text, outcome.retryable
    if failure is not None:
        return Verdict(outcome="failed", text=text[:ERROR_CHARACTERS], retryable=retryable, end=end)
    return Verdict(outcome="completed", text=text[:RESULT_CHARACTERS], end=end)


def _remark(verdict: Verdict) -> list[Payload]:
    """What is odd about a success: a process that did not exit like one. The agent's own word counts."""
    end = verdict.end
    if verdict.outcome != "completed" or end is None or end.stopped_by_us or end.lost or end.exit_code == 0:
        return []
    text = f"{failure_of(end, '')}, after it had said that it was done"
    return [CustomRecorded(event_type=NOTICE, fields={"kind": "exit", "text": text})]


def _execution_end(verdict: Verdict, duration_ms: int) -> Payload:
    match verdict.outcome:
        case "completed":
            return ExecutionCompleted(output=verdict.text, duration_ms=duration_ms)
        case "failed" | "lost":
            return ExecutionFailed(error=verdict.text)
        case _:
            return ExecutionCancelled(reason=verdict.text)
