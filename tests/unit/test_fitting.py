"""Whatever an agent says becomes an event that the log takes, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from core.agents.fitting import CUT, EVENT_BYTES, fitting
from core.agents.redaction import Redactor
from core.events import Event, MessageReceived, PermissionOption, PermissionRequested, ToolCallStarted
from core.events.registry import MAX_PAYLOAD_BYTES, encode

SECRET = "canary-0f3a"
REDACTOR = Redactor({"KEY": SECRET})


def fit(event: Event) -> Event:
    fitted = fitting(event, REDACTOR)
    assert type(fitted) is type(event)
    text, back = encode(fitted)
    assert len(text.encode()) <= MAX_PAYLOAD_BYTES
    assert isinstance(back, Event)
    return fitted


def nested(depth: int) -> object:
    value: object = "deep"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "said",
    [
        "x" * 20_000_000,
        "\x01" * 400_000,
        "é" * 200_000,
        "half a character: \ud83d",
        [1] * 1_000_000,
        {f"key {number}": ["\x01" * 100] for number in range(50_000)},
        {"k" * 300_000: 1},
        nested(900),
        [2**70, float("nan"), None, True],
    ],
    ids=["long", "control", "wide", "half", "list", "table", "key", "deep", "odd"],
)
def test_whatever_is_said_becomes_an_event(said: object) -> None:
    fit(ToolCallStarted(tool_call_id="1", input=said))


def test_what_is_cut_says_so() -> None:
    message = fit(MessageReceived(text="x" * 20_000_000))
    assert isinstance(message, MessageReceived)
    assert message.text.endswith(CUT)
    assert len(msgspec.json.encode(message)) <= EVENT_BYTES


def test_what_fits_stays_as_it_is() -> None:
    asked = PermissionRequested(
        request_id="1", input={"a": [1, None, {"b": "c\nd"}]}, options=(PermissionOption(option_id="o"),),
        deadline=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert fit(asked) == asked


def test_no_secret_stays_in_any_text_or_key() -> None:
    started = fit(ToolCallStarted(tool_call_id=SECRET, tool_name="x", input={SECRET: [f"a\nb {SECRET} c"]}))
    assert SECRET not in str(started)
    assert "[REDACTED:KEY]" in str(started)


@pytest.mark.parametrize("ahead", [0, 65_530, 65_536, 131_066, 131_072, 200_000])
def test_no_piece_of_a_secret_stays_where_a_text_is_cut(ahead: int) -> None:
    message = fit(MessageReceived(text="x" * ahead + SECRET + "y" * 300_000))
    assert "canary" not in str(message)
