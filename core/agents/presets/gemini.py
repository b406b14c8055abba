"""`gemini --output-format stream-json` (packages/core/src/output/types.ts, gemini-cli 0.61).

It ends with `result`. Text comes in pieces without an id. A shell command that failed is a success of its tool: the
exit code is not told. It names no cost.
"""

from __future__ import annotations

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import at, count_at, name_at, named_tables_at, table_at, text_at
from core.agents.turn import Turn, Usage


def _read(draft: Draft[Turn], record: Record) -> None:
    match record.get("type"):
        case "init":
            draft.open_conversation(name_at(record, "session_id"))
            draft.use_model(name_at(record, "model"))
            draft.begin()
        case "message" if record.get("role") == "assistant":
            if record.get("delta"):
                draft.speak(text_at(record, "content"))
            else:
                draft.say(text_at(record, "content"))
        case "tool_use":
            draft.start_call(name_at(record, "tool_id"), name_at(record, "tool_name"), at(record, "parameters"))
        case "tool_result":
            _read_tool_result(draft, record)
        case "error" if record.get("severity") == "warning":
            draft.note("warning", text_at(record, "message"))
        case "error":
            draft.trouble(text_at(record, "message"))
        case "result":
            _read_result(draft, record)
        case _:
            pass


def _read_tool_result(draft: Draft[Turn], record: Record) -> None:
    call_id = name_at(record, "tool_id")
    if record.get("status") == "success":
        draft.end_call(call_id, "ok", at(record, "output"))
        return
    reason = text_at(record, "error", "message") or text_at(record, "output")
    if "policy" in name_at(record, "error", "type").lower() or "denied by policy" in reason.lower():
        draft.refuse(call_id, reason)
    else:
        draft.end_call(call_id, "error", reason)


def _read_result(draft: Draft[Turn], record: Record) -> None:
    draft.finish_speech()
    stats = table_at(record, "stats")
    models = named_tables_at(stats, "models")
    for model, used in models:
        draft.count(_usage(used), scope="turn", model=model)
    if not models:
        draft.count(_usage(stats), scope="turn")
    if record.get("status") == "success":
        draft.complete()
    else:
        said = text_at(record, "error", "message") or draft.turn.trouble
        draft.fail(said, kind=name_at(record, "error", "type"))


def _usage(stats: Record) -> Usage:
    return Usage(
        input_tokens=count_at(stats, "input_tokens"),
        output_tokens=count_at(stats, "output_tokens"),
        cached_tokens=count_at(stats, "cached"),
    )


GEMINI = Preset(Turn(agent="gemini"), _read)
