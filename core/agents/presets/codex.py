"""`codex exec --json`: threads of turns made of items (codex-rs/exec/src/exec_events.rs, codex 0.169).

It ends a turn with `turn.completed` or `turn.failed`. Usage is counted up over the thread, so the first turn of a
resumed one has all that was used before. It names no model and no cost.
"""

from __future__ import annotations

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import at, count_at, name_at, table_at, tables_at, text_at, words_at
from core.agents.turn import Turn, Usage
from core.events.execution import ToolOutcome

_CALLS = ("command_execution", "file_change", "mcp_tool_call", "collab_tool_call", "web_search")


def _read(draft: Draft[Turn], record: Record) -> None:
    match record.get("type"):
        case "thread.started":
            draft.open_conversation(name_at(record, "thread_id"))
        case "turn.started":
            draft.begin()
        case "item.started" | "item.updated" | "item.completed" as what:
            _read_item(draft, table_at(record, "item"), over=what == "item.completed")
        case "turn.completed":
            draft.finish_speech()
            draft.count(_usage(table_at(record, "usage")), scope="turn")
            draft.complete()
        case "turn.failed":
            draft.fail(text_at(record, "error", "message") or draft.turn.trouble)
        case "error":
            draft.trouble(text_at(record, "message"))
        case _:
            pass


def _read_item(draft: Draft[Turn], item: Record, *, over: bool) -> None:
    item_id, kind = name_at(item, "id"), name_at(item, "type")
    if kind in _CALLS:
        draft.start_call(item_id, _tool(item, kind), _input(item, kind))
        if over and item.get("status") == "declined":
            draft.refuse(item_id, "declined")
        elif over:
            draft.end_call(item_id, _outcome(item), _output(item, kind))
    elif kind == "todo_list":
        draft.plan(tables_at(item, "items"))
    elif over and kind == "reasoning":
        draft.say(text_at(item, "text"), kind="thought", message_id=item_id)
    elif over and kind == "error":
        draft.note("warning", text_at(item, "message"))
    elif over:
        draft.say(text_at(item, "text"), message_id=item_id)


def _tool(item: Record, kind: str) -> str:
    server, tool = name_at(item, "server"), name_at(item, "tool")
    return f"{server}.{tool}" if server and tool else tool or kind


def _input(item: Record, kind: str) -> object:
    match kind:
        case "command_execution":
            return {"command": at(item, "command")}
        case "file_change":
            return {"changes": at(item, "changes")}
        case "mcp_tool_call":
            return at(item, "arguments")
        case "web_search":
            return {"query": at(item, "query")}
        case _:
            return {"prompt": at(item, "prompt"), "receiver_thread_ids": at(item, "receiver_thread_ids")}


def _output(item: Record, kind: str) -> object:
    match kind:
        case "command_execution":
            return text_at(item, "aggregated_output")
        case "mcp_tool_call":
            return text_at(item, "error", "message") or words_at(item, "result", "content")
        case _:
            return None


def _outcome(item: Record) -> ToolOutcome:
    match item.get("status"):
        case "failed":
            return "error"
        case "in_progress":
            return "abandoned"
        case _:
            return "ok"


def _usage(usage: Record) -> Usage:
    return Usage(
        input_tokens=count_at(usage, "input_tokens"),
        output_tokens=count_at(usage, "output_tokens"),
        cached_tokens=count_at(usage, "cached_input_tokens"),
    )


CODEX = Preset(Turn(agent="codex"), _read)
