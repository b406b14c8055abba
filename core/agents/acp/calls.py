"""Tool calls: agents announce them by a start, by an update, in a permission request, or only when they are over.

Whatever comes first counts as the start, and each call that started ends exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec.structs import replace

from core.agents.acp.state import Call, State
from core.agents.records import Record, name_at, table_at, text_at
from core.events import Payload, ToolCallCompleted, ToolCallStarted, ToolCallUpdated
from core.events.execution import ToolOutcome

_OVER: Mapping[str, ToolOutcome] = {"completed": "ok", "failed": "error"}


def noticed(state: State, told: Record) -> tuple[State, list[Payload]]:
    """A call as somebody tells of it: started if it is new, changed if it is not, and over if it says so."""
    call_id = name_at(told, "toolCallId")
    if not call_id or call_id in state.closed:
        return state, []
    before = state.calls.get(call_id)
    call = _merged(before or Call(), told)
    events: list[Payload] = []
    if before is None:
        title = call.title or text_at(told, "name") or text_at(told, "kind") or call_id
        call = replace(call, title=title)
        events.append(ToolCallStarted(step_id=state.step_id, tool_call_id=call_id, tool_name=title, input=call.input))
        before = Call(title=title, status=call.status, input=call.input)
    state = replace(state, calls=state.calls.insert(call_id, call))
    outcome = _OVER.get(call.status)
    if outcome is None:
        return state, [*events, *_changes(call_id, before, call)]
    if outcome == "error" and call.denied:
        outcome = "denied"
    output = told.get("rawOutput")
    state, over = _over(state, call_id, outcome, call.content if output is None else output)
    return state, [*events, over]


def denied(state: State, call_id: str) -> State:
    """The call was refused a permission."""
    call = state.calls.get(call_id)
    return state if call is None else replace(state, calls=state.calls.insert(call_id, replace(call, denied=True)))


def abandoned(state: State) -> tuple[State, list[Payload]]:
    """At the end of a turn nothing runs: agents drop calls without a word when they are refused or cancelled."""
    events: list[Payload] = []
    for call_id in sorted(state.calls):
        call = state.calls[call_id]
        state, over = _over(state, call_id, "denied" if call.denied else "abandoned", call.content)
        events.append(over)
    return state, events


def description(told: Record) -> dict[str, object]:
    """What is asked for when a call needs permission: its kind, name, input, content and places, if told."""
    keys = {"kind": "kind", "name": "name", "rawInput": "input", "content": "content", "locations": "locations"}
    return {word: told[key] for key, word in keys.items() if told.get(key)}


def tool_name(told: Record) -> str:
    """The name of the tool itself, which some agents tell beside the title of the call."""
    return text_at(told, "name") or text_at(table_at(told, "_meta", "goose", "toolCall"), "toolName")


def _merged(call: Call, told: Record) -> Call:
    return Call(
        title=text_at(told, "title") or call.title,
        status=text_at(told, "status") or call.status,
        input=told.get("rawInput") or call.input,
        content=told.get("content") or call.content,
        denied=call.denied,
    )


def _changes(call_id: str, before: Call, call: Call) -> list[Payload]:
    changed: dict[str, object] = {}
    if call.input != before.input:
        changed["input"] = call.input
    if call.content != before.content:
        changed["content"] = call.content
    if not changed and (call.title, call.status) == (before.title, before.status):
        return []
    return [ToolCallUpdated(tool_call_id=call_id, status=call.status, title=call.title, content=changed or None)]


def _over(state: State, call_id: str, outcome: ToolOutcome, output: object) -> tuple[State, Payload]:
    over = ToolCallCompleted(step_id=state.step_id, tool_call_id=call_id, output=_plain(output), outcome=outcome)
    return replace(state, calls=state.calls.remove(call_id), closed=state.closed.insert(call_id)), over


def _plain(output: object) -> object:
    """Content that is nothing but texts, as one text."""
    if not isinstance(output, list):
        return output
    blocks = cast("list[object]", output)
    texts = [
        text_at(table_at(cast("Record", block), "content"), "text") for block in blocks if isinstance(block, Mapping)
    ]
    return "\n".join(texts) if blocks and len(texts) == len(blocks) and all(texts) else cast("object", output)
