"""How executions change: steps, tool calls, permissions, usage, messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from core.events import (
    AnyEvent,
    ArtifactStored,
    CustomRecorded,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionPaused,
    ExecutionResumed,
    ExecutionStarted,
    GoalEvaluated,
    MessageReceived,
    MessageSent,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    PlanUpdated,
    StepCompleted,
    StepFailed,
    StepStarted,
    ToolCallCompleted,
    ToolCallStarted,
    ToolCallUpdated,
    UsageReported,
)
from core.events.envelope import to_us
from core.projections.draft import Draft
from core.projections.records import (
    Agent,
    Execution,
    Permission,
    Usage,
    day_scope,
    line,
    profile_scope,
    session_scope,
)


def fold_execution(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of an `execution/…` stream."""
    execution_id = event.stream[10:]
    execution = draft.executions.get(execution_id)
    if execution is None:
        execution = Execution(id=execution_id, position=event.position, started_us=event.recorded_us)
    worked = _WORK.get(type(payload))
    if worked is not None:
        execution = worked(execution, payload)
    else:
        match payload:
            case UsageReported():
                execution = _used(execution, payload)
                _spread_usage(draft, event, execution, payload)
            case ExecutionStarted() | ExecutionPaused() | ExecutionResumed():
                execution = _moved(execution, payload)
            case ExecutionCompleted() | ExecutionFailed() | ExecutionCancelled():
                execution = _ended(execution, event, payload)
            case PermissionRequested() | PermissionGranted() | PermissionDenied() | PermissionExpired():
                _fold_permission(draft, event, execution, payload)
            case _:
                pass
    draft.executions.put(execution_id, execution)


def _moved(execution: Execution, payload: Event) -> Execution:
    match payload:
        case ExecutionStarted():
            return replace(
                execution, parent=payload.parent, task_id=payload.task_id, agent_id=payload.agent_id, status="running"
            )
        case ExecutionPaused():
            return replace(execution, status="paused") if execution.status == "running" else execution
        case _:
            return replace(execution, status="running") if execution.status == "paused" else execution


def _ended(execution: Execution, event: AnyEvent, payload: Event) -> Execution:
    if execution.finished_us is not None:
        return execution
    duration = (event.recorded_us - execution.started_us) // 1000
    ended = replace(execution, finished_us=event.recorded_us, duration_ms=duration, open_tool_calls=(), open_steps=())
    match payload:
        case ExecutionCompleted():
            return replace(ended, status="completed", duration_ms=payload.duration_ms or duration)
        case ExecutionFailed():
            return replace(ended, status="failed", error=line(payload.error))
        case _:
            return replace(ended, status="cancelled")


def _call_announced(execution: Execution, call: str, name: str) -> Execution:
    """Agents announce a call by its start, by an update, or only when it is over: the first news counts."""
    calls = execution.open_tool_calls
    if call in calls:
        return execution
    return replace(execution, open_tool_calls=(*calls, call), tool_calls=execution.tool_calls + 1, tool_name=line(name))


def _call_started(execution: Execution, payload: ToolCallStarted) -> Execution:
    return _call_announced(execution, payload.tool_call_id, payload.tool_name)


def _call_updated(execution: Execution, payload: ToolCallUpdated) -> Execution:
    return _call_announced(execution, payload.tool_call_id, payload.title)


def _call_completed(execution: Execution, payload: ToolCallCompleted) -> Execution:
    calls = execution.open_tool_calls
    if payload.tool_call_id not in calls:
        return replace(execution, tool_calls=execution.tool_calls + 1)
    return replace(execution, open_tool_calls=_without(calls, payload.tool_call_id))


def _step_started(execution: Execution, payload: StepStarted) -> Execution:
    steps = execution.open_steps
    if payload.step_id in steps:
        return execution
    return replace(execution, open_steps=(*steps, payload.step_id), steps=execution.steps + 1)


def _step_ended(execution: Execution, payload: StepCompleted | StepFailed) -> Execution:
    return replace(execution, open_steps=_without(execution.open_steps, payload.step_id))


def _messaged(execution: Execution, _payload: Event) -> Execution:
    return replace(execution, messages=execution.messages + 1)


def _artifact_stored(execution: Execution, _payload: Event) -> Execution:
    return replace(execution, artifacts=execution.artifacts + 1)


def _planned(execution: Execution, payload: PlanUpdated) -> Execution:
    done = sum(entry.status == "completed" for entry in payload.entries)
    return replace(execution, plan_done=done, plan_total=len(payload.entries))


def _goal_evaluated(execution: Execution, payload: GoalEvaluated) -> Execution:
    return replace(execution, goal_status=payload.status, goal_score=payload.score)


def _custom_recorded(execution: Execution, _payload: Event) -> Execution:
    return replace(execution, custom=execution.custom + 1)


_WORK: Mapping[type[Event], Callable[..., Execution]] = {
    ToolCallStarted: _call_started,
    ToolCallUpdated: _call_updated,
    ToolCallCompleted: _call_completed,
    StepStarted: _step_started,
    StepCompleted: _step_ended,
    StepFailed: _step_ended,
    MessageSent: _messaged,
    MessageReceived: _messaged,
    ArtifactStored: _artifact_stored,
    PlanUpdated: _planned,
    GoalEvaluated: _goal_evaluated,
    CustomRecorded: _custom_recorded,
}
"""What an attempt does most of its time, by the event's class: the execution and the payload give the execution."""


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)


def _used(execution: Execution, payload: UsageReported) -> Execution:
    adds = payload.scope != "context"
    used, size = payload.context_used_tokens, payload.context_size_tokens
    return replace(
        execution,
        input_tokens=execution.input_tokens + payload.input_tokens * adds,
        output_tokens=execution.output_tokens + payload.output_tokens * adds,
        cached_tokens=execution.cached_tokens + payload.cached_tokens * adds,
        cost_usd_micros=execution.cost_usd_micros + (payload.cost_usd_micros or 0),
        context_used_tokens=execution.context_used_tokens if used is None else used,
        context_size_tokens=execution.context_size_tokens if size is None else size,
        model=payload.model or execution.model,
    )


def _spread_usage(draft: Draft, event: AnyEvent, execution: Execution, payload: UsageReported) -> None:
    """The same numbers for the agent, the task, the session, the day, the profile and the total."""
    adds = payload.scope != "context"
    tokens_in, tokens_out = payload.input_tokens * adds, payload.output_tokens * adds
    cost = payload.cost_usd_micros or 0
    totals = draft.totals
    draft.totals = replace(
        totals, input_tokens=totals.input_tokens + tokens_in, output_tokens=totals.output_tokens + tokens_out,
        cost_usd_micros=totals.cost_usd_micros + cost,
    )  # fmt: skip
    agent = draft.agents.get(execution.agent_id)
    if agent is not None:
        draft.agents.put(agent.id, _agent_used(agent, execution, tokens_in, tokens_out, cost))
    task = draft.tasks.get(execution.task_id)
    if task is not None:
        spent = replace(task, tokens=task.tokens + tokens_in + tokens_out, cost_usd_micros=task.cost_usd_micros + cost)
        draft.tasks.put(task.id, spent)
    scopes = [session_scope(draft.session_id), day_scope(event.recorded_us)]
    if agent is not None:
        scopes.append(profile_scope(agent.profile, draft.session_id))
    for scope in scopes:
        usage = draft.usage.get(scope) or Usage(id=scope)
        used = replace(
            usage, tokens=usage.tokens + tokens_in + tokens_out, cost_usd_micros=usage.cost_usd_micros + cost
        )
        draft.usage.put(scope, used)


def _agent_used(agent: Agent, execution: Execution, tokens_in: int, tokens_out: int, cost: int) -> Agent:
    return replace(
        agent, input_tokens=agent.input_tokens + tokens_in, output_tokens=agent.output_tokens + tokens_out,
        cost_usd_micros=agent.cost_usd_micros + cost, context_used_tokens=execution.context_used_tokens,
        context_size_tokens=execution.context_size_tokens,
    )  # fmt: skip


def _fold_permission(
    draft: Draft,
    event: AnyEvent,
    execution: Execution,
    payload: PermissionRequested | PermissionGranted | PermissionDenied | PermissionExpired,
) -> None:
    request = payload.request_id
    if isinstance(payload, PermissionRequested):
        asked = Permission(
            id=request, execution_id=execution.id, agent_id=execution.agent_id, tool_call_id=payload.tool_call_id,
            tool_name=line(payload.tool_name), options=payload.options, requested_us=event.recorded_us,
            deadline_us=None if payload.deadline is None else to_us(payload.deadline), position=event.position,
        )  # fmt: skip
        draft.permissions.put(request, asked)
        return
    asked = draft.permissions.get(request) or Permission(id=request, execution_id=execution.id)
    if asked.status != "pending":
        return  # the first answer counts
    answered = replace(asked, decided_us=event.recorded_us)
    match payload:
        case PermissionGranted():
            answered = replace(answered, status="granted", by=payload.by, kind=payload.kind)
        case PermissionDenied():
            answered = replace(answered, status="denied", by=payload.by, kind=payload.kind, reason=line(payload.reason))
        case PermissionExpired():
            answered = replace(answered, status="expired")
    draft.permissions.put(request, answered)
