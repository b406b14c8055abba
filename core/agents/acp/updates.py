"""What an agent tells while its turn lasts: text, thoughts, its plan, what it used, its mode."""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.acp import calls
from core.agents.acp.fields import Table, number, table, tables, text
from core.agents.acp.state import Message, State
from core.agents.decoding import NOTHING, Decoded, Spoken
from core.events import CustomRecorded, MessageReceived, Payload, PlanEntry, PlanUpdated, UsageReported
from core.events.execution import MessageKind

MESSAGE_CHARACTERS = 256 * 1024  # kept of one message; an event holds less

_KINDS: dict[str, MessageKind] = {"agent_message_chunk": "text", "agent_thought_chunk": "thought"}


def updated(state: State, update: Table) -> tuple[State, Decoded]:
    """What one `session/update` adds."""
    match text(update, "sessionUpdate"):
        case "agent_message_chunk" | "agent_thought_chunk" as kind:
            return _spoken(state, _KINDS[kind], text(update, "messageId"), _block_text(table(update, "content")))
        case "tool_call" | "tool_call_update":
            state, finished = finished_message(state) if text(update, "toolCallId") not in state.calls else (state, [])
            state, events = calls.noticed(state, update)
            return state, Decoded(added=(*finished, *events))
        case "plan":
            return _planned(state, update)
        case "usage_update":
            return _used(state, update)
        case "current_mode_update":
            mode = CustomRecorded(event_type="acp:mode", fields={"mode": text(update, "currentModeId")})
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


def turn_usage(result: Table) -> list[Payload]:
    """What a turn consumed, as the answer to its prompt tells; some agents tell it in a field of their own."""
    usage = table(result, "usage")
    quota = table(result, "_meta", "quota")
    counts = table(quota, "token_count")
    models = [text(model, "model") for model in tables(quota, "model_usage")]
    tokens_in = _first(number(usage, "inputTokens"), number(counts, "input_tokens"))
    tokens_out = _first(number(usage, "outputTokens"), number(counts, "output_tokens"))
    if not tokens_in and not tokens_out:
        return []
    return [
        UsageReported(
            scope="turn", model=models[0] if models else "", input_tokens=tokens_in, output_tokens=tokens_out,
            cached_tokens=number(usage, "cachedReadTokens") or 0,
        )
    ]  # fmt: skip


def _first(*numbers: int | None) -> int:
    return next((number for number in numbers if number is not None), 0)


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


def _block_text(block: Table) -> str:
    """The text of a content block; what is no text is named."""
    match text(block, "type"):
        case "text":
            return text(block, "text")
        case "resource_link":
            return text(block, "uri") or text(block, "name")
        case "resource":
            return text(table(block, "resource"), "text") or text(table(block, "resource"), "uri")
        case kind:
            return f"[{kind or 'something'} {text(block, 'mimeType')}]".replace(" ]", "]")


def _planned(state: State, update: Table) -> tuple[State, Decoded]:
    entries = tuple(
        PlanEntry(content=text(entry, "content"), priority=text(entry, "priority"), status=text(entry, "status"))
        for entry in tables(update, "entries")
    )
    if entries == state.plan:
        return state, NOTHING
    state, events = finished_message(state)
    return replace(state, plan=entries), Decoded(added=(*events, PlanUpdated(entries=entries)))


def _used(state: State, update: Table) -> tuple[State, Decoded]:
    """How full the context is, and what the conversation cost since it was told last."""
    context = (number(update, "used"), number(update, "size"))
    cost = table(update, "cost")
    amount = cost.get("amount")
    total = state.cost_usd_micros
    if text(cost, "currency") == "USD" and isinstance(amount, int | float):
        total = number({"micros": amount * 1_000_000}, "micros") or 0
    added = max(0, total - state.cost_usd_micros)
    if context == state.context and not added:
        return state, NOTHING
    used = UsageReported(
        scope="context", context_used_tokens=context[0], context_size_tokens=context[1], cost_usd_micros=added or None
    )
    return replace(state, context=context, cost_usd_micros=total), Decoded(added=(used,))
