"""How turns and conversations end, each in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from core.agents.acp.state import State
from core.agents.decoding import Outcome
from core.agents.records import Record, table_at, text_at
from core.projections.records import line

VERSION = 1
"""The version of the protocol we speak."""

AUTHENTICATION_REQUIRED = -32000
CANCELLED = -32800
TOO_MANY_REQUESTS = 429

_FAILURES: Mapping[str, str] = {
    "max_tokens": "it stopped because an answer of its model became too long",
    "max_turn_requests": "it stopped because it had asked its model as often as it may in one turn",
    "refusal": "it refused to go on",
}
_ATTEMPTS: Mapping[str, str] = {
    "initialize": "it refused to begin",
    "session/new": "it opened no conversation",
    "session/set_mode": "it did not take the mode of its profile",
    "session/set_config_option": "it did not take the mode of its profile",
    "session/prompt": "its turn failed",
}


def of_turn(state: State, result: Record) -> Outcome:
    """What the answer to a prompt means."""
    reason = text_at(result, "stopReason")
    if reason == "end_turn":
        return Outcome(status="completed", text=state.said)
    if reason == "cancelled":
        if state.cancelled:
            return Outcome(status="cancelled", text="cancelled")
        return Outcome(status="failed", text="it gave the turn up, as agents do when they are denied", retryable=False)
    sentence = _FAILURES.get(reason) or f"it ended its turn for a reason unknown to us, {reason[:80]!r}"
    return Outcome(status="failed", text=sentence, retryable=reason != "refusal")


def of_error(state: State, method: str, error: Record) -> Outcome | None:
    """What it means that a request of ours was refused; None when that ends nothing."""
    attempt = _ATTEMPTS.get(method)
    if attempt is None:
        return None
    code = error.get("code")
    message = _message(error)
    if code == AUTHENTICATION_REQUIRED:
        ways = f"; it offers: {', '.join(state.ways_in)}" if state.ways_in else ""
        return Outcome(status="failed", text=f"it needs to be logged in: {message}{ways}", retryable=False)
    if code == CANCELLED and state.cancelled:
        return Outcome(status="cancelled", text="cancelled")
    limited = 0.0 if code == TOO_MANY_REQUESTS else None
    return Outcome(status="failed", text=f"{attempt}: {message}", retry_after_s=limited)


def of_version(result: Record) -> Outcome | None:
    """What is wrong with the version the agent chose, if anything."""
    version = result.get("protocolVersion")
    if version == VERSION and version is not True:
        return None
    chosen = f"version {version}" if isinstance(version, int) else "no version"
    sentence = f"it speaks {chosen} of the protocol, and only version {VERSION} is spoken here"
    return Outcome(status="failed", text=sentence, retryable=False)


def _message(error: Record) -> str:
    more = table_at(error, "data")
    details = text_at(error, "data") or text_at(more, "details") or text_at(more, "message")
    message, details = line(text_at(error, "message")) or "without a word", line(details)
    return f"{message}: {details}" if details and details not in message else message
