"""`goose run -q --output-format stream-json` (crates/goose-cli/src/session/mod.rs, goose 1.52).

It ends with `complete` or `error`. What its model's server refuses it tells as a message of its own, and then ends with
`complete` all the same. Text comes in pieces, each a message with the same id. Usage is counted up over the session. It
tells no id of its session. Lines before the first record are a banner.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import at, count_at, micros_at, name_at, table_at, tables_at, text_at, words_at
from core.agents.turn import Turn, Usage

_DECLINED = "declined to run"
_REFUSALS = ("Network error:", "Ran into this error:")


def _read(draft: Draft[Turn], record: Record) -> None:
    match record.get("type"):
        case "message":
            draft.begin()
            _read_origin(draft, table_at(record, "message"))
            for content in tables_at(record, "message", "content"):
                _read_content(draft, table_at(record, "message"), content)
        case "notification":
            said = text_at(record, "log", "message") or text_at(record, "progress", "message")
            draft.note(name_at(record, "extension_id") or "notification", said)
        case "complete":
            draft.finish_speech()
            draft.count(_usage(record), scope="turn")
            if draft.turn.trouble:
                draft.fail(draft.turn.trouble)
            else:
                draft.complete()
        case "error":
            draft.fail(text_at(record, "error"))
        case _:
            pass


def _read_origin(draft: Draft[Turn], message: Record) -> None:
    """Whether it comes from the model, which then is in no trouble any more."""
    inference = table_at(message, "metadata", "inference")
    if inference:
        draft.use_model(name_at(inference, "requestedModel"))
        draft.turn = replace(draft.turn, trouble="")


def _read_content(draft: Draft[Turn], message: Record, content: Record) -> None:
    ours = message.get("role") == "assistant"
    message_id = name_at(message, "id")
    match content.get("type"):
        case "text" if ours and _is_refusal(message, content):
            draft.trouble(text_at(content, "text"))
        case "error":
            draft.trouble(text_at(content, "message"))
        case "text" if ours:
            draft.speak(text_at(content, "text"), message_id=message_id)
        case "thinking" | "reasoning" if ours:
            said = text_at(content, "thinking") or text_at(content, "text")
            draft.speak(said, kind="thought", message_id=message_id)
        case "toolRequest":
            call = table_at(content, "toolCall", "value")
            draft.start_call(name_at(content, "id"), name_at(call, "name"), at(call, "arguments"))
        case "toolResponse":
            _read_response(draft, name_at(content, "id"), table_at(content, "toolResult"))
        case "systemNotification":
            draft.note("notice", text_at(content, "msg"))
        case _:
            pass


def _is_refusal(message: Record, content: Record) -> bool:
    return text_at(content, "text").startswith(_REFUSALS) and not table_at(message, "metadata", "inference")


def _read_response(draft: Draft[Turn], call_id: str, result: Record) -> None:
    value = table_at(result, "value")
    output = words_at(value, "content") or text_at(result, "error") or at(value, "structuredContent")
    failed = result.get("status") != "success" or value.get("isError") is True
    if isinstance(output, str) and _DECLINED in output:
        draft.refuse(call_id, output)
    elif failed or count_at(value, "structuredContent", "exit_code") != 0:
        draft.end_call(call_id, "error", output)
    else:
        draft.end_call(call_id, "ok", output)


def _usage(record: Record) -> Usage:
    return Usage(
        input_tokens=count_at(record, "input_tokens"),
        output_tokens=count_at(record, "output_tokens"),
        cached_tokens=count_at(record, "cache_read_input_tokens"),
        cost_usd_micros=micros_at(record, "cost_usd"),
    )


GOOSE = Preset(Turn(agent="goose"), _read)
