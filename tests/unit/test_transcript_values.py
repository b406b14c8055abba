"""What tools are given and answer, in the shapes agents really send: told in a line, and shown in full."""

from __future__ import annotations

import unicodedata

import pytest
from fakes.hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.text import SafeText
from tui.transcript.blocks import broken, plain
from tui.transcript.patches import COMPARED_LINES, Change, change_in, change_lines, tally
from tui.transcript.values import SHOWN_LINES, asked, brief, changed_lines, shown


def text(value: object, width: int = 80) -> SafeText:
    return plain(broken(shown(value), width))


def inks(value: object) -> list[tuple[str, str]]:
    return [(span.text, span.ink) for line in broken(shown(value), 80) for span in line if span.text]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"command": "ls -l", "timeout": 5}, "ls -l"),
        ({"command": ["bash", "-lc", "ls"]}, "bash -lc ls"),
        ({"file_path": "a.py", "old_string": "x"}, "a.py"),
        ({"pattern": "x", "path": "src"}, "src"),
        ({"unheard_of": 1}, ""),
        ("just words\nand more", "just words↵and more"),
        ([{"path": "b.py"}], "b.py"),
        (None, ""),
        (3, ""),
        ([], ""),
    ],
)
def test_an_input_is_told_by_its_most_telling_part(value: object, told: str) -> None:
    assert brief(value) == told


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (None, ""),
        ("", ""),
        ({}, ""),
        ("one\ntwo\n", "one\ntwo"),
        (7, "7"),
        (False, "False"),
        ({"type": "text", "text": "a\nb"}, "a\nb"),
        ([{"type": "content", "content": {"type": "text", "text": "a"}}, {"type": "text", "text": "b"}], "a\nb"),
        ({"command": "ls", "cwd": "/x"}, "$ ls\ncwd: /x"),
        ({"command": ["rm", "-rf", "my files"]}, "$ rm -rf 'my files'"),
        ({"command": ["sh", "-c", "echo 'hi'"]}, "$ sh -c \"echo 'hi'\""),
        ({"command": ["echo", "'$HOME'"]}, """$ echo ''"'"'$HOME'"'"''"""),
        ({"command": "make &&\n  make install"}, "$ make &&\n    make install"),
        ({"command": {"program": 3}}, "$ {'program': 3}"),
        ({"stdout": "a\nb\n", "stderr": "", "exit_code": 3}, "stdout: \n  a\n  b\nexit_code: 3"),
        ({"type": "image", "mimeType": "image/png", "data": "A" * 4000}, "image/png, 3.0 kB"),
        ({"a": {"b": {"c": 1}}}, "a: \n  b: \n    c: 1"),
        ({"changes": [{"path": "x", "kind": "add"}]}, "changes: \n  path: x\n  kind: add"),
    ],
)
def test_values_are_shown_as_names_and_lines(value: object, lines: str) -> None:
    assert [line.rstrip() for line in text(value).split("\n")] == [line.rstrip() for line in lines.split("\n")]


CHANGES = [
    {"type": "diff", "path": "a.py", "oldText": "1\n2\n", "newText": "1\n3\n4\n"},
    {"file_path": "a.py", "old_string": "1\n2\n", "new_string": "1\n3\n4\n"},
    {"path": "a.py", "old_str": "1\n2\n", "new_str": "1\n3\n4\n"},
]


@pytest.mark.parametrize("value", CHANGES)
def test_a_change_is_shown_as_what_goes_and_what_comes(value: dict[str, object]) -> None:
    assert inks(value) == [
        ("a.py", "strong"), ("  +2", "added"), (" -1", "removed"), ("@@ -1,2 +1,3 @@", "accent"), (" 1", "muted"),
        ("-2", "removed"), ("+3", "added"), ("+4", "added"),
    ]  # fmt: skip
    assert changed_lines(None, [value]) == (2, 1)


def test_a_new_file_is_all_added() -> None:
    change = change_in({"path": "n", "oldText": None, "newText": "a\nb\n"})
    assert change is not None
    assert tally(change) == (2, 0)


def test_a_text_that_is_a_patch_is_coloured() -> None:
    assert ("+new", "added") in inks("--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n")


def test_a_text_that_only_begins_like_one_is_not() -> None:
    assert inks("--- see below ---\nwords") == [("--- see below ---", "plain"), ("words", "plain")]


def test_files_too_long_to_compare_say_how_long_they_are() -> None:
    long = "x\n" * (COMPARED_LINES + 1)
    shown_lines = list(change_lines(Change("f", long, "")))
    assert "too long to compare: 3,001 lines before, 0 after" in "".join(span.text for span in shown_lines[-1])
    assert tally(Change("f", long, "")) == (0, COMPARED_LINES + 1)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"kind": "execute", "name": "sh", "input": {"command": "ls"}}, "$ ls"),
        ({"kind": "edit", "input": {"path": "a"}, "content": [CHANGES[0]]}, "a.py  +2 -1"),
        ({"kind": "edit", "input": {"path": "a"}, "content": [{"type": "terminal", "terminalId": "t"}]}, "path: a"),
        ({"kind": "delete", "locations": [{"path": "a"}]}, "path: a"),
        ({"command": "ls"}, "$ ls"),
    ],
)
def test_a_question_shows_what_would_change_or_else_what_the_tool_would_be_given(value: object, lines: str) -> None:
    assert plain(broken(asked(value), 80)).split("\n")[0] == lines


def test_an_answer_without_end_is_cut_and_says_so() -> None:
    lines = text("x\n" * 10 * SHOWN_LINES).split("\n")
    assert len(lines) == SHOWN_LINES + 1
    assert "more of it" in lines[-1]


NAMES = ["type", "text", "content", "command", "oldText", "newText", "path", "data"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(HOSTILE[:-2])
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "command", "oldText", "newText", "path", "data"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_any_value_is_shown_and_harmless(value: object) -> None:
    told = (brief(value), *(span.text for line in broken(shown(value), 30) for span in line))
    changed_lines(value)
    assert [char for part in told for char in part if unicodedata.category(char) in {"Cc", "Cf", "Cs"}] == []


def test_a_command_is_shown_to_its_end() -> None:
    assert text({"command": "x" * 5_000 + " ; rm -rf /"}).endswith("; rm -rf /")
    assert text({"command": ["x" * 5_000, "rm -rf /"]}).endswith("'rm -rf /'")


def test_what_is_nested_without_end_does_not_end_us() -> None:
    value: object = "deep"
    for _ in range(500):
        value = {"content": [value]}
    assert "and deeper" in text(value)
    assert brief(value) == ""
    assert changed_lines(value) == (0, 0)
