"""`mini -o FILE`: mini-swe-agent's trajectory, one JSON document that it writes anew after every step.

A record is one of the messages in it (format mini-swe-agent-1.1, mini-swe-agent 2.4). It ends with a message of role
`exit`; only the status `Submitted` is success.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.agents.decoding import Record
from core.agents.draft import Draft
from core.agents.presets.preset import Preset
from core.agents.records import at, count_at, micros_at, name_at, table_at, tables_at, text_at, words_at
from core.agents.turn import Turn, Usage
from core.events.execution import ToolOutcome

_NOT_RUN = "action was not executed"


class MiniTurn(Turn, frozen=True, kw_only=True):
    """How far it was read."""

    messages: int = 0


def messages_of(document: Record) -> list[Record]:
    """The records in a trajectory, oldest first."""
    return tables_at(document, "messages")


def _read(draft: Draft[MiniTurn], message: Record) -> None:
    index = draft.turn.messages
    draft.turn = replace(draft.turn, messages=index + 1)
    draft.begin()
    extra = table_at(message, "extra")
    match message.get("role"):
        case "assistant":
            draft.use_model(name_at(extra, "response", "model"))
            draft.say(words_at(message, "content"), message_id=f"message-{index}")
            for number, action in enumerate(tables_at(extra, "actions")):
                call_id = name_at(action, "tool_call_id") or f"action-{index}-{number}"
                draft.start_call(call_id, "bash", {"command": at(action, "command")})
            draft.use(_usage(extra), scope="call")
        case "exit":
            _read_exit(draft, message, extra)
        case _ if "returncode" in extra:
            # Models without tool calls get the output in a message of the user: of the call that waits for it.
            waiting = min(draft.turn.open_calls, default="")
            draft.end_call(name_at(message, "tool_call_id") or waiting, _outcome(extra), at(extra, "raw_output"))
        case _:
            pass


def _read_exit(draft: Draft[MiniTurn], message: Record, extra: Record) -> None:
    status = name_at(extra, "exit_status")
    if status == "Submitted":
        draft.complete(text_at(extra, "submission"))
    else:
        said = text_at(extra, "exception_str") or text_at(message, "content")
        draft.fail(said if status in said else ": ".join(filter(None, (status, said))))


def _outcome(extra: Record) -> ToolOutcome:
    if _NOT_RUN in text_at(extra, "exception_info"):
        return "abandoned"
    return "ok" if extra.get("returncode") == 0 else "error"


def _usage(extra: Record) -> Usage:
    usage = table_at(extra, "response", "usage")
    return Usage(
        input_tokens=count_at(usage, "prompt_tokens"),
        output_tokens=count_at(usage, "completion_tokens"),
        cached_tokens=count_at(usage, "prompt_tokens_details", "cached_tokens"),
        cost_usd_micros=micros_at(extra, "cost"),
    )


MINI = Preset(MiniTurn(agent="mini"), _read)
