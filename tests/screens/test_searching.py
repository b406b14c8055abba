"""Searching: terms choose what is listed, words are jumped to over everything ever recorded."""

from __future__ import annotations

import asyncio

import pytest
from fakes.hostile import HARMFUL, HOSTILE
from fakes.recorded import one
from fakes.screen import Session, looking
from textual.widgets import Input

from core.engine import Engine
from core.events import AgentOutput, TaskCreated, TaskQueued
from core.events.said import says
from tui.screens import searching


async def said_at(engine: Engine, *words: str) -> list[int]:
    return [event.position async for event in engine.journal.log.read() if says(event.payload, words)]


def hits(session: Session) -> list[int]:
    assert session.screen.search is not None
    return list(session.screen.search.hits.positions)


def frame(session: Session) -> str:
    """The line above the events."""
    x, y, width, _ = session.screen.events.region
    return session.lines[y][x : x + width]


async def test_words_jump_to_where_they_were_said_last(engine: Engine) -> None:
    expected = await said_at(engine, "exit")
    assert len(expected) > 1
    async with looking(engine) as session:
        before = len(session.screen.rows)
        await session.enter("/", "EXIT")
        assert session.position == expected[-1]
        assert hits(session) == expected
        assert f"{len(expected)} of {len(expected)} hits" in frame(session)
        assert len(session.screen.rows) == before + 1  # everything is listed, and the line of the present


async def test_n_goes_on_and_capital_n_back_from_wherever_the_playhead_is(engine: Engine) -> None:
    expected = await said_at(engine, "exit")
    async with looking(engine) as session:
        await session.enter("/", "exit")
        await session.press("t", "home", "n")
        assert session.position == expected[0]
        await session.press("n")
        assert session.position == expected[1]
        await session.press("N")
        assert session.position == expected[0]
        await session.press("N")
        assert "no more hits before this one" in session.message
        assert session.position == expected[0]
        await session.enter(":", str(expected[-1] + 1))
        await session.press("n")
        assert "no more hits after this one" in session.message
        await session.press("end", "n")
        assert "no hit after now" in session.message
        await session.press("N")
        assert session.position == expected[-1]


async def test_from_the_past_words_go_on_to_the_next_place_first(engine: Engine) -> None:
    expected = await said_at(engine, "exit")
    async with looking(engine) as session:
        await session.enter(":", str(expected[0] - 1))
        await session.enter("/", "exit")
        assert session.position == expected[0]
        await session.press("backspace")
        assert session.position == expected[0] - 1


async def test_with_no_later_hit_the_one_it_is_at_will_do(engine: Engine) -> None:
    expected = await said_at(engine, "exit")
    async with looking(engine) as session:
        await session.enter(":", str(expected[-1]))
        await session.enter("/", "exit")
        assert session.position == expected[-1]


async def test_escape_ends_the_search_then_the_past(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "exit")
        await session.press("escape")
        assert session.screen.search is None
        assert "hits" not in frame(session)
        assert session.position is not None
        await session.press("escape")
        assert session.position is None


async def test_a_hit_is_told_around_its_words(engine: Engine) -> None:
    async with looking(engine) as session:
        long = f"{'before ' * 60}the needle stands here{' after' * 60}"
        await engine.journal.record([one("agent/A-1", AgentOutput(lines=(long,)))], actor="user")
        await session.enter("/", "needle")
        assert "re the needle" in session.text(session.screen.events)


async def test_what_happens_meanwhile_is_found_too(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "needle")
        assert "nothing found" in session.message
        assert session.position is None
        for title in ("a needle", "hay", "another needle"):
            created = one(f"task/{title[:3]}", TaskCreated(title=title), TaskQueued())
            await engine.journal.record([created], actor="user")
        await session.press("3", "N")
        assert session.position == hits(session)[-1]
        assert hits(session) == await said_at(engine, "needle")
        await session.press("N")
        assert session.position == hits(session)[0]


async def test_what_came_faster_than_it_could_be_drawn_is_looked_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "EVENTS_AT_ONCE", 7)
    async with looking(engine) as session:
        await session.enter("/", "exit")
        before = hits(session)
        with monkeypatch.context() as patch:
            patch.setattr(session.screen.feed, "take", list)
            created = [one(f"task/new-{n}", TaskCreated(title=f"exit {n}"), TaskQueued()) for n in range(30)]
            await engine.journal.record(created, actor="user")
        await session.screen.feed.begin()
        await asyncio.gather(session.screen.searching.go_on(), session.screen.searching.go_on())
        assert hits(session) == await said_at(engine, "exit")
        assert len(hits(session)) == len(before) + 30


async def test_terms_choose_what_is_listed_and_move_nothing(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "type:task:failed")
        assert session.position is None
        assert len(session.screen.rows) == len(hits(session)) == 2
        assert "2 found" in frame(session)
        await session.press("N")
        assert session.position == hits(session)[1]
        await session.press("N")
        assert session.position == hits(session)[0]


async def test_with_terms_and_words_the_words_are_looked_for_in_what_is_listed(engine: Engine) -> None:
    everywhere = await said_at(engine, "exit")
    failed = {event.position async for event in engine.journal.log.read(types=["task:failed"])}
    async with looking(engine) as session:
        await session.enter("/", "type:task:failed exit")
        assert hits(session) == [position for position in everywhere if position in failed] != everywhere
        assert session.screen.search is not None
        assert session.screen.search.listed is not None
        assert set(session.screen.search.listed.positions) == failed
        assert session.position == hits(session)[-1]


async def test_a_search_that_means_nothing_is_refused_in_a_sentence(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "colour:red")
        assert session.screen.search is None
        assert "colour: is not known here" in "\n".join(session.lines)


async def test_the_search_line_can_be_left_without_searching(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("slash", *"x", "escape")
        assert session.screen.search is None
        assert not session.screen.query(Input)


async def test_hits_are_counted_piece_by_piece_and_marked_on_the_strip(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "EVENTS_AT_ONCE", 7)
    expected = await said_at(engine, "writing chapter")
    async with looking(engine) as session:
        assert expected
        assert "/" not in session.text(session.screen.timeline)
        await session.enter("/", '"writing chapter"')
        assert hits(session) == expected
        assert "/" in session.text(session.screen.timeline)


def harmless(session: Session) -> bool:
    shown = "\n".join(session.lines).encode("utf-8", "surrogatepass")
    return not any(bad in shown for bad in HARMFUL)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_text_is_found_and_drawn_harmless(engine: Engine, hostile: str) -> None:
    storable = hostile.encode("utf-8", "replace").decode()
    async with looking(engine) as session:
        output = AgentOutput(lines=(f"needle {storable} needle",))
        await engine.journal.record([one("agent/A-1", output)], actor="user")
        await session.enter("/", "needle")
        (position,) = hits(session)
        assert session.position == position
        assert "needle" in session.text(session.screen.events)
        assert harmless(session)


async def test_while_an_index_is_behind_it_is_said(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SLOW_EVENTS", 1)
    said: list[str] = []
    async with looking(engine) as session:
        monkeypatch.setattr(session.screen, "say", lambda text, ink="plain": said.append(text))
        await session.enter("/", "exit")
    assert any("events are indexed so far" in sentence for sentence in said)


async def test_how_far_a_search_has_come_is_told_with_what_it_found(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "exit")
        search = session.screen.search
        assert search is not None
        search.hits.head, search.hits.read_to = 200, 90
        session.screen.paint()
        assert "so far, 45%" in frame(session)
        search.hits.read_to = search.hits.head
