"""The playhead, the search and the event list's rows: where one is and what one sees from there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.events import AgentOutput, StoredEvent, TaskCreated
from core.history.index import LineageIndex
from core.log.pages import Label
from tui.event_rows import EventMemory, EventRows
from tui.playhead import SPEEDS, Playhead, Remembered, load_view, save_view
from tui.search import Query

START_US = 1_700_000_000_000_000


# -- the playhead --


def test_a_jump_can_be_undone_and_redone_back_to_live() -> None:
    playhead = Playhead(Remembered())
    playhead.jump_to(10)
    playhead.jump_to(20)
    playhead.step_to(21)
    assert playhead.jump_back()
    assert playhead.position == 10
    assert playhead.jump_back()
    assert playhead.live
    assert not playhead.jump_back()
    assert playhead.jump_again()
    assert playhead.jump_again()
    assert playhead.position == 21
    assert not playhead.jump_again()


def test_going_live_keeps_the_place_to_return_to() -> None:
    playhead = Playhead(Remembered())
    playhead.jump_to(7)
    playhead.go_live()
    assert (playhead.live, playhead.last) == (True, 7)


def test_speed_stays_within_its_steps() -> None:
    playhead = Playhead(Remembered())
    assert playhead.change_speed(-1) == 1
    for _ in range(20):
        playhead.change_speed(1)
    assert playhead.speed == SPEEDS[-1] == 1000
    assert playhead.reset_speed() == 1


def test_a_view_is_remembered_and_a_broken_memory_is_no_tragedy(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    assert load_view(path) == Remembered()
    save_view(path, Remembered(position=5, live=False, jumps=[1, -1], task_form={"profile": "x"}))
    assert load_view(path) == Remembered(position=5, live=False, jumps=[1, -1], task_form={"profile": "x"})
    assert Playhead(load_view(path)).position == 5
    path.write_text("{")
    assert load_view(path) == Remembered()


# -- the event list's rows --


def labels(*kinds: str) -> list[Label]:
    """`a` and `b`: output of an agent; anything else: an event of its own."""
    return [
        (
            n,
            START_US + n,
            "agent:output" if kind in "ab" else "task:queued",
            f"agent/{kind}" if kind in "ab" else "task/t",
        )
        for n, kind in enumerate(kinds, 1)
    ]


def rows_of(*kinds: str, playhead: int | None = None) -> EventRows:
    index = LineageIndex("main")
    index.extend(labels(*kinds))
    memory = EventMemory()
    return EventRows(memory, index, None, len(index.runs), index.head, playhead, "time", 0, 0)


def spans(rows: EventRows) -> list[tuple[int, int] | None]:
    return [rows.span(number) for number in range(len(rows))]


def test_output_without_a_break_is_one_row() -> None:
    assert spans(rows_of("t", "a", "a", "a", "b", "a", "t", "t")) == [(1, 1), (2, 4), (5, 5), (6, 6), (7, 7), (8, 8)]


def test_in_the_past_a_line_stands_where_the_screens_present_ends() -> None:
    rows = rows_of("t", "a", "a", "a", "t", playhead=3)
    assert spans(rows) == [(1, 1), (2, 3), None, (5, 5)]
    assert rows.row(2).kind == "divider"
    assert rows.find("divider") == 2
    assert rows.row_of(3) == 1
    assert spans(rows_of("t", "t", playhead=2)) == [(1, 1), (2, 2)]


def test_a_row_that_is_not_in_memory_says_so_and_what_it_wants() -> None:
    rows = rows_of("t", "a", "a", "t")
    assert rows.row(1).kind == "loading"
    assert rows.wanted(0, 2) == [1, 3, 4]


def test_steps_go_from_line_to_line_and_end_live() -> None:
    rows = rows_of("t", "a", "a", "a", "t")
    forwards: list[int | None] = []
    at: int | None = 1
    while at is not None:
        at = rows.neighbour(at, 1)
        forwards.append(at)
    assert forwards == [4, 5, None]
    assert [rows.neighbour(5, -1), rows.neighbour(4, -1), rows.neighbour(1, -1)] == [4, 1, 1]
    assert rows.neighbour(3, 1) == 4


@given(st.lists(st.sampled_from("abt"), max_size=30), st.integers(0, 31))
def test_rows_cover_every_event_once_whatever_the_playhead(kinds: list[str], playhead: int) -> None:
    rows = rows_of(*kinds, playhead=playhead)
    for number in range(len(rows)):
        assert rows.find(rows.key(number)) == number
    whole = [span for span in spans(rows_of(*kinds)) if span is not None]
    assert [position for first, last in whole for position in range(first, last + 1)] == list(range(1, len(kinds) + 1))


# -- searching --


def stored(stream: str, payload: TaskCreated | AgentOutput) -> StoredEvent:
    return StoredEvent(1, "main", stream, 1, b"", payload.type, 1, 0, "S-1", "", None, None, "", b"", payload)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("type:task", True),
        ("type:task:created", True),
        ("type:agent", False),
        ("type:agent type:task", True),
        ("task:T-1", True),
        ("task:T-*", True),
        ("task:T-2", False),
        ("session:S-1", True),
        ("session:S-2", False),
        ("PARSER", True),
        ('"the parser"', True),
        ('"the lexer"', False),
        ("parser type:agent", False),
        ("", True),
        ("time:12", True),
    ],
)
def test_a_query_finds_what_it_says(text: str, found: bool) -> None:
    event = stored("task/T-1", TaskCreated(title="mend the parser, time:12"))
    if text == "time:12":
        with pytest.raises(UsageError, match="is not known here"):
            Query.parse(text)
        return
    assert Query.parse(text).matches(event) is found


def test_an_open_quote_is_said_to_be_open() -> None:
    with pytest.raises(UsageError, match="quote"):
        Query.parse('"open')
