"""Time travel from the keyboard and the mouse: what the screen shows is the fold of the log up to the playhead."""

from __future__ import annotations

import pytest
from fakes.recorded import one
from fakes.screen import looking

from core.engine import Engine
from core.events import TaskCreated, TaskQueued


async def test_comma_goes_exactly_one_event_back_and_full_stop_one_forward(engine: Engine) -> None:
    async with looking(engine) as session:
        head = session.head
        await session.press("comma")
        assert session.position == head - 1
        await session.press("comma", "comma")
        assert session.position == head - 3
        await session.press("full_stop")
        assert session.position == head - 2


async def test_one_event_forward_from_the_last_but_one_is_live(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("comma", "full_stop")
        assert session.position is None


async def test_before_the_first_event_nothing_has_happened(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "home", "comma", "comma")
        assert session.position == 0
        assert len(session.screen.look.state.tasks) == 0
        assert "no tasks" in session.text(session.screen.queue).lower()


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.8])
async def test_every_panel_shows_the_fold_at_the_playhead(engine: Engine, fraction: float) -> None:
    async with looking(engine, (120, 70)) as session:
        position = int(session.head * fraction)
        await session.enter(":", str(position))
        assert session.position == position
        look, screen = session.screen.look, session.screen
        cold = await engine.queries.timeline.state_at(position, cold=True)
        assert look.state.to_json() == cold.to_json()
        for task in look.state.tasks.values():
            assert task.id in session.text(screen.queue)
        for agent in look.state.agents.values():
            assert agent.name in session.text(screen.agents)
        assert "PAST" in session.lines[0]


async def test_live_is_the_fold_at_the_head(engine: Engine) -> None:
    async with looking(engine) as session:
        cold = await engine.queries.timeline.state_at(session.head, cold=True)
        assert session.screen.look.state.to_json() == cold.to_json()


async def test_left_and_right_go_one_line_of_the_event_list(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "end", "comma")
        await session.press("left")
        rows = session.screen.rows
        here = rows.row_of(session.screen.look.position)
        await session.press("left")
        assert rows.row_of(session.screen.look.position) == here - 1
        await session.press("right")
        assert rows.row_of(session.screen.look.position) == here


async def test_e_visits_every_failure_and_begins_again(engine: Engine) -> None:
    async with looking(engine) as session:
        faults = list(session.screen.feed.index.faults)
        await session.press("t", "home")
        visited: list[int | None] = []
        for _ in faults:
            await session.press("e")
            visited.append(session.position)
        assert visited == faults
        await session.press("e")
        assert session.position == faults[0]
        assert "no failure after this one" in session.message
        await session.press("E")
        assert session.position == faults[-1]


async def test_space_freezes_the_screen_while_the_run_goes_on(engine: Engine) -> None:
    async with looking(engine) as session:
        head = session.head
        await session.press("space")
        created = TaskCreated(title="Came later", command="true")
        await engine.journal.record([one("task/T-11", created, TaskQueued())], actor="user")
        await session.pilot.pause(0.2)
        assert session.position == head
        assert "Came later" not in session.text(session.screen.queue)
        await session.press("t", "end")
        assert session.position is None
        assert "Came later" in session.text(session.screen.queue)


async def test_t_returns_to_where_the_screen_was_last(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("escape")
        assert session.position is None
        await session.press("t")
        assert session.position == 20


async def test_a_jump_is_undone_with_backspace_and_done_again_with_a_backslash(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter(":", "30")
        await session.press("backspace")
        assert session.position == 20
        await session.press("backspace")
        assert session.position is None
        await session.press("t", "backslash")
        assert session.position == 20
        await session.press("backslash")
        assert session.position == 30


@pytest.mark.parametrize(
    ("moment", "position"),
    [("50%", lambda head: round(head / 2)), ("12", lambda _: 12), ("99999", lambda head: head), ("t-7", lambda _: 15)],
)
async def test_the_prompt_takes_a_moment(engine: Engine, moment: str, position: object) -> None:
    assert callable(position)
    async with looking(engine) as session:
        await session.enter(":", moment)
        expected = position(session.head)
        assert session.screen.look.position == expected


async def test_the_prompt_says_how_moments_are_written(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "yesterdayish")
        assert session.position is None
        assert "is no moment; write 12345, 50%" in session.message


async def test_playing_reaches_the_head_and_is_live_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "home", *[">"] * 9, "space")
        assert session.position is None


async def test_nothing_of_the_past_can_be_changed(engine: Engine) -> None:
    async with looking(engine) as session:
        head = engine.journal.state.position
        await session.press("comma")
        for key in ("n", "s", "x", "X", "p", "r", "plus", "minus", "P", "u"):
            await session.press(key)
            if key not in {"plus", "minus"}:
                assert "read-only in the past" in session.message
            assert session.app.screen is session.screen
        assert engine.journal.state.position == head


async def test_escape_leaves_the_past_after_everything_else_is_closed(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("comma")
        await session.enter("/", "type:task")
        await session.press("z")
        await session.press("escape")
        assert not session.screen.zoomed
        await session.press("escape")
        assert session.screen.search is None
        assert session.position is not None
        await session.press("escape")
        assert session.position is None


async def test_dragging_the_mouse_over_the_strip_scrubs_and_its_end_is_live(engine: Engine) -> None:
    async with looking(engine) as session:
        strip = session.screen.timeline.strip
        middle = (strip.size.width // 2, 1)
        await session.pilot.mouse_down(strip, offset=(2, 1))
        await session.pilot.hover(strip, offset=middle)
        await session.pilot.mouse_up(strip, offset=middle)
        await session.press("shift+tab", "tab")
        position = session.position
        assert position is not None
        assert 0 < position < session.head
        await session.pilot.click(strip, offset=(strip.size.width - 1, 1))
        await session.press("shift+tab", "tab")
        assert session.position is None


async def test_closing_and_opening_again_looks_at_the_same_moment(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.enter(":", "30")
    async with looking(engine) as session:
        assert session.position == 30
        await session.press("backspace")
        assert session.position == 20


async def test_opening_an_event_shows_its_fields(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("t", "home", "e", "enter")
        assert "task:failed" in session.text(session.screen.detail)
        assert "exit code 1: 2 of 9 failed" in session.text(session.screen.detail)


async def test_the_cursor_is_on_the_same_task_again_after_a_time_before_that_task(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("2", "w")
        await session.enter(":", "3")
        assert session.screen.selection.id != "T-4"
        await session.press("escape")
        assert session.screen.selection.id == "T-4"
