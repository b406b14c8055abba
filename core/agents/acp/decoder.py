"""What the records of a conversation mean. Pure; a record is `{"dir": "incoming"|"outgoing", "msg": {…}}`.

Both directions are told, as they were on the wire: what an answer means depends on what was asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from rpds import HashTrieMap, HashTrieSet

from core.agents.acp import calls, endings
from core.agents.acp.state import State
from core.agents.acp.updates import finished_message, turn_usage, updated
from core.agents.decoding import NOTHING, Decoded, Outcome
from core.agents.records import Record, name_at, table_at, tables_at, text_at
from core.events import (
    ConversationOpened,
    Payload,
    PermissionDenied,
    PermissionGranted,
    PermissionOption,
    PermissionRequested,
    StepCompleted,
    StepFailed,
    StepStarted,
)
from core.projections.records import line

INCOMING, OUTGOING = "incoming", "outgoing"

_RESTORING = frozenset({"session/load", "session/resume"})


class AcpDecoder:
    """The Agent Client Protocol."""

    def start(self) -> State:
        return State()

    def step(self, state: State, record: Record) -> tuple[State, Decoded]:
        direction, message = text_at(record, "dir"), table_at(record, "msg")
        method, key = message.get("method"), _key(direction, message)
        if isinstance(method, str):
            if key is not None:
                state = replace(state, requests=state.requests.insert(key, (method, table_at(message, "params"))))
            return _said(state, direction, method, message)
        asked = _key(OUTGOING if direction == INCOMING else INCOMING, message)
        request = None if asked is None else state.requests.get(asked)
        if asked is None or request is None:
            return state, NOTHING
        state = replace(state, requests=state.requests.remove(asked))
        if direction == INCOMING:
            return _answered(state, *request, message)
        return _decided(state, asked[1], *request, table_at(message, "result", "outcome"))

    def end(self, state: State) -> Decoded:
        if state.in_turn:
            return _turn_over(state, Outcome(status="failed", text="it ended in the middle of its turn"))[1]
        nothing = "before its first turn" if state.conversation_id else "before a conversation was opened"
        outcome = state.outcome or Outcome(status="failed", text=f"it ended {nothing}")
        return Decoded(added=tuple(finished_message(state)[1]), outcome=outcome)


def _key(direction: str, message: Record) -> tuple[str, str] | None:
    """What a request is known by; texts and numbers are different ids."""
    name = message.get("id")
    return (direction, repr(name)) if isinstance(name, int | str) else None


def _said(state: State, direction: str, method: str, message: Record) -> tuple[State, Decoded]:
    params = table_at(message, "params")
    match direction, method:
        case "incoming", "session/update" if _is_news(state, params):
            return updated(state, table_at(params, "update"))
        case "incoming", "session/request_permission" if "id" in message:
            return _permission_asked(state, repr(message["id"]), params)
        case "outgoing", "session/prompt":
            return _prompted(state, params)
        case "outgoing", "session/cancel":
            return replace(state, cancelled=True), NOTHING
        case "outgoing", "session/load":
            return replace(state, restoring=True), NOTHING
        case _:
            return state, NOTHING


def _is_news(state: State, params: Record) -> bool:
    """Whether it is about our conversation, and was not said before."""
    ours = not state.conversation_id or text_at(params, "sessionId") == state.conversation_id
    return ours and not state.restoring


def _prompted(state: State, params: Record) -> tuple[State, Decoded]:
    prompt = " ".join(text_at(block, "text") for block in tables_at(params, "prompt"))
    state = replace(
        state, turn=state.turn + 1, in_turn=True, cancelled=False, message=None, said="", closed=HashTrieSet()
    )
    return state, Decoded(added=(StepStarted(step_id=state.step_id, step_type="turn", name=line(prompt)),))


def _permission_asked(state: State, wire_id: str, params: Record) -> tuple[State, Decoded]:
    told = table_at(params, "toolCall")
    call_id = name_at(told, "toolCallId")
    state, events = finished_message(state)
    if call_id not in state.calls:
        state, started = calls.noticed(state, {**told, "status": ""})
        events += started
    call = state.calls.get(call_id)
    name = f"p{state.permissions + 1}"
    state = replace(state, permissions=state.permissions + 1, asked=state.asked.insert(wire_id, name))
    options = tuple(
        PermissionOption(
            option_id=text_at(option, "optionId"), name=text_at(option, "name"), kind=text_at(option, "kind")
        )
        for option in tables_at(params, "options")
    )
    asked = PermissionRequested(
        request_id=name, tool_call_id=call_id, tool_name=text_at(told, "title") or (call.title if call else call_id),
        input=calls.description(told), options=options,
    )  # fmt: skip
    return state, Decoded(added=(*events, asked))


def _decided(state: State, wire_id: str, method: str, params: Record, outcome: Record) -> tuple[State, Decoded]:
    """How we answered a permission request."""
    name = state.asked.get(wire_id)
    if method != "session/request_permission" or name is None:
        return state, NOTHING
    state = replace(state, asked=state.asked.remove(wire_id))
    option_id = text_at(outcome, "optionId")
    kinds = (
        text_at(option, "kind") for option in tables_at(params, "options") if text_at(option, "optionId") == option_id
    )
    kind = next(kinds, "") if text_at(outcome, "outcome") == "selected" else ""
    if kind.startswith("allow"):
        return state, Decoded(added=(PermissionGranted(request_id=name, option_id=option_id, kind=kind),))
    state = calls.denied(state, name_at(table_at(params, "toolCall"), "toolCallId"))
    return state, Decoded(added=(PermissionDenied(request_id=name, reason=kind or text_at(outcome, "outcome")),))


def _answered(state: State, method: str, params: Record, message: Record) -> tuple[State, Decoded]:
    """What the agent answered to a request of ours."""
    if method == "session/load":
        state = replace(state, restoring=False)
    if "error" in message:
        outcome = endings.of_error(state, method, table_at(message, "error"))
        if method == "session/prompt" and outcome is not None:
            return _turn_over(state, outcome)
        return _maybe_refused(state, outcome)
    result = table_at(message, "result")
    match method:
        case "initialize":
            return _initialized(state, result)
        case "session/new" | "session/load" | "session/resume":
            return _opened(state, text_at(result if method == "session/new" else params, "sessionId"))
        case "session/prompt":
            state, events = finished_message(state)
            return _turn_over(state, endings.of_turn(state, result), [*events, *turn_usage(result)])
        case _:
            return state, NOTHING


def _initialized(state: State, result: Record) -> tuple[State, Decoded]:
    able = table_at(result, "agentCapabilities")
    ways_in = tuple(text_at(method, "name") or text_at(method, "id") for method in tables_at(result, "authMethods"))
    resumable = able.get("loadSession") is True or "resume" in table_at(able, "sessionCapabilities")
    return _maybe_refused(replace(state, ways_in=ways_in, resumable=resumable), endings.of_version(result))


def _maybe_refused(state: State, outcome: Outcome | None) -> tuple[State, Decoded]:
    return replace(state, outcome=outcome or state.outcome), Decoded(outcome=outcome)


def _opened(state: State, conversation_id: str) -> tuple[State, Decoded]:
    if not conversation_id:
        return _maybe_refused(state, Outcome(status="failed", text="it opened a conversation without a name"))
    opened = ConversationOpened(conversation_id=conversation_id, resumable=state.resumable)
    return replace(state, conversation_id=conversation_id), Decoded(added=(opened,))


def _turn_over(state: State, outcome: Outcome, events: Sequence[Payload] = ()) -> tuple[State, Decoded]:
    """Nothing of a turn stays open."""
    state, unfinished = finished_message(state)
    state, left = calls.abandoned(state)
    step_id = state.step_id
    over = outcome.status == "completed"
    end = StepCompleted(step_id=step_id) if over else StepFailed(step_id=step_id, error=outcome.text)
    state = replace(state, in_turn=False, outcome=outcome, asked=HashTrieMap())
    return state, Decoded(added=(*events, *unfinished, *left, end), outcome=outcome)
