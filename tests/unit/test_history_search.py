"""Searching: the index only makes it quicker."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fakes.long_history import PassingClock, write_history
from hypothesis import given
from hypothesis import strategies as st

from core.events import (
    AgentOutput,
    CustomRecorded,
    Payload,
    TaskCreated,
    TaskFailed,
    TaskQueued,
    ToolCallStarted,
    UnknownEvent,
)
from core.events.said import said, says
from core.history import Indexer, Timeline, index_file, texts
from core.log import EventLog
from core.log.filters import Filter

SAYINGS: list[Payload] = [
    TaskCreated(title="Fix the ValueError", prompt="in parser.py\nand keep the tests"),
    AgentOutput(lines=("100% done_now", 'a "quoted" word', "back\\slash", "tab\there")),
    AgentOutput(lines=("Größe über Alles", "日本語のテキスト", "emoji 🚀 rocket")),
    ToolCallStarted(tool_call_id="c1", input={"command": "grep -rn 'ValueError'", "deep": [{"er": "inner text"}]}),
    CustomRecorded(event_type="odd", fields={"number": 4711, "flag": True, "nothing": None}),
    TaskFailed(error="exit code 1"),
    TaskQueued(),
    UnknownEvent(type="odd:thing", schema_version=1, raw='{"said": "by a newer version", "n": [1, "two"]}'),
    AgentOutput(channel="wire-in", lines=('{"text": "Fix the ValueError"}',)),
    AgentOutput(channel="stderr", lines=("warning",)),
]

WORDS = [
    "valueerror", "ERROR", "parser.py", "and keep", "100%", "done_now", "%", "_", "quoted", '"', "slash", "\\",
    "tab", "größe", "Größe", "日本語", "本", "🚀", "inner", "grep -rn", "newer", "two", "4711", "lines", "title",
    "stderr", "exit code", "no such words", "er", "py\nand", "command",
]  # fmt: skip


@pytest.fixture
async def sayings(log: EventLog) -> EventLog:
    for number in range(120):
        await log.append("odd/x", [SAYINGS[number % len(SAYINGS)]])
    return log


async def indexed(log: EventLog, *, rounds: int = 99) -> Timeline:
    timeline = Timeline(log)
    async with Indexer.open(log, timeline) as filling:
        for _ in range(rounds):
            if not await filling.advance_texts():
                break
        assert filling.trouble is None
    return timeline


async def found(log: EventLog, *words: str, branch: str = "main", up_to: int | None = None) -> list[int]:
    up_to = await log.head() if up_to is None else up_to
    pages = Timeline(log).matches(Filter(words=words), up_to=up_to, branch=branch)
    return [position async for page in pages for position in page]


def expected(*words: str, count: int = 120) -> list[int]:
    return [number + 1 for number in range(count) if says(SAYINGS[number % len(SAYINGS)], words)]


def test_what_an_event_says_is_its_texts_and_not_the_names_of_its_fields() -> None:
    assert said(SAYINGS[0]).splitlines()[:3] == ["Fix the ValueError", "in parser.py", "and keep the tests"]
    assert not says(SAYINGS[1], ["lines"])
    assert said(SAYINGS[9]).split() == ["warning"]
    assert says(SAYINGS[7], ["two"])
    assert said(UnknownEvent(type="odd:thing", schema_version=1, raw="not json")) == "not json"


def test_what_was_exchanged_word_for_word_is_told_in_other_events() -> None:
    assert said(SAYINGS[8]) == ""


@pytest.mark.parametrize("word", WORDS)
async def test_the_log_the_index_and_an_event_agree_on_what_is_said(sayings: EventLog, word: str) -> None:
    assert await found(sayings, word) == expected(word)
    await indexed(sayings)
    assert await found(sayings, word) == expected(word)


async def test_all_words_must_be_said(sayings: EventLog) -> None:
    await indexed(sayings)
    assert await found(sayings, "valueerror", "grep") == expected("valueerror", "grep") != expected("valueerror")
    assert await found(sayings, "valueerror", "quoted") == []


async def test_what_is_not_indexed_yet_is_looked_through(sayings: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "AT_ONCE_EVENTS", 50)
    timeline = await indexed(sayings, rounds=1)
    assert await timeline.searchable() == 50
    assert await found(sayings, "rocket") == expected("rocket")
    for after in (0, 20, 49, 50, 51, 119, 120):
        following = [position for position in expected("rocket") if position > after]
        assert await timeline.find("text:rocket", after=after) == (following[0] if following else None)
        before = [position for position in expected("rocket") if position < after]
        assert await timeline.find("text:rocket", after=after, direction="previous") == (before[-1] if before else None)


async def test_a_long_event_is_indexed_by_itself(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "AT_ONCE_CHARACTERS", 1_000)
    for number in range(6):
        await log.append("odd/x", [AgentOutput(lines=(f"needle{number} " + "x" * 700 * (number % 3),))])
    timeline = await indexed(log)
    assert await timeline.searchable() == 6
    for number in range(6):
        assert await timeline.find(f"text:needle{number}", after=0) == number + 1


async def test_a_fork_finds_its_own_and_its_parents_sayings_only(sayings: EventLog) -> None:
    await sayings.fork("try", at=60)
    await sayings.append("odd/x", [TaskCreated(title="only in the fork: rocket")], branch="try")
    await sayings.append("odd/x", [TaskCreated(title="only in main: rocket")])
    await indexed(sayings)
    assert await found(sayings, "rocket", branch="try") == [*expected("rocket", count=60), 122]
    assert await found(sayings, "rocket") == [*expected("rocket"), 123]


async def test_an_index_of_another_history_is_not_asked(sayings: EventLog, log_path: Path) -> None:
    timeline = await indexed(sayings)
    with closing(sqlite3.connect(log_path.with_name("index.db"))) as connection:
        connection.execute("UPDATE searchable SET hash = zeroblob(32)")
        connection.execute("DROP TABLE texts")
        connection.commit()
    assert await timeline.searchable() == 0
    assert await found(sayings, "rocket") == expected("rocket")
    again = await indexed(sayings)
    assert await again.searchable() == 120


async def test_without_full_text_search_everything_is_looked_through(
    sayings: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "TEXTS", "CREATE VIRTUAL TABLE texts USING no_such_module(said)")
    timeline = await indexed(sayings)
    assert await timeline.searchable() == 0
    assert await found(sayings, "rocket") == expected("rocket")


async def test_an_indexer_that_runs_brings_the_texts_up_to_the_log(log_path: Path) -> None:
    clock = PassingClock()
    async with EventLog.open(log_path, clock=clock) as log:
        await write_history(log, clock, 3_000)
        everything = {word: await found(log, word) for word in ("lexer", "lease fence", "exit code")}
        await indexed(log)
        assert await Timeline(log).searchable() == 3_000
        assert {word: await found(log, word) for word in everything} == everything
        assert all(everything.values())


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT)
def test_an_event_says_each_part_of_its_texts_and_nothing_else(text: str, other: str) -> None:
    event = TaskCreated(title=text, profile="")
    assert all(says(event, [text[start : start + 4]]) for start in range(len(text)))
    assert says(event, [other]) == (other.encode().lower() in text.encode().lower() or set(other) <= {"\n"})
