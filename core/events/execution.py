"""Executions: one attempt at a task by one agent, with its steps, tool calls, permissions, usage and messages."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct, field

from core.events.envelope import Event

ToolOutcome = Literal["ok", "error", "denied", "abandoned"]
UsageScope = Literal["call", "turn", "thread", "context"]
GoalStatus = Literal["met", "not_met", "progressing"]
MessageKind = Literal["text", "thought"]


class ExecutionStarted(Event):
    """The attempt begins; written before its process exists."""

    type: ClassVar[str] = "execution:started"
    parent: str | None = None
    task_id: str = ""
    agent_id: str = ""
    metadata: dict[str, str] = field(default_factory=dict[str, str])


class ExecutionPaused(Event):
    """The attempt is suspended."""

    type: ClassVar[str] = "execution:paused"
    reason: str = ""


class ExecutionResumed(Event):
    """The attempt goes on."""

    type: ClassVar[str] = "execution:resumed"


class ExecutionCompleted(Event):
    """The attempt reached its end."""

    type: ClassVar[str] = "execution:completed"
    output: object = None
    duration_ms: int = 0


class ExecutionFailed(Event):
    """The attempt went wrong."""

    type: ClassVar[str] = "execution:failed"
    error: str


class ExecutionCancelled(Event):
    """The attempt was ended, by the user or to be requeued."""

    type: ClassVar[str] = "execution:cancelled"
    reason: str = ""


class StepStarted(Event):
    """A part of the attempt begins."""

    type: ClassVar[str] = "step:started"
    step_id: str
    parent_step_id: str | None = None
    step_type: str = ""
    name: str = ""


class StepCompleted(Event):
    """A part of the attempt is done."""

    type: ClassVar[str] = "step:completed"
    step_id: str
    output: object = None
    duration_ms: int = 0


class StepFailed(Event):
    """A part of the attempt went wrong."""

    type: ClassVar[str] = "step:failed"
    step_id: str
    error: str = ""


class StepDiscovered(Event):
    """New work came to light while working."""

    type: ClassVar[str] = "step:discovered"
    step_id: str
    discovered_by: str | None = None
    source_type: str = ""
    reason: str = ""
    depth: int = 0


class ToolCallStarted(Event):
    """The agent uses a tool."""

    type: ClassVar[str] = "tool-call:started"
    step_id: str | None = None
    tool_call_id: str
    tool_name: str = ""
    input: object = None


class ToolCallUpdated(Event):
    """News of a running tool call."""

    type: ClassVar[str] = "tool-call:updated"
    tool_call_id: str
    status: str = ""
    title: str = ""
    content: object = None


class ToolCallCompleted(Event):
    """The tool call is over; every one that started gets exactly one of these."""

    type: ClassVar[str] = "tool-call:completed"
    step_id: str | None = None
    tool_call_id: str
    output: object = None
    outcome: ToolOutcome = "ok"


class ArtifactStored(Event):
    """A file was kept, by the hash of its content."""

    type: ClassVar[str] = "artifact:stored"
    artifact_id: str
    step_id: str | None = None
    content_hash: str = ""
    size_bytes: int = 0
    media_type: str = ""


class GoalEvaluated(Event):
    """Somebody judged how far a goal is reached."""

    type: ClassVar[str] = "goal:evaluated"
    goal_id: str
    step_id: str | None = None
    status: GoalStatus
    score: float | None = None
    reason: str | None = None


class PermissionOption(Struct, frozen=True, kw_only=True, gc=False):
    """One answer the agent offers; `kind` is `allow_once`, `allow_always`, `reject_once` or `reject_always`."""

    option_id: str
    name: str = ""
    kind: str = ""


class PermissionRequested(Event):
    """The agent waits for the user's answer."""

    type: ClassVar[str] = "permission:requested"
    request_id: str
    tool_call_id: str = ""
    tool_name: str = ""
    input: object = None
    options: tuple[PermissionOption, ...] = ()
    deadline: datetime | None = None


class PermissionGranted(Event):
    """Allowed, by whom and with which option."""

    type: ClassVar[str] = "permission:granted"
    request_id: str
    option_id: str = ""
    kind: str = ""
    by: str = ""


class PermissionDenied(Event):
    """Refused, by whom and why; without an option when the agent offered none for it."""

    type: ClassVar[str] = "permission:denied"
    request_id: str
    option_id: str = ""
    kind: str = ""
    by: str = ""
    reason: str = ""


class PermissionExpired(Event):
    """Nobody answered in time; it counts as refused."""

    type: ClassVar[str] = "permission:expired"
    request_id: str = ""


class UsageReported(Event):
    """What was consumed. With scope `context` the numbers replace, else they add."""

    type: ClassVar[str] = "usage:reported"
    scope: UsageScope = "call"
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    context_used_tokens: int | None = None
    context_size_tokens: int | None = None
    cost_usd_micros: int | None = None


class MessageSent(Event):
    """Text went to the agent."""

    type: ClassVar[str] = "message:sent"
    text: str
    by: str = ""


class MessageReceived(Event):
    """The agent said something; once per message, when it is whole."""

    type: ClassVar[str] = "message:received"
    message_id: str = ""
    role: str = ""
    kind: MessageKind = "text"
    text: str


class PlanEntry(Struct, frozen=True, kw_only=True, gc=False):
    """One line of an agent's own plan."""

    content: str
    priority: str = ""
    status: str = ""


class PlanUpdated(Event):
    """The agent's own plan, whole each time."""

    type: ClassVar[str] = "plan:updated"
    entries: tuple[PlanEntry, ...] = ()


class CustomRecorded(Event):
    """Anything an integration wants to keep."""

    type: ClassVar[str] = "custom:recorded"
    event_type: str
    fields: dict[str, object] = field(default_factory=dict[str, object])
