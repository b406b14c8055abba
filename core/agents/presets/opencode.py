"""`opencode run --format json` (packages/opencode/src/cli/cmd/run.ts, opencode 1.18).

A tool call is told only when it is over. No record says that the turn is done before `done`, which older versions do
not print: it is, if nothing more comes and the last model call stopped by itself. What the user would have to allow is
refused, with exit code 0. It names no model.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import at, count_at, micros_at, name_at, table_at, tables_at, text_at, texts_at
from core.agents.turn import Turn, Usage


class OpencodeTurn(Turn, frozen=True, kw_only=True):
    """What is known of its end."""

    stopped: str = ""
    """Why the last model call ended; `stop` when there was nothing more to do."""
    refused: tuple[str, ...] = ()
    """Tools it was not allowed to use."""


def _read(draft: Draft[OpencodeTurn], record: Record) -> None:
    part = table_at(record, "part")
    draft.open_conversation(name_at(record, "sessionID"))
    match record.get("type"):
        case "step_start":
            draft.begin()
            draft.turn = replace(draft.turn, stopped="")
        case "tool_use":
            _read_call(draft, name_at(part, "callID"), name_at(part, "tool"), table_at(part, "state"))
        case "text":
            draft.say(text_at(part, "text"), message_id=name_at(part, "id"))
        case "reasoning":
            draft.say(text_at(part, "text"), kind="thought", message_id=name_at(part, "id"))
        case "step_finish":
            draft.use(_usage(part), scope="call")
            draft.turn = replace(draft.turn, stopped=name_at(part, "reason") or "no reason")
        case "error":
            draft.trouble(_words_of(table_at(record, "error")))
        case "done":
            draft.turn = replace(draft.turn, refused=(*draft.turn.refused, *texts_at(record, "rejected")))
            _conclude(draft)
        case _:
            pass


def _read_call(draft: Draft[OpencodeTurn], call_id: str, tool: str, state: Record) -> None:
    input_, error = at(state, "input"), text_at(state, "error")
    if tool == "todowrite" and (todos := tables_at(input_, "todos")):
        draft.plan(todos)
    if state.get("status") == "completed":
        failed = count_at(state, "metadata", "exit") != 0
        draft.end_call(call_id, "error" if failed else "ok", at(state, "output"), name=tool, input_=input_)
    elif "permission" in error.lower() and ("reject" in error.lower() or "rule" in error.lower()):
        draft.refuse(call_id, error, name=tool, input_=input_)
        draft.turn = replace(draft.turn, refused=(*draft.turn.refused, tool))
    else:
        draft.end_call(call_id, "error", error, name=tool, input_=input_)


def _words_of(error: Record) -> str:
    """The error, led by its status and name so that its kind shows."""
    status, name = name_at(error, "data", "statusCode"), name_at(error, "name")
    message = text_at(error, "data", "message") or text_at(error, "message")
    lead = status or ("" if name in {"APIError", "UnknownError"} and message else name)
    return ": ".join(filter(None, (lead, message)))


def _conclude(draft: Draft[OpencodeTurn]) -> None:
    if draft.turn.trouble:
        draft.fail(draft.turn.trouble)
    elif draft.turn.stopped == "stop":
        draft.complete()
    elif draft.turn.refused:
        draft.fail(f"it needs permission that nobody gave: {', '.join(sorted(set(draft.turn.refused)))}")
    elif draft.turn.stopped:
        draft.fail(f"it ended after its model call had stopped with {draft.turn.stopped!r}")


def _usage(part: Record) -> Usage:
    read, written = count_at(part, "tokens", "cache", "read"), count_at(part, "tokens", "cache", "write")
    return Usage(
        input_tokens=count_at(part, "tokens", "input") + read + written,
        output_tokens=count_at(part, "tokens", "output") + count_at(part, "tokens", "reasoning"),
        cached_tokens=read,
        cost_usd_micros=micros_at(part, "cost"),
    )


OPENCODE = Preset(OpencodeTurn(agent="opencode"), _read, _conclude)
