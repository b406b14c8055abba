"""Choosing which events are listed, and what is there again when the dashboard is opened again."""

from __future__ import annotations

from fakes.screen import Session, looking

from core.engine import Engine


def query(session: Session) -> str:
    return "" if session.screen.search is None else session.screen.search.query.text


def listed(session: Session) -> set[str]:
    rows = session.screen.rows
    return {rows.row(number).what for number in range(len(rows))}


def shown(session: Session) -> str:
    return "\n".join(session.lines)


async def test_f_lists_kinds_agents_and_tasks_with_how_many_events_there_are_of_each(engine: Engine) -> None:
    by_type = (await engine.journal.log.stats()).by_type
    tasks = sum(number for kind, number in by_type.items() if kind.startswith("task:"))
    async with looking(engine, (120, 60)) as session:
        await session.press("f")
        row = next(line for line in session.lines if "type:task" in line)
        assert str(tasks) in row.split()
        version = await engine.journal.log.version("agent/coder-1")
        await session.type("coder-1")
        row = next(line for line in session.lines if "agent:coder-1" in line)
        assert str(version) in row.split()


async def test_enter_takes_the_row_under_the_cursor(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("f", "task:T-4")
        assert query(session) == "task:T-4"
        assert listed(session) == {"T-4"}


async def test_tab_marks_several_and_they_are_marked_when_one_chooses_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("f")
        for task in ("task:T-4", "task:T-3"):
            await session.type(task)
            await session.press("tab")
            assert f"● {task}" in shown(session)
            await session.press(*["backspace"] * len(task))
        await session.press("enter")
        assert query(session) == "task:T-3 task:T-4"
        assert listed(session) == {"T-3", "T-4"}
        await session.press("f")
        await session.type("task:T-4")
        assert "● task:T-4" in shown(session)
        await session.press("tab", "enter")
        assert query(session) == "task:T-3"


async def test_words_that_are_searched_for_stay(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", '"exit code"')
        await session.enter("f", "task:T-2")
        assert query(session) == "task:T-2 'exit code'"


async def test_leaving_changes_nothing(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("f", "escape")
        assert session.screen.search is None


async def test_what_is_listed_and_where_one_was_are_there_when_the_dashboard_is_opened_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter(":", "30")
        await session.enter("/", "type:task")
    async with looking(engine) as session:
        assert query(session) == "type:task"
        assert session.position == 30
        assert session.screen.playhead.jumps == [-1, 20]
        assert all(what.startswith("T-") or not what for what in listed(session))


async def test_words_are_searched_for_again_and_the_screen_stays_where_it_was(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter("/", "passed")
        await session.press("end")
    async with looking(engine) as session:
        assert session.position is None
        assert session.screen.search is not None
        assert session.screen.search.hits.positions


async def test_the_jumps_are_in_the_list_of_marks(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter(":", "30")
        await session.press("'")
        await session.type("jump")
        assert "last jump" in shown(session)
        await session.press("enter")
        assert session.position == 20
        await session.press("'")
        await session.type("jumps ago")
        await session.press("down", "enter")
        assert session.position is None


async def test_jumps_are_undone_and_redone_from_now_as_well(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("backspace")
        assert session.position is None
        await session.press("backslash")
        assert session.position == 20
        await session.press("end", "backspace")
        assert session.position is None
        assert "there is no jump to undo" in session.message
