"""What an agent's words about its failure mean: sign in, come back later, or just try again."""

from __future__ import annotations

import pytest

from core.agents.failures import failure


@pytest.mark.parametrize(
    "said",
    [
        "unexpected status 401 Unauthorized: Missing bearer or basic authentication in header",
        "Invalid API key · Please run /login",
        "Incorrect API key provided: sk-...",
        "API key not valid. Please pass a valid API key.",
        "GEMINI_API_KEY environment variable not found: no API key",
        "Please set an Auth method in your /home/me/.gemini/settings.json",
        "OAuth token has expired. Please obtain a new token",
        "ProviderAuthError: no credentials",
        "Authentication required",
        "When using Gemini API, you must specify the GEMINI_API_KEY environment variable.",
        '[API Error: {"error":{"message":"Incorrect API key provided: x.","code":"invalid_api_key"}}]',
        "\x1b[31mPlease set an Auth method\x1b[0m",
        "Not logged in · Please run /login",
        '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key: authentication failed"}}',
    ],
)
def test_an_agent_that_is_not_signed_in_is_not_tried_again(said: str) -> None:
    found = failure("codex", said)
    assert found.text.startswith("codex is not signed in (")
    assert found.text.endswith("): sign in with it, or hand its key on with `pass_env`")
    assert found.text.isprintable()
    assert not found.retryable
    assert found.retry_after_s is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Rate limit reached for gpt-5. Please try again in 11.054s.", 11.054),
        ("429 Too Many Requests", 0),
        ("You've hit your usage limit. Try again in 3 days 4 hours 5 minutes.", 273_900),
        ("You've hit your usage limit. Try again in 1 hour and 30 minutes.", 5_400),
        ("Quota exceeded for metric. Please retry in 22.5s.", 22.5),
        ('Resource exhausted, "retryDelay": "7s"', 7),
        ("rate_limit_exceeded, retry after 250 ms", 0.25),
        ("Overloaded", 0),
        ("You've hit your limit · rate limit resets 3pm", 0),
    ],
)
def test_a_limit_says_when_to_come_back(said: str, seconds: float) -> None:
    found = failure("codex", said)
    assert found.retryable
    assert found.retry_after_s == pytest.approx(seconds)
    assert found.text == said


def test_a_limit_may_end_at_a_moment() -> None:
    assert failure("claude", "Claude AI usage limit reached|1755806400").retry_at_s == 1755806400
    assert failure("claude", "no", kind="rate_limit", until_s=5.0).retry_at_s == 5.0


@pytest.mark.parametrize(
    "said",
    [
        "stream disconnected before completion: error sending request",
        "Cannot connect to API: The socket connection was closed unexpectedly.",
        "Headless run interrupted",
        "error_max_turns",
        "the token of the loop variable is 401k long",
        "context_length_exceeded: reduce the length of the messages",
    ],
)
def test_any_other_failure_is_just_that(said: str) -> None:
    found = failure("codex", said)
    assert (found.text, found.retryable, found.retry_after_s, found.retry_at_s) == (said, True, None, None)


def test_the_message_is_taken_out_of_the_json_it_came_in() -> None:
    said = '{"type":"error","status":400,"error":{"type":"invalid_request_error","message":"The model is unknown."}}'
    assert failure("codex", said).text == "The model is unknown."


def test_no_words_are_a_sentence_too() -> None:
    assert failure("codex", "").text == "codex failed without saying why"
