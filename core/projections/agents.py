"""How agents change."""

from __future__ import annotations

from msgspec.structs import replace

from core.events import (
    AgentFailed,
    AgentOutput,
    AgentPaused,
    AgentRestarting,
    AgentResumed,
    AgentSpawned,
    AgentStarted,
    AgentStatusChanged,
    AgentStopped,
    AgentStopRequested,
    AgentTaskAssigned,
    AgentTaskCompleted,
    AgentTerminated,
    AnyEvent,
    ConversationOpened,
    Event,
)
from core.projections.draft import Draft
from core.projections.records import Agent, AgentStatus, line


def fold_agent(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of an `agent/…` stream."""
    agent_id = event.stream[6:]
    agent = draft.agents.get(agent_id)
    if agent is None:
        agent = Agent(
            id=agent_id, name=agent_id, spawned_us=event.recorded_us, since_us=event.recorded_us,
            position=event.position,
        )  # fmt: skip
        draft.totals = replace(draft.totals, agents=draft.totals.agents + 1)
    if isinstance(payload, AgentOutput):
        changed = _printed(draft, agent, event, payload)
    else:
        changed = _changed(agent, event, payload)
        if changed.status != agent.status:
            changed = replace(changed, since_us=event.recorded_us)
    draft.agents.put(agent_id, changed)


def _printed(draft: Draft, agent: Agent, event: AnyEvent, payload: AgentOutput) -> Agent:
    count = len(payload.lines)
    draft.output_lines += count
    draft.dropped_lines += payload.dropped_lines
    return replace(agent, output_lines=agent.output_lines + count, last_output_us=event.recorded_us)


def _changed(agent: Agent, event: AnyEvent, payload: Event) -> Agent:
    match payload:
        case AgentStatusChanged(current="busy" | "waiting-permission") if agent.status == "paused":
            return replace(agent, before_pause=payload.current)  # it goes on with that once the pause is over
        case AgentStatusChanged():
            return replace(agent, status=payload.current, reason=line(payload.reason))
        case AgentTaskAssigned():
            return replace(agent, task_id=payload.task_id)
        case AgentTaskCompleted():
            done = payload.outcome == "completed"
            return replace(
                agent, task_id=None, execution_id=None, completed=agent.completed + done,
                failed=agent.failed + (not done),
            )  # fmt: skip
        case AgentStarted():
            return _started(agent, payload)
        case AgentStopped():
            return replace(
                agent, status="stopped", pid=None, shim_pid=None, exit_code=payload.exit_code,
                reason=line(payload.reason),
            )  # fmt: skip
        case AgentSpawned():
            return _spawned(agent, payload)
        case _:
            return _rarely_changed(agent, event, payload)


def _rarely_changed(agent: Agent, event: AnyEvent, payload: Event) -> Agent:
    match payload:
        case AgentFailed():
            error = line(payload.error)
            return replace(
                agent, status="failed", pid=None, shim_pid=None, exit_code=payload.exit_code, error=error, reason=error
            )
        case AgentRestarting():
            return replace(
                agent, status="restarting", restarts=agent.restarts + 1, attempt=payload.attempt,
                restart_at_us=event.recorded_us + payload.delay_ms * 1000, reason=line(payload.reason),
            )  # fmt: skip
        case AgentPaused():
            before: AgentStatus = agent.before_pause if agent.status == "paused" else agent.status
            return replace(agent, status="paused", before_pause=before, reason=line(payload.reason))
        case AgentResumed():
            return replace(agent, status=agent.before_pause, reason="") if agent.status == "paused" else agent
        case AgentStopRequested():
            return replace(agent, reason=line(payload.reason) or "stop requested")
        case AgentTerminated():
            return replace(
                agent, status="terminated", pid=None, shim_pid=None, task_id=None, reason=line(payload.reason)
            )
        case ConversationOpened():
            return replace(agent, conversation_id=payload.conversation_id)
        case _:
            return agent


def _spawned(agent: Agent, payload: AgentSpawned) -> Agent:
    return replace(
        agent, name=line(payload.name), profile=payload.profile, role=payload.role, domain=payload.domain,
        capabilities=payload.capabilities, protocol=payload.protocol, workspace=payload.workspace,
        service=bool(payload.command), depth=payload.depth, status="starting",
    )  # fmt: skip


def _started(agent: Agent, payload: AgentStarted) -> Agent:
    started = replace(
        agent, status="busy" if agent.service or agent.task_id else "idle", pid=payload.pid,
        pid_started_at=payload.pid_started_at, shim_pid=payload.shim_pid, boot_id=payload.boot_id,
        attempt=payload.attempt, execution_id=payload.execution_id or agent.execution_id, error="", exit_code=None,
        restart_at_us=None, reason="",
    )  # fmt: skip
    if agent.status != "paused":
        return started
    # It was paused before its process existed; whoever froze it and whoever started it did not wait for each other.
    return replace(started, status="paused", before_pause=started.status, reason=agent.reason)
