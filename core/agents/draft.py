"""A turn told record by record: what every protocol has in common.

Invariants, whatever the records say and in whatever order: a tool call starts once and completes once; a message is
received once, whole; usage that an agent counts up is passed on as what was added; a turn that began is a step that
ends when the turn does, completed only if the agent said so.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec.structs import replace

from core.agents.decoding import Decoded, Outcome, Record, Spoken
from core.agents.failures import failure
from core.agents.records import name_at, text_at
from core.agents.turn import Speech, Turn, Usage
from core.events import (
    ConversationOpened,
    CustomRecorded,
    MessageReceived,
    Payload,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    PlanEntry,
    PlanUpdated,
    StepCompleted,
    StepFailed,
    StepStarted,
    ToolCallCompleted,
    ToolCallStarted,
    ToolCallUpdated,
    UsageReported,
)
from core.events.execution import MessageKind, ToolOutcome, UsageScope

NOTICE = "agent:notice"
"""The `event_type` of what an agent remarks beside its work: warnings, errors that end nothing, progress."""

UNFINISHED = "ended without saying that it had finished"

MESSAGE_CHARACTERS = 128 * 1024  # of a message that is held while it is said; what is kept of it is less

T = TypeVar("T", bound=Turn)


class Draft(Generic[T]):
    """A turn being changed by one record, and what that adds."""

    def __init__(self, turn: T) -> None:
        self.turn = turn
        self._added: list[Payload | Spoken] = []
        self._outcome: Outcome | None = None

    def done(self) -> tuple[T, Decoded]:
        """The turn as it is now, and what was added."""
        return self.turn, Decoded(added=tuple(self._added), outcome=self._outcome)

    @property
    def step_id(self) -> str | None:
        """The step that runs."""
        return f"turn-{self.turn.number}" if self.turn.running else None

    # -- the turn ---------------------------------------------------------------------------------------------

    def open_conversation(self, conversation_id: str, *, resumable: bool = True) -> None:
        """The agent's own session has this id."""
        if conversation_id and conversation_id != self.turn.conversation:
            self.turn = replace(self.turn, conversation=conversation_id)
            self._added.append(ConversationOpened(conversation_id=conversation_id, resumable=resumable))

    def use_model(self, model: str) -> None:
        """The model is called this."""
        if model:
            self.turn = replace(self.turn, model=model)

    def begin(self) -> None:
        """A turn begins, unless one runs."""
        if not self.turn.running:
            self.turn = replace(
                self.turn, number=self.turn.number + 1, running=True, outcome=None, answer="", trouble=""
            )
            self._added.append(StepStarted(step_id=f"turn-{self.turn.number}", step_type="turn", name=self.turn.agent))

    def complete(self, result: str = "") -> None:
        """The agent says that the turn is done."""
        self.finish_speech()
        self._end(Outcome(status="completed", text=result or self.turn.answer))

    def fail(self, said: str, *, kind: str = "", until_s: float | None = None) -> None:
        """The agent says that the turn failed; for `kind` and `until_s` see `failure`."""
        self.finish_speech()
        self._end(failure(self.turn.agent, said, kind=kind, until_s=until_s))

    def give_up(self) -> None:
        """No more records come: what is open is closed, and a turn without an outcome has failed."""
        self.finish_speech()
        if self.turn.outcome is None:
            unsaid = Outcome(status="failed", text=f"{self.turn.agent} {UNFINISHED}", unsaid=True)
            self._end(failure(self.turn.agent, self.turn.trouble) if self.turn.trouble else unsaid)
        else:
            self._close_calls()
        self._outcome = self.turn.outcome

    def _end(self, outcome: Outcome) -> None:
        self.begin()  # what ends without having begun is told as a turn too
        self._close_calls()
        step_id = f"turn-{self.turn.number}"
        if outcome.status == "completed":
            self._added.append(StepCompleted(step_id=step_id))
        else:
            self._added.append(StepFailed(step_id=step_id, error=outcome.text))
        self.turn = replace(self.turn, running=False, outcome=outcome)
        self._outcome = outcome

    # -- tool calls -------------------------------------------------------------------------------------------

    def start_call(self, call_id: str, name: str, input_: object = None) -> str:
        """A tool is used; hearing of it again changes nothing. The id, which is one of ours when it has none."""
        call_id = call_id or f"call-{len(self.turn.known_calls) + 1}"
        if call_id in self.turn.known_calls:
            return call_id
        self.finish_speech()
        known, running = self.turn.known_calls.insert(call_id), self.turn.open_calls.insert(call_id, "")
        self.turn = replace(self.turn, known_calls=known, open_calls=running)
        self._added.append(ToolCallStarted(step_id=self.step_id, tool_call_id=call_id, tool_name=name, input=input_))
        return call_id

    def update_call(self, call_id: str, *, status: str = "", title: str = "", content: object = None) -> None:
        """News of a call that runs; of any other there is none."""
        if call_id in self.turn.open_calls:
            self._added.append(ToolCallUpdated(tool_call_id=call_id, status=status, title=title, content=content))

    def end_call(
        self, call_id: str, outcome: ToolOutcome, output: object = None, *, name: str = "", input_: object = None
    ) -> None:
        """A call is over; one that never started did so now, one that ended before did not end again."""
        call_id = self.start_call(call_id, name, input_)
        if call_id not in self.turn.open_calls:
            return
        self._answer_request(call_id, outcome)
        self.turn = replace(self.turn, open_calls=self.turn.open_calls.discard(call_id))
        self._added.append(
            ToolCallCompleted(step_id=self.step_id, tool_call_id=call_id, output=output, outcome=outcome)
        )

    def _close_calls(self) -> None:
        for call_id in sorted(self.turn.open_calls):
            self.end_call(call_id, "abandoned")

    # -- permissions ------------------------------------------------------------------------------------------

    def ask(self, request_id: str, call_id: str, name: str, input_: object = None) -> None:
        """The agent waits for an answer before it goes on with a call."""
        call_id = self.start_call(call_id, name, input_)
        if self.turn.open_calls.get(call_id) == "":
            self.turn = replace(self.turn, open_calls=self.turn.open_calls.insert(call_id, request_id))
            self._added.append(
                PermissionRequested(request_id=request_id, tool_call_id=call_id, tool_name=name, input=input_)
            )

    def refuse(self, call_id: str, reason: str, *, name: str = "", input_: object = None) -> None:
        """The agent's own rules did not allow a call, and nobody was asked."""
        call_id = self.start_call(call_id, name, input_)
        if self.turn.open_calls.get(call_id) == "":
            self._added.append(PermissionDenied(request_id=call_id, by="policy", reason=reason))
        self.end_call(call_id, "denied", reason)

    def _answer_request(self, call_id: str, outcome: ToolOutcome) -> None:
        """The answer went another way; what became of the call tells it."""
        request_id = self.turn.open_calls.get(call_id)
        if not request_id:
            return
        match outcome:
            case "denied":
                self._added.append(PermissionDenied(request_id=request_id))
            case "abandoned":
                self._added.append(PermissionExpired(request_id=request_id))
            case _:
                self._added.append(PermissionGranted(request_id=request_id))

    # -- what it says -----------------------------------------------------------------------------------------

    def speak(self, text: str, *, kind: MessageKind = "text", message_id: str = "") -> None:
        """A piece of a message; another id or kind begins another message."""
        speech = self.turn.speech
        if speech is not None and (speech.kind, speech.message_id) != (kind, message_id):
            self.finish_speech()
            speech = None
        if text:
            speech = speech or Speech(message_id=message_id, kind=kind)
            kept = text[: max(MESSAGE_CHARACTERS - len(speech.text), 0)]
            self.turn = replace(self.turn, speech=replace(speech, text=speech.text + kept))
            self.hear(text, kind)

    def hear(self, text: str, kind: MessageKind = "text") -> None:
        """A piece of a message that will come whole in a record of its own."""
        if text:
            self._added.append(Spoken(kind, text))

    def finish_speech(self) -> None:
        """The message that was being said is whole."""
        speech = self.turn.speech
        if speech is not None:
            self.turn = replace(self.turn, speech=None)
            self.say(speech.text, kind=speech.kind, message_id=speech.message_id)

    def say(self, text: str, *, kind: MessageKind = "text", message_id: str = "", role: str = "assistant") -> None:
        """A whole message; whoever records it puts out what was not heard before."""
        self.finish_speech()
        if text.strip():
            if kind == "text" and role == "assistant":
                self.turn = replace(self.turn, answer=text)
            self._added.append(MessageReceived(message_id=message_id, role=role, kind=kind, text=text))

    def note(self, kind: str, text: str) -> None:
        """Something the agent remarks beside its work."""
        if text.strip():
            fields: dict[str, object] = {"kind": kind, "text": text}
            self._added.append(CustomRecorded(event_type=NOTICE, fields=fields))

    def trouble(self, text: str) -> None:
        """An error that may turn out to end the turn."""
        if text.strip():
            self.turn = replace(self.turn, trouble=text)
            self.note("error", text)

    def plan(self, entries: list[Record]) -> None:
        """The agent's own plan, in whichever words it has for one."""
        self._added.append(
            PlanUpdated(
                entries=tuple(
                    PlanEntry(
                        content=text_at(entry, "content") or text_at(entry, "text"),
                        priority=name_at(entry, "priority"),
                        status=name_at(entry, "status") or ("completed" if entry.get("completed") else "pending"),
                    )
                    for entry in entries[:200]
                )
            )
        )

    # -- what it costs ----------------------------------------------------------------------------------------

    def use(self, usage: Usage, *, scope: UsageScope, model: str = "") -> None:
        """This much was used since the last time."""
        if usage.input_tokens or usage.output_tokens or usage.cached_tokens or usage.cost_usd_micros:
            self._added.append(
                UsageReported(
                    scope=scope,
                    model=model or self.turn.model,
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                    cached_tokens=usage.cached_tokens,
                    cost_usd_micros=usage.cost_usd_micros,
                )
            )

    def count(self, total: Usage, *, scope: UsageScope, model: str = "") -> None:
        """This much was used in all, with this model."""
        model = model or self.turn.model
        before = self.turn.spent.get(model) or Usage()
        self.turn = replace(self.turn, spent=self.turn.spent.insert(model, total))
        cost = total.cost_usd_micros
        self.use(
            Usage(
                input_tokens=_added(before.input_tokens, total.input_tokens),
                output_tokens=_added(before.output_tokens, total.output_tokens),
                cached_tokens=_added(before.cached_tokens, total.cached_tokens),
                cost_usd_micros=None if cost is None else _added(before.cost_usd_micros or 0, cost),
            ),
            scope=scope,
            model=model,
        )


def _added(before: int, now: int) -> int:
    """What a counter counted; one that fell has begun anew."""
    return now - before if now >= before else now
