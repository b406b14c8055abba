"""What an event says, in a few words: one telling for the event list, the detail, the messages and plain streams."""

from __future__ import annotations

from collections.abc import Iterator

from core import events as e
from core.events import Command, Event, StoredEvent, UnknownEvent
from tui.text import count, duration, label, money


def who(event: StoredEvent) -> str:
    """Whose doing it is: the agent, or else whoever acted."""
    if event.stream.startswith("agent/"):
        return event.aggregate_id
    return event.actor.removeprefix("agent:")


def what(event: StoredEvent) -> str:
    """The task, agent or other thing it is about; empty when `who` says it already."""
    if isinstance(event.payload, e.AgentOutput):
        return event.payload.task_id
    return "" if event.stream.startswith("agent/") else event.aggregate_id


def tell(event: StoredEvent, width: int = 200) -> str:
    """What happened, on one line."""
    payload = event.payload
    if isinstance(payload, UnknownEvent):
        return label(f"? {payload.raw}", width)
    told = (_task, _agent, _execution, _answer, _limit, _house)
    said = next(filter(None, (say(payload) for say in told)), None)
    return label(said if said is not None else "  ".join(_fields(payload)), width)


def command_line(command: Command) -> str:
    """A command as one would type it."""
    if isinstance(command, str):
        return command
    import shlex

    return shlex.join(command)


def _task(payload: Event) -> str | None:
    match payload:
        case e.TaskCreated():
            needs = f", needs {', '.join(payload.depends_on)}" if payload.depends_on else ""
            return f"{payload.title}{needs}"
        case e.TaskClaimed():
            return f"by {payload.agent_id}, attempt {payload.attempt}"
        case e.TaskStarted():
            return f"on {payload.agent_id}"
        case e.TaskCompleted():
            return f"in {duration(payload.duration_ms)}{_because(payload.result)}"
        case e.TaskFailed():
            return payload.error
        case e.TaskRetryScheduled():
            return f"attempt {payload.attempt} failed, again in {duration(payload.delay_ms)}"
        case e.TaskDeadLettered():
            return f"given up after {payload.attempts}{_because(payload.last_error)}"
        case e.TaskBlocked():
            return payload.reason or f"waits for {', '.join(payload.waiting_on)}"
        case e.TaskPriorityChanged():
            return f"{payload.previous} → {payload.current}"
        case _:
            return None


def _agent(payload: Event) -> str | None:
    match payload:
        case e.AgentOutput():
            return _printed(payload)
        case e.AgentStatusChanged():
            return f"{payload.previous} → {payload.current}{_because(payload.reason)}"
        case e.AgentSpawned():
            runs = f": {command_line(payload.command)}" if payload.command else ""
            return f"profile {payload.profile}{runs}"
        case e.AgentStarted():
            return f"pid {payload.pid}{_because(payload.execution_id)}"
        case e.AgentStopped():
            how = payload.signal or f"exit code {payload.exit_code}"
            return f"{how}{_because(payload.reason)}"
        case e.AgentFailed():
            return payload.error
        case e.AgentRestarting():
            return f"again in {duration(payload.delay_ms)}{_because(payload.reason)}"
        case e.AgentTaskAssigned():
            return payload.task_id
        case e.AgentTaskCompleted():
            return f"{payload.task_id} {payload.outcome}"
        case _:
            return None


def _execution(payload: Event) -> str | None:
    match payload:
        case e.ExecutionStarted():
            return f"{payload.task_id} on {payload.agent_id}"
        case e.ExecutionCompleted():
            return f"in {duration(payload.duration_ms)}"
        case e.ExecutionFailed():
            return payload.error
        case e.ToolCallStarted():
            return payload.tool_name
        case e.ToolCallCompleted():
            return payload.outcome
        case e.MessageReceived() | e.MessageSent():
            return payload.text
        case e.PlanUpdated():
            return _plan(payload)
        case e.UsageReported():
            return _used(payload)
        case _:
            return None


def _plan(plan: e.PlanUpdated) -> str:
    """How far it is, and what comes next."""
    left = [entry.content for entry in plan.entries if entry.status != "completed"]
    return f"{len(plan.entries) - len(left)}/{len(plan.entries)}{_because(left[0] if left else '')}"


def _used(usage: e.UsageReported) -> str:
    parts = [f"{usage.input_tokens:,} in", f"{usage.output_tokens:,} out"] if usage.input_tokens else []
    if usage.context_used_tokens and usage.context_size_tokens:
        parts.append(f"{100 * usage.context_used_tokens // usage.context_size_tokens}% of its context")
    if usage.cost_usd_micros:
        parts.append(str(money(usage.cost_usd_micros)))
    return " · ".join(parts) or usage.scope


_KINDS = {"allow_once": "once", "allow_always": "from now on", "reject_always": "from now on"}


def _answer(payload: Event) -> str | None:
    match payload:
        case e.PermissionRequested():
            return payload.tool_name
        case e.PermissionGranted() | e.PermissionDenied():
            how = f"{_KINDS[payload.kind]}, " if payload.kind in _KINDS else ""
            reason = payload.reason if isinstance(payload, e.PermissionDenied) else ""
            return f"{how}by {payload.by or 'nobody'}{_because(reason if reason != payload.by else '')}"
        case e.PermissionExpired():
            return "nobody answered in time"
        case _:
            return None


def _limit(payload: Event) -> str | None:
    match payload:
        case e.BudgetSet() | e.BudgetWarned() | e.BudgetTripped():
            if not payload.limit:
                return f"no cap{_because(payload.scope)}"
            amounts = [money(n) if payload.unit == "usd_micros" else count(n) for n in (payload.used, payload.limit)]
            unit = " tokens" if payload.unit == "tokens" else ""
            return f"{amounts[0]} of {amounts[1]}{unit}{_because(payload.scope)}"
        case e.ProfileParked():
            until = "" if payload.until is None else f"until {payload.until.astimezone():%H:%M:%S}"
            return f"{until}{_because(payload.reason)}" if until else payload.reason
        case _:
            return None


def _house(payload: Event) -> str | None:
    match payload:
        case e.SessionStarted():
            return f"version {payload.version}"
        case e.ConfigLoaded():
            return f"{len(payload.profiles)} profiles: {', '.join(payload.profiles)}"
        case e.ConfigRejected():
            return payload.message
        case _:
            return None


def _printed(output: e.AgentOutput) -> str:
    if output.is_raw:
        return f"{len(output.lines)} records of its protocol"
    return output.lines[-1] if output.lines else ""


def _because(text: str) -> str:
    return f" · {text}" if text else ""


def _fields(payload: Event) -> Iterator[str]:
    """Whatever is set, for events that say it best by themselves."""
    for name in payload.__struct_fields__:
        value = getattr(payload, name)
        if value not in (None, "", (), {}, 0, False):
            yield str(value) if name in {"reason", "name", "title", "text", "error"} else f"{name} {value}"
