"""Bookmarks: set, named, visited, listed and taken away, also in the past; they are events like everything else."""

from __future__ import annotations

from fakes.recorded import one
from fakes.screen import looking

from core.engine import Engine
from core.events import CheckpointSaved


def labels(engine: Engine) -> dict[int, str]:
    return {flag.position: flag.label for flag in engine.journal.state.bookmarks.values()}


async def test_m_sets_a_bookmark_in_the_past_and_m_takes_it_away(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("m")
        assert labels(engine) == {20: ""}
        assert session.position == 20
        assert "bookmark at 20 set" in session.message
        assert "⚑" in session.text(session.screen.timeline)
        await session.press("m")
        assert labels(engine) == {}
        assert "⚑" not in session.text(session.screen.timeline)


async def test_a_bookmark_changes_nothing_that_the_past_protects(engine: Engine) -> None:
    async with looking(engine) as session:
        before = engine.journal.state
        await session.enter(":", "20")
        await session.press("m")
        assert (engine.journal.state.tasks, engine.journal.state.agents) == (before.tasks, before.agents)


async def test_a_named_bookmark_is_a_moment_of_the_prompt(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter("M", "before it broke")
        assert labels(engine) == {20: "before it broke"}
        await session.press("end")
        await session.enter(":", "@before it broke")
        assert session.position == 20


async def test_naming_again_renames(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter("M", "one")
        await session.enter("M", "two")
        assert labels(engine) == {20: "two"}


async def test_naming_can_be_left(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("M", "x", "escape")
        assert labels(engine) == {}
        assert session.position == 20


async def test_brackets_visit_every_mark_where_it_points_to(engine: Engine) -> None:
    await engine.journal.record([one("checkpoint/c-1", CheckpointSaved(checkpoint_id="c-1"))], actor="user")
    async with looking(engine) as session:
        saved = session.head
        (milestone,) = (mark.position for mark in session.screen.marks if mark.kind == "milestone")
        await session.enter(":", "12")
        await session.press("m")
        await session.press("t", "home")
        visited: list[int | None] = []
        for _ in range(3):
            await session.press("]")
            visited.append(session.position)
        assert visited == [12, milestone, saved]
        await session.press("]")
        assert "no mark after this" in session.message
        await session.press("[", "[")
        assert session.position == 12


async def test_the_list_goes_to_a_mark_and_takes_bookmarks_away(engine: Engine) -> None:
    async with looking(engine) as session:
        for position in ("10", "20", "30"):
            await session.enter(":", position)
            await session.enter("M", f"at {position}")
        await session.press("'", *"20")
        assert "at 20" in "\n".join(session.lines)
        await session.press("delete")
        assert labels(engine) == {10: "at 10", 30: "at 30"}
        await session.press("enter")
        assert session.position == 10


async def test_a_mark_that_is_no_bookmark_stays_in_the_list(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("'", *"miles", "delete", "enter")
        (milestone,) = (mark.position for mark in session.screen.marks if mark.kind == "milestone")
        assert session.position == milestone


async def test_bookmarks_are_there_when_the_dashboard_is_opened_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("m", "end")
    async with looking(engine) as session:
        await session.press("t", "home", "]")
        assert session.position == 20
