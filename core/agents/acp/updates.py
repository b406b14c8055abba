"""What an agent tells while its turn lasts: text, thoughts, its plan, what it used, its mode."""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.acp import calls
from core.agents.acp.state import Message, State
from core.agents.decoding import NOTHING, Decoded, Spoken
from core.agents.records import Record, count_at, micros_at, name_at, table_at, tables_at, text_at
from core.events import CustomRecorded, MessageReceived, Payload, PlanEntry, PlanUpdated, UsageReported
from core.events.execution import MessageKind

MESSAGE_CHARACTERS = 256 * 1024  # kept of one message; an event holds less

_KINDS: dict[str, MessageKind] = {"agent_message_chunk": "text", "agent_thought_chunk": "thought"}


def updated(state: State, update: Record) -> tuple[State, Decoded]:
    """What one `session/update` adds."""
    match text_at(update, "sessionUpdate"):
        case "agent_message_chunk" | "agent_thought_chunk" as kind:
            return _spoken(state, _KINDS[kind], name_at(update, "messageId"), _block_text(table_at(update, "content")))
        case "tool_call" | "tool_call_update":
            state, finished = (
                finished_message(state) if name_at(update, "toolCallId") not in state.calls else (state, [])
            )
            state, events = calls.noticed(state, update)
            return state, Decoded(added=(*finished, *events))
        case "plan":
            return _planned(state, update)
        case "usage_update":
            return _used(state, update)
        case "current_mode_update":
            mode = CustomRecorded(event_type="acp:mode", fields={"mode": text_at(update, "currentModeId")})
            return state, Decoded(added=(mode,))
        case _:
            return state, NOTHING


def finished_message(state: State) -> tuple[State, list[Payload]]:
    """The message that was being said is whole now, if there is one."""
    message = state.message
    if message is None:
        return state, []
    said = message.text
    name = message.id or f"{state.turn}.{state.messages + 1}"
    state = replace(
        state, message=None, messages=state.messages + 1, said=said if message.kind == "text" else state.said
    )
    return state, [MessageReceived(message_id=name, role="assistant", kind=message.kind, text=said)]


def turn_usage(result: Record) -> list[Payload]:
    """What a turn consumed, as the answer to its prompt tells; some agents tell it in a field of their own."""
    usage = table_at(result, "usage")
    quota = table_at(result, "_meta", "quota")
    counts = table_at(quota, "token_count")
    models = [text_at(model, "model") for model in tables_at(quota, "model_usage")]
    tokens_in = count_at(usage, "inputTokens") or count_at(counts, "input_tokens")
    tokens_out = count_at(usage, "outputTokens") or count_at(counts, "output_tokens")
    if not tokens_in and not tokens_out:
        return []
    return [
        UsageReported(
            scope="turn", model=models[0] if models else "", input_tokens=tokens_in, output_tokens=tokens_out,
            cached_tokens=count_at(usage, "cachedReadTokens"),
        )
    ]  # fmt: skip


def _spoken(state: State, kind: MessageKind, message_id: str, piece: str) -> tuple[State, Decoded]:
    events: list[Payload] = []
    message = state.message
    if message is not None and (message.kind, message.id) != (kind, message_id):
        state, events = finished_message(state)
        message = None
    message = message or Message(id=message_id, kind=kind)
    kept = piece[: max(0, MESSAGE_CHARACTERS - message.characters)]
    longer = replace(
        message, pieces=(kept, message.pieces) if kept else message.pieces, characters=message.characters + len(kept)
    )
    return replace(state, message=longer), Decoded(added=(*events, Spoken(kind, piece)))


def _block_text(block: Record) -> str:
    """The text of a content block; what is no text is named."""
    match text_at(block, "type"):
        case "text":
            return text_at(block, "text")
        case "resource_link":
            return text_at(block, "uri") or text_at(block, "name")
        case "resource":
            return text_at(table_at(block, "resource"), "text") or text_at(table_at(block, "resource"), "uri")
        case kind:
            return f"[{kind or 'something'} {text_at(block, 'mimeType')}]".replace(" ]", "]")


def _planned(state: State, update: Record) -> tuple[State, Decoded]:
    entries = tuple(
        PlanEntry(
            content=text_at(entry, "content"), priority=text_at(entry, "priority"), status=text_at(entry, "status")
        )
        for entry in tables_at(update, "entries")
    )
    if entries == state.plan:
        return state, NOTHING
    state, events = finished_message(state)
    return replace(state, plan=entries), Decoded(added=(*events, PlanUpdated(entries=entries)))


def _used(state: State, update: Record) -> tuple[State, Decoded]:
    """How full the context is, and what the conversation cost since it was told last."""
    used, size = (count_at(update, key) if key in update else None for key in ("used", "size"))
    cost = table_at(update, "cost")
    total = micros_at(cost, "amount") if text_at(cost, "currency") == "USD" else None
    added = max(0, (total or 0) - state.cost_usd_micros)
    if (used, size) == state.context and not added:
        return state, NOTHING
    told = UsageReported(
        scope="context", context_used_tokens=used, context_size_tokens=size, cost_usd_micros=added or None
    )
    state = replace(state, context=(used, size), cost_usd_micros=state.cost_usd_micros + added)
    return state, Decoded(added=(told,))
