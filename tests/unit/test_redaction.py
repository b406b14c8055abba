"""Redaction: known values in every form, well-known shapes, and nothing else."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agents.redaction import SHORTEST_SECRET, Redactor


def test_a_known_value_is_replaced_by_its_name_wherever_it_stands() -> None:
    redactor = Redactor({"TOKEN": "s3cr3t-value"})
    assert redactor.line("a s3cr3t-value, s3cr3t-value!") == "a [REDACTED:TOKEN], [REDACTED:TOKEN]!"


def test_a_longer_secret_that_contains_a_shorter_one_is_replaced_whole() -> None:
    redactor = Redactor({"SHORT": "abcdef", "LONG": "abcdef-ghijkl"})
    assert redactor.line("abcdef-ghijkl abcdef") == "[REDACTED:LONG] [REDACTED:SHORT]"


def test_a_secret_with_characters_of_patterns_is_taken_literally() -> None:
    redactor = Redactor({"ODD": "a.c(d[e*f"})
    assert redactor.line("a.c(d[e*f") == "[REDACTED:ODD]"
    assert redactor.line("abc(d[e*f") == "abc(d[e*f"


def test_a_value_too_short_to_be_told_from_innocent_text_is_left_alone() -> None:
    assert Redactor({"FLAG": "true", "EMPTY": ""}).line("it is true") == "it is true"


def test_each_line_of_a_secret_of_several_lines_is_a_secret() -> None:
    redactor = Redactor({"KEY": "-----BEGIN-----\n  line-one-of-it\nline-two-of-it\n-----END-----"})
    assert redactor.text("x\n    line-one-of-it\nline-two-of-it;") == "x\n    [REDACTED:KEY]\n[REDACTED:KEY];"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST_SECRET, max_size=30))
def test_no_form_of_a_secret_passes(secret: str) -> None:
    if len(secret.strip()) < SHORTEST_SECRET or len(secret.splitlines()) > 1:
        return
    redactor = Redactor({"IT": secret})
    encoded = base64.b64encode(secret.encode()).decode()
    with_newline = base64.b64encode(secret.encode() + b"\n").decode()
    for form in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), encoded, with_newline):
        line = redactor.line(f"<{form}>")
        assert "[REDACTED:" in line, form
    assert secret not in redactor.line(f"x{secret}y").replace("[REDACTED:IT]", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sk-" + "a1" * 12, "[REDACTED:key]"),
        ("sk-proj-" + "a1" * 12, "[REDACTED:key]"),
        ("AKIA" + "A1B2" * 4, "[REDACTED:key]"),
        ("ghp_" + "a1" * 20, "[REDACTED:token]"),
        ("xoxb-" + "a1" * 12, "[REDACTED:token]"),
        ("eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12, "[REDACTED:token]"),
        ("-----BEGIN RSA PRIVATE KEY-----", "[REDACTED:private-key]"),
        ("postgres://me:hunter2@host/db", "postgres://[REDACTED:url-password]@host/db"),
    ],
    ids=lambda value: None,
)
def test_well_known_shapes_are_replaced(text: str, expected: str) -> None:
    assert Redactor().line(f"<{text}>") == f"<{expected}>"


@pytest.mark.parametrize(
    "text",
    ["skeleton-of-a-very-long-hyphenated-word", "task-skipped", "https://host:8080/path", "https://user@host/", "AKIA",
     "ghp_short", "BEGIN PUBLIC KEY", "mailto:a@b", ""],
)  # fmt: skip
def test_innocent_text_passes_as_it_is(text: str) -> None:
    assert Redactor({"TOKEN": "s3cr3t-value"}).line(text) == text


@given(st.text(max_size=200))
def test_text_without_secrets_keeps_its_lines(text: str) -> None:
    assert Redactor({"TOKEN": "s3cr3t-value"}).text(text).count("\n") == text.count("\n")
