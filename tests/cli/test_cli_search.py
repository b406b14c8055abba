"""`cw search`: where something was said, and by whom, in words a terminal can be shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from fakes.hostile import HARMFUL, HOSTILE

from core.engine import Desk
from core.events import AgentOutput, Append, Payload, TaskCreated, TaskFailed, ToolCallCompleted, ToolCallStarted

if TYPE_CHECKING:
    from conftest import Cw

SAID: list[tuple[str, Payload]] = [
    ("task/T-1", TaskCreated(title="Mend the parser", prompt="the lexer drops a token")),
    ("execution/T-1.1", ToolCallStarted(tool_call_id="c1", tool_name="shell", input={"command": "grep -n TOKEN"})),
    ("execution/T-1.1", ToolCallCompleted(tool_call_id="c1", output="lexer.py:7: token = None")),
    ("agent/A-1", AgentOutput(lines=("thinking about it", f"{'x' * 500} the token {'y' * 500}"))),
    ("task/T-1", TaskFailed(error="AssertionError: a token too few")),
]

Saying = Callable[[str, Payload], None]


@pytest.fixture
def say(project: Path) -> Saying:
    """Have something said in the project."""

    def saying(stream: str, payload: Payload) -> None:
        async def append() -> None:
            async with Desk.open(project) as desk:
                await desk.journal.log.append_many([Append(stream, [payload])])

        asyncio.run(append())

    return saying


@pytest.fixture
def said(project: Path) -> None:
    async def append() -> None:
        async with Desk.open(project) as desk:
            await desk.journal.log.append_many([Append(stream, [payload]) for stream, payload in SAID])

    asyncio.run(append())


def types(answer: object) -> list[str]:
    return [cast("dict[str, str]", one)["type"] for one in cast("list[object]", answer)]


@pytest.mark.usefixtures("said")
def test_prompts_tools_output_and_errors_are_found_in_any_case(cw: Cw) -> None:
    answer = cw("search", "token")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].split() == ["POSITION", "TIME", "WHO", "TYPE", "SAID"]
    for line, part in zip(
        lines[1:],
        ("the lexer drops a token", "grep -n TOKEN", "lexer.py:7: token = None", "…", "a token too few"),
        strict=True,
    ):
        assert part in line
    assert "the token" in lines[4]
    assert max(map(len, lines)) < 260


@pytest.mark.usefixtures("said")
def test_words_must_all_occur_and_terms_choose_among_what(cw: Cw) -> None:
    assert types(cw("search", "--json", "lexer", "token").json) == ["task:created", "tool-call:completed"]
    assert types(cw("search", "--json", "token", "type:task").json) == ["task:created", "task:failed"]
    assert types(cw("search", "--json", "agent:A-*", "token").json) == ["agent:output"]
    assert types(cw("search", "--json", "drops a").json) == ["task:created"]


@pytest.mark.usefixtures("said")
def test_the_newest_are_shown_and_how_many_there_are_is_said(cw: Cw) -> None:
    answer = cw("search", "token", "-n", "2")
    assert [line.split()[4] for line in answer.out.splitlines()[1:]] == ["agent:output", "task:failed"]
    assert answer.err == "cw: the newest 2 of 5 hits; --limit 0 prints all\n"
    assert len(types(cw("search", "token", "-n", "0", "--json").json)) == 5


@pytest.mark.usefixtures("said")
def test_nothing_found_is_said_and_is_no_failure(cw: Cw) -> None:
    answer = cw("search", "no such words")
    assert (answer.code, answer.out, answer.err) == (0, "", "cw: nothing found\n")
    assert cw("search", "no such words", "--json").json == []


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["colour:red"], "colour: is not known here"),
        (["token", "--branch", "nowhere"], "nowhere"),
        (["token", "--limit", "-1"], "--limit"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(cw: Cw, arguments: list[str], sentence: str) -> None:
    answer = cw("search", *arguments)
    assert answer.code == 2
    assert sentence in answer.sentence


@pytest.mark.usefixtures("said")
def test_a_branch_has_its_own_and_its_parents_sayings_only(cw: Cw, project: Path) -> None:
    async def fork() -> None:
        async with Desk.open(project) as desk:
            first = [event async for event in desk.journal.log.read(types=["task:created"])]
            await desk.journal.log.fork("other", at=first[0].position)
            await desk.journal.log.append("task/T-9", [TaskCreated(title="token of the fork")], branch="other")

    asyncio.run(fork())
    assert types(cw("search", "--json", "token", "--branch", "other").json) == ["task:created", "task:created"]
    assert len(types(cw("search", "--json", "token").json)) == 5


@pytest.mark.parametrize("hostile", [text for text in HOSTILE if "\ud800" not in text])
def test_hostile_text_is_printed_harmless(cw: Cw, say: Saying, hostile: str) -> None:
    say("agent/A-1", AgentOutput(lines=(f"needle {hostile} needle",)))
    for arguments in (["search", "needle"], ["search", "needle", "--json"]):
        answer = cw(*arguments)
        assert "needle" in answer.out
        assert not any(bad in answer.out.encode() for bad in HARMFUL)
        assert "\x1b" not in answer.out
