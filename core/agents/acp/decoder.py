"""What the records of a conversation mean. Pure; a record is `{"dir": "incoming"|"outgoing", "msg": {…}}`.

Both directions are told, as they were on the wire: what an answer means depends on what was asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from rpds import HashTrieMap, HashTrieSet

from core.agents.acp import calls, endings
from core.agents.acp.fields import Table, table, tables, text
from core.agents.acp.state import State
from core.agents.acp.updates import finished_message, turn_usage, updated
from core.agents.decoding import NOTHING, Decoded, Outcome, Record
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
        direction, message = text(record, "dir"), table(record, "msg")
        method, key = message.get("method"), _key(direction, message)
        if isinstance(method, str):
            if key is not None:
                state = replace(state, requests=state.requests.insert(key, (method, table(message, "params"))))
            return _said(state, direction, method, message)
        asked = _key(OUTGOING if direction == INCOMING else INCOMING, message)
        request = None if asked is None else state.requests.get(asked)
        if asked is None or request is None:
            return state, NOTHING
        state = replace(state, requests=state.requests.remove(asked))
        if direction == INCOMING:
            return _answered(state, *request, message)
        return _decided(state, asked[1], *request, table(message, "result", "outcome"))

    def end(self, state: State) -> Decoded:
        if not state.in_turn:
            events = finished_message(state)[1]
            never = Outcome(status="failed", text="it ended before a conversation was opened")
            return Decoded(added=tuple(events), outcome=None if state.conversation_id or state.refused else never)
        return _turn_over(state, Outcome(status="failed", text="it ended in the middle of its turn"))[1]


def _key(direction: str, message: Table) -> tuple[str, str] | None:
    """What a request is known by; texts and numbers are different ids."""
    name = message.get("id")
    return (direction, repr(name)) if isinstance(name, int | str) else None


def _said(state: State, direction: str, method: str, message: Table) -> tuple[State, Decoded]:
    params = table(message, "params")
    match direction, method:
        case "incoming", "session/update" if _is_news(state, params):
            return updated(state, table(params, "update"))
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


def _is_news(state: State, params: Table) -> bool:
    """Whether it is about our conversation, and was not said before."""
    ours = not state.conversation_id or text(params, "sessionId") == state.conversation_id
    return ours and not state.restoring


def _prompted(state: State, params: Table) -> tuple[State, Decoded]:
    prompt = " ".join(text(block, "text") for block in tables(params, "prompt"))
    state = replace(
        state, turn=state.turn + 1, in_turn=True, cancelled=False, message=None, said="", closed=HashTrieSet()
    )
    return state, Decoded(added=(StepStarted(step_id=state.step_id, step_type="turn", name=line(prompt)),))


def _permission_asked(state: State, wire_id: str, params: Table) -> tuple[State, Decoded]:
    told = table(params, "toolCall")
    call_id = text(told, "toolCallId")
    state, events = finished_message(state)
    if call_id not in state.calls:
        state, started = calls.noticed(state, {**told, "status": ""})
        events += started
    call = state.calls.get(call_id)
    name = f"p{state.permissions + 1}"
    state = replace(state, permissions=state.permissions + 1, asked=state.asked.insert(wire_id, name))
    options = tuple(
        PermissionOption(option_id=text(option, "optionId"), name=text(option, "name"), kind=text(option, "kind"))
        for option in tables(params, "options")
    )
    asked = PermissionRequested(
        request_id=name, tool_call_id=call_id, tool_name=text(told, "title") or (call.title if call else call_id),
        input=calls.description(told), options=options,
    )  # fmt: skip
    return state, Decoded(added=(*events, asked))


def _decided(state: State, wire_id: str, method: str, params: Table, outcome: Table) -> tuple[State, Decoded]:
    """How we answered a permission request."""
    name = state.asked.get(wire_id)
    if method != "session/request_permission" or name is None:
        return state, NOTHING
    state = replace(state, asked=state.asked.remove(wire_id))
    option_id = text(outcome, "optionId")
    kinds = (text(option, "kind") for option in tables(params, "options") if text(option, "optionId") == option_id)
    kind = next(kinds, "") if text(outcome, "outcome") == "selected" else ""
    if kind.startswith("allow"):
        return state, Decoded(added=(PermissionGranted(request_id=name, option_id=option_id, kind=kind),))
    state = calls.denied(state, text(table(params, "toolCall"), "toolCallId"))
    return state, Decoded(added=(PermissionDenied(request_id=name, reason=kind or text(outcome, "outcome")),))


def _answered(state: State, method: str, params: Table, message: Table) -> tuple[State, Decoded]:
    """What the agent answered to a request of ours."""
    if method == "session/load":
        state = replace(state, restoring=False)
    if "error" in message:
        outcome = endings.of_error(state, method, table(message, "error"))
        if method == "session/prompt" and outcome is not None:
            return _turn_over(state, outcome)
        return _maybe_refused(state, outcome)
    result = table(message, "result")
    match method:
        case "initialize":
            return _initialized(state, result)
        case "session/new" | "session/load" | "session/resume":
            return _opened(state, text(result if method == "session/new" else params, "sessionId"))
        case "session/prompt":
            state, events = finished_message(state)
            return _turn_over(state, endings.of_turn(state, result), [*events, *turn_usage(result)])
        case _:
            return state, NOTHING


def _initialized(state: State, result: Table) -> tuple[State, Decoded]:
    able = table(result, "agentCapabilities")
    ways_in = tuple(text(method, "name") or text(method, "id") for method in tables(result, "authMethods"))
    resumable = able.get("loadSession") is True or "resume" in table(able, "sessionCapabilities")
    return _maybe_refused(replace(state, ways_in=ways_in, resumable=resumable), endings.of_version(result))


def _maybe_refused(state: State, outcome: Outcome | None) -> tuple[State, Decoded]:
    return replace(state, refused=state.refused or outcome is not None), Decoded(outcome=outcome)


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
    state = replace(state, in_turn=False, asked=HashTrieMap())
    return state, Decoded(added=(*events, *unfinished, *left, end), outcome=outcome)
