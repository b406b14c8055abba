"""`claude -p --output-format stream-json --verbose`, by its documented schema.

Sources: https://code.claude.com/docs/en/headless and claude-agent-sdk-python's message_parser.py. It ends with
`result`, whose totals are those of the run. Input tokens leave the cached ones out.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import (
    at,
    count_at,
    micros_at,
    name_at,
    named_tables_at,
    table_at,
    tables_at,
    text_at,
    texts_at,
    words_at,
)
from core.agents.turn import Turn, Usage


class ClaudeTurn(Turn, frozen=True, kw_only=True):
    """What is known beside the turn."""

    error: str = ""
    """The kind of the last error, in its own word."""
    limited_until_s: float | None = None
    """When the limit that was hit is over, in seconds since 1970."""


def _read(draft: Draft[ClaudeTurn], record: Record) -> None:
    match record.get("type"):
        case "system":
            _read_system(draft, record)
        case "assistant":
            _read_assistant(draft, record)
        case "user":
            for block in tables_at(record, "message", "content"):
                if block.get("type") == "tool_result":
                    _read_tool_result(draft, block)
        case "stream_event":
            _read_piece(draft, table_at(record, "event", "delta"))
        case "control_request" if at(record, "request", "subtype") == "can_use_tool":
            request = table_at(record, "request")
            call_id, name = name_at(request, "tool_use_id"), name_at(request, "tool_name")
            draft.ask(name_at(record, "request_id"), call_id, name, at(request, "input"))
        case "rate_limit_event":
            _read_limit(draft, table_at(record, "rate_limit_info"))
        case "result":
            _read_result(draft, record)
        case _:
            pass


def _read_system(draft: Draft[ClaudeTurn], record: Record) -> None:
    match record.get("subtype"):
        case "init":
            draft.open_conversation(name_at(record, "session_id"))
            draft.use_model(name_at(record, "model"))
            draft.begin()
        case "api_retry":
            seconds = count_at(record, "retry_delay_ms") / 1000
            draft.note("retry", f"{name_at(record, 'error') or 'an error'}: it tries again in {seconds:g} s")
        case _:
            pass


def _read_assistant(draft: Draft[ClaudeTurn], record: Record) -> None:
    draft.begin()
    draft.turn = replace(draft.turn, error=name_at(record, "error"))
    message = table_at(record, "message")
    message_id = name_at(message, "id")
    own = record.get("parent_tool_use_id") is None
    role = "assistant" if own else "subagent"
    for block in tables_at(message, "content"):
        match block.get("type"):
            case "text":
                draft.say(text_at(block, "text"), message_id=message_id, role=role)
            case "thinking":
                said = text_at(block, "thinking")
                draft.say(said, kind="thought", message_id=message_id, role=role)
            case "tool_use" | "server_tool_use":
                _read_tool_use(draft, block)
            case "tool_result" | "advisor_tool_result":
                _read_tool_result(draft, block)
            case _:
                pass


def _read_tool_use(draft: Draft[ClaudeTurn], block: Record) -> None:
    draft.start_call(name_at(block, "id"), name_at(block, "name"), at(block, "input"))
    if block.get("name") == "TodoWrite":
        draft.plan(tables_at(block, "input", "todos"))


def _read_tool_result(draft: Draft[ClaudeTurn], block: Record) -> None:
    call_id, output = name_at(block, "tool_use_id"), words_at(block, "content")
    if block.get("is_error") is not True:
        draft.end_call(call_id, "ok", output)
    elif "requested permissions to" in output or ("ermission" in output and "denied" in output):
        draft.refuse(call_id, output)
    else:
        draft.end_call(call_id, "error", output)


def _read_piece(draft: Draft[ClaudeTurn], delta: Record) -> None:
    match delta.get("type"):
        case "text_delta":
            draft.hear(text_at(delta, "text"))
        case "thinking_delta":
            draft.hear(text_at(delta, "thinking"), "thought")
        case _:
            pass


def _read_limit(draft: Draft[ClaudeTurn], limit: Record) -> None:
    status, kind = name_at(limit, "status"), name_at(limit, "rateLimitType")
    hit = status == "rejected"
    draft.turn = replace(draft.turn, limited_until_s=float(count_at(limit, "resetsAt")) if hit else None)
    if status not in {"allowed", ""}:
        draft.note("limit", " ".join(filter(None, (kind, "limit:", status))))


def _read_result(draft: Draft[ClaudeTurn], record: Record) -> None:
    draft.finish_speech()
    for denial in tables_at(record, "permission_denials"):
        call_id, name = name_at(denial, "tool_use_id"), name_at(denial, "tool_name")
        if call_id and call_id in draft.turn.open_calls:
            draft.refuse(call_id, f"{name or 'the tool'} was not permitted")
    _read_usage(draft, record)
    subtype = name_at(record, "subtype")
    if record.get("is_error") is not True and subtype == "success":
        draft.complete(text_at(record, "result"))
        return
    kind = " ".join(filter(None, (draft.turn.error, name_at(record, "api_error_status"))))
    said = text_at(record, "result") or "; ".join(texts_at(record, "errors")) or subtype
    draft.fail(said, kind=kind, until_s=draft.turn.limited_until_s)


def _read_usage(draft: Draft[ClaudeTurn], record: Record) -> None:
    models = named_tables_at(record, "modelUsage")
    for model, used in models:
        draft.count(_usage_of_model(used), scope="turn", model=model)
    if not models:
        draft.count(_usage(record), scope="turn")


def _usage_of_model(usage: Record) -> Usage:
    read, written = count_at(usage, "cacheReadInputTokens"), count_at(usage, "cacheCreationInputTokens")
    return Usage(
        input_tokens=count_at(usage, "inputTokens") + read + written,
        output_tokens=count_at(usage, "outputTokens"),
        cached_tokens=read,
        cost_usd_micros=micros_at(usage, "costUSD"),
    )


def _usage(record: Record) -> Usage:
    usage = table_at(record, "usage")
    read, written = count_at(usage, "cache_read_input_tokens"), count_at(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count_at(usage, "input_tokens") + read + written,
        output_tokens=count_at(usage, "output_tokens"),
        cached_tokens=read,
        cost_usd_micros=micros_at(record, "total_cost_usd"),
    )


CLAUDE = Preset(ClaudeTurn(agent="claude"), _read)
