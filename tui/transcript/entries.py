"""The entries of a conversation: a pure fold of execution events, total and in the order of the log.

An entry stays the same object until an event changes it, so that whoever draws it can tell by looking.
Forbidden here: reading, clocks, widgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from msgspec import Struct
from msgspec.structs import replace

from core import events as e
from core.events import PermissionOption, PlanEntry, StoredEvent, UnknownEvent
from core.events.envelope import to_us

CallStatus = Literal["running", "ok", "error", "denied", "abandoned"]
Answer = Literal["pending", "granted", "denied", "expired"]

TURN = "turn-"  # how the ids of steps begin that are an agent's turns
HEARD_MESSAGES = 8
RECORD_LINES = 200  # of one channel without a break
SPOKEN = frozenset({"text", "thought"})
"""Channels on which a message comes line by line while it is being said; whole, it is an event of its own."""


class Entry(Struct, frozen=True, kw_only=True):
    """One thing of a conversation. `key` tells it apart; `at_us` is when it began."""

    key: str
    at_us: int = 0


class Message(Entry, frozen=True, kw_only=True):
    """Something said. `by` is empty for the agent itself."""

    text: str
    by: str = ""
    unfinished: bool = False


class Thought(Entry, frozen=True, kw_only=True):
    """What the agent thought before it said or did something."""

    text: str
    unfinished: bool = False


class Call(Entry, frozen=True, kw_only=True):
    """A tool call, from the first news of it to the last."""

    tool_call_id: str
    name: str = ""
    title: str = ""
    input: object = None
    content: object = None
    """What came while it ran, the latest."""
    output: object = None
    status: CallStatus = "running"
    ended_us: int | None = None


class Plan(Entry, frozen=True, kw_only=True):
    """The agent's own plan, whole."""

    steps: tuple[PlanEntry, ...]
    newest: bool = True


class Usage(Entry, frozen=True, kw_only=True):
    """What was consumed since the entry before."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    context_used_tokens: int | None = None
    context_size_tokens: int | None = None
    cost_usd_micros: int | None = None
    model: str = ""


class Question(Entry, frozen=True, kw_only=True):
    """A permission the agent asked for, and the answer."""

    request_id: str
    stream: str = ""
    tool_name: str = ""
    input: object = None
    options: tuple[PermissionOption, ...] = ()
    deadline_us: int | None = None
    answer: Answer = "pending"
    kind: str = ""
    by: str = ""
    reason: str = ""
    decided_us: int | None = None


class Attempt(Entry, frozen=True, kw_only=True):
    """The beginning of an execution."""

    execution_id: str
    task_id: str = ""
    agent_id: str = ""


class Ending(Entry, frozen=True, kw_only=True):
    """How an execution ended."""

    status: Literal["completed", "failed", "cancelled"]
    text: str = ""
    duration_ms: int = 0


class Record(Entry, frozen=True, kw_only=True):
    """Lines of a channel that is not part of the conversation: the raw protocol, or what the process printed."""

    channel: str
    lines: tuple[str, ...]


class Note(Entry, frozen=True, kw_only=True):
    """Any other event."""

    event: StoredEvent

    @property
    def unknown(self) -> bool:
        """Whether this version cannot read it."""
        return isinstance(self.event.payload, UnknownEvent)


class Transcript:
    """A conversation as far as its events were taken, in order."""

    def __init__(self, events: Iterable[StoredEvent] = (), *, raw: bool = False) -> None:
        self._entries: dict[str, Entry] = {}
        self._raw = raw
        self._plan = ""
        self._context: tuple[int | None, int | None] = (None, None)
        self._last = ""
        self.heard: dict[str, list[StoredEvent]] = {"text": [], "thought": []}
        """The last whole messages of each kind, the newest last."""
        for event in events:
            self.take(event)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything so far."""
        return tuple(self._entries.values())

    def take(self, event: StoredEvent) -> None:
        """Add one event."""
        payload = event.payload
        match payload:
            case e.MessageReceived() | e.MessageSent():
                self._said(event, payload)
            case e.ToolCallStarted() | e.ToolCallUpdated() | e.ToolCallCompleted():
                self._called(event, payload)
            case e.PermissionRequested():
                self._put(_question(event, payload))
            case e.PermissionGranted() | e.PermissionDenied() | e.PermissionExpired():
                self._answered(event, payload)
            case e.PlanUpdated():
                self._planned(event, payload)
            case e.UsageReported():
                self._used(event, payload)
            case e.AgentOutput():
                self._printed(event, payload)
            case _:
                self._came_about(event, payload)

    def _came_about(self, event: StoredEvent, payload: e.Payload) -> None:
        match payload:
            case e.ExecutionStarted(task_id=task, agent_id=agent):
                began = Attempt(
                    key=_key(event), at_us=event.recorded_us, execution_id=event.aggregate_id, task_id=task,
                    agent_id=agent,
                )  # fmt: skip
                self._put(began)
            case e.ExecutionCompleted() | e.ExecutionFailed() | e.ExecutionCancelled():
                self._close(event)
                self._put(_ending(event, payload))
            case e.StepStarted() | e.StepCompleted() | e.StepFailed() if (
                payload.step_id.startswith(TURN) and not self._raw
            ):
                pass  # its messages and calls say what it did, and the execution how it ended
            case _ if self._raw or event.aggregate_type == "execution":
                self._put(Note(key=_key(event), at_us=event.recorded_us, event=event))
            case _:
                pass

    def _put(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        self._last = entry.key

    def _said(self, event: StoredEvent, payload: e.MessageReceived | e.MessageSent) -> None:
        key, at = _key(event), event.recorded_us
        if isinstance(payload, e.MessageSent):
            self._put(Message(key=key, at_us=at, text=payload.text, by=payload.by or "user"))
            return
        self.heard[payload.kind] = [*self.heard[payload.kind][1 - HEARD_MESSAGES :], event]
        if payload.kind == "thought":
            self._put(Thought(key=key, at_us=at, text=payload.text))
        else:
            by = payload.role if payload.role not in {"", "agent", "assistant"} else ""
            self._put(Message(key=key, at_us=at, text=payload.text, by=by))

    def _called(self, event: StoredEvent, payload: e.ToolCallStarted | e.ToolCallUpdated | e.ToolCallCompleted) -> None:
        call_id = payload.tool_call_id
        key = f"call {event.stream} {call_id}"
        known = self._entries.get(key)
        call = known if isinstance(known, Call) else Call(key=key, at_us=event.recorded_us, tool_call_id=call_id)
        match payload:
            case e.ToolCallStarted():
                call = replace(
                    call,
                    name=payload.tool_name or call.name,
                    input=call.input if payload.input is None else payload.input,
                )
            case e.ToolCallUpdated():
                given, news = _news_of(payload.content)
                call = replace(
                    call,
                    title=payload.title or call.title,
                    input=call.input if given is None else given,
                    content=call.content if news is None else news,
                )
            case e.ToolCallCompleted():
                call = replace(call, output=payload.output, status=payload.outcome, ended_us=event.recorded_us)
        if known is None:
            self._put(call)
        else:
            self._entries[key] = call

    def _answered(
        self, event: StoredEvent, payload: e.PermissionGranted | e.PermissionDenied | e.PermissionExpired
    ) -> None:
        key = f"ask {payload.request_id}"
        asked = self._entries.get(key)
        if not isinstance(asked, Question):
            asked = Question(key=key, at_us=event.recorded_us, request_id=payload.request_id)
        if asked.answer != "pending":
            return  # the first answer counts
        match payload:
            case e.PermissionGranted():
                asked = replace(asked, answer="granted", kind=payload.kind, by=payload.by)
            case e.PermissionDenied():
                asked = replace(asked, answer="denied", by=payload.by, reason=payload.reason)
            case e.PermissionExpired():
                asked = replace(asked, answer="expired")
        self._entries[key] = replace(asked, decided_us=event.recorded_us)

    def _close(self, event: StoredEvent) -> None:
        """Nothing of an execution goes on after its end, whatever its agent left open."""
        for key, entry in self._entries.items():
            if isinstance(entry, Call) and entry.status == "running" and key.startswith(f"call {event.stream} "):
                self._entries[key] = replace(entry, status="abandoned", ended_us=event.recorded_us)
            elif isinstance(entry, Question) and entry.answer == "pending" and entry.stream == event.stream:
                self._entries[key] = replace(entry, answer="expired", decided_us=event.recorded_us)

    def _planned(self, event: StoredEvent, payload: e.PlanUpdated) -> None:
        """Only the newest plan is shown whole, and in one place when nothing came between."""
        before = self._entries.get(self._plan)
        if before is not None and self._last == self._plan:
            self._entries[self._plan] = replace(before, steps=payload.entries)  # pyright: ignore[reportCallIssue]
            return
        if isinstance(before, Plan):
            self._entries[self._plan] = replace(before, newest=False)
        self._plan = _key(event)
        self._put(Plan(key=self._plan, at_us=event.recorded_us, steps=payload.entries))

    def _used(self, event: StoredEvent, payload: e.UsageReported) -> None:
        """Agents tell often how full their context is; that alone is no entry, but part of the next one."""
        adds = payload.scope != "context"
        if payload.context_used_tokens is not None:
            self._context = payload.context_used_tokens, payload.context_size_tokens
        if not payload.cost_usd_micros and not (adds and (payload.input_tokens or payload.output_tokens)):
            return
        before = self._entries.get(self._last)
        usage = before if isinstance(before, Usage) else Usage(key=_key(event), at_us=event.recorded_us)
        cost = payload.cost_usd_micros
        summed = replace(
            usage,
            input_tokens=usage.input_tokens + payload.input_tokens * adds,
            output_tokens=usage.output_tokens + payload.output_tokens * adds,
            cached_tokens=usage.cached_tokens + payload.cached_tokens * adds,
            context_used_tokens=self._context[0],
            context_size_tokens=self._context[1],
            cost_usd_micros=usage.cost_usd_micros if cost is None else (usage.cost_usd_micros or 0) + cost,
            model=payload.model or usage.model,
        )
        self._put(summed)

    def _printed(self, event: StoredEvent, payload: e.AgentOutput) -> None:
        if not self._raw or payload.channel in SPOKEN:
            return
        before = self._entries.get(self._last)
        if isinstance(before, Record) and before.channel == payload.channel:
            lines = (*before.lines, *payload.lines)[-RECORD_LINES:]
            self._entries[self._last] = replace(before, lines=lines)
        else:
            self._put(Record(key=_key(event), at_us=event.recorded_us, channel=payload.channel, lines=payload.lines))


def _news_of(content: object) -> tuple[object, object]:
    """The input and the content an update tells of: some adapters tell both, by name."""
    told = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    if told and told.keys() <= {"input", "content"}:
        return told.get("input"), told.get("content")
    return None, cast("object", content)


def _key(event: StoredEvent) -> str:
    return str(event.position)


def _question(event: StoredEvent, asked: e.PermissionRequested) -> Question:
    return Question(
        key=f"ask {asked.request_id}", at_us=event.recorded_us, request_id=asked.request_id, stream=event.stream,
        tool_name=asked.tool_name, input=asked.input, options=asked.options,
        deadline_us=None if asked.deadline is None else to_us(asked.deadline),
    )  # fmt: skip


def _ending(event: StoredEvent, payload: e.ExecutionCompleted | e.ExecutionFailed | e.ExecutionCancelled) -> Ending:
    key, at = _key(event), event.recorded_us
    match payload:
        case e.ExecutionCompleted():
            return Ending(key=key, at_us=at, status="completed", duration_ms=payload.duration_ms)
        case e.ExecutionFailed():
            return Ending(key=key, at_us=at, status="failed", text=payload.error)
        case e.ExecutionCancelled():
            return Ending(key=key, at_us=at, status="cancelled", text=payload.reason)
