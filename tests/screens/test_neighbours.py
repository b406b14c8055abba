"""The keys that go to a neighbour: a cell of the strip, a task's start or end, the selected one's next event."""

from __future__ import annotations

from fakes.screen import looking

from core.engine import Engine


async def test_braces_visit_every_start_and_end_of_a_task(engine: Engine) -> None:
    async with looking(engine) as session:
        boundaries = list(session.screen.feed.index.boundaries)
        await session.press("t", "home")
        visited: list[int | None] = []
        for _ in boundaries:
            await session.press("}")
            visited.append(session.position)
        assert visited == boundaries
        await session.press("}")
        assert session.position == boundaries[-1]
        assert "no task started or ended after this" in session.message
        await session.press("{", "{")
        assert session.position == boundaries[-3]


async def test_a_brace_enters_the_past_from_now(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("{")
        assert session.position == session.screen.feed.index.boundaries[-1]
        await session.press("backspace")
        assert session.position is None


async def test_parentheses_visit_the_events_of_the_selected_task(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("2")
        session.screen.queue.list.move_to_key("T-4")
        own = [event.position async for event in engine.journal.log.read(streams=["task/T-4"])]
        visited: list[int | None] = []
        for _ in own:
            await session.press("(")
            visited.append(session.position)
        assert visited == own[::-1]
        await session.press("(")
        assert "no event of T-4 before this" in session.message
        await session.press(")", ")")
        assert session.position == own[2]


async def test_parentheses_follow_the_agent_of_the_event_on_the_screen(engine: Engine) -> None:
    async with looking(engine) as session:
        own = [event.position async for event in engine.journal.log.read(streams=["agent/coder-1"])]
        await session.press("3")
        await session.enter(":", str(own[1]))
        await session.press(")")
        assert session.position == own[2]


async def test_without_an_agent_or_task_the_parentheses_say_what_they_need(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("3")
        await session.enter(":", "1")
        await session.press(")")
        assert "select an agent or a task first" in session.message


async def test_a_cell_of_the_strip_is_a_step_to_the_end_of_what_happened_in_it(engine: Engine) -> None:
    async with looking(engine) as session:
        strip = session.screen.timeline.strip
        await session.press("t", "H")
        visited = [session.position]
        cells = [strip.playhead_cell]
        while session.position is not None and session.position > 1:
            await session.press("H")
            visited.append(session.position)
            cells.append(strip.playhead_cell)
        assert visited == sorted(visited, reverse=True)
        assert cells == sorted(cells, reverse=True)
        assert len(set(visited)) == len(visited)
        for expected in visited[-2::-1]:
            await session.press("shift+right")
            assert session.position == expected
        await session.press("L")
        assert session.position is None


async def test_digits_share_out_what_the_strip_shows(engine: Engine) -> None:
    async with looking(engine) as session:
        timeline = session.screen.timeline
        await session.press("t")
        for digit in range(10):
            await session.press(str(digit))
            assert session.position == timeline.position_at(digit / 10)
        assert session.screen.focus_name == "timeline"


async def test_digits_are_panels_when_the_strip_has_not_the_focus(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("comma", "3")
        assert session.screen.focus_name == "events"
        await session.press("1")
        assert session.screen.focus_name == "agents"
        await session.press("5")
        assert session.screen.focus_name == "timeline"
        assert session.position == session.head - 1


async def test_what_the_playhead_came_to_is_what_the_detail_shows(engine: Engine) -> None:
    async with looking(engine) as session:
        faults = list(session.screen.feed.index.faults)
        await session.press("t", "home", "1")
        await session.press("e", "e", "enter")
        assert session.screen.focus_name == "detail"
        assert session.screen.selection.position == faults[1]
        assert "WHY" in session.text(session.screen.detail)
        await session.press("e")
        assert session.screen.selection.position == faults[2]
        await session.press("backspace", "backspace")
        assert session.position == faults[0]


async def test_a_task_whose_detail_has_the_focus_is_followed_through_time(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("2", "w", "enter")
        assert session.screen.selection.id == "T-4"
        await session.press("e")
        assert session.screen.selection.id == "T-4"
        assert "PAST" in session.text(session.screen.detail)
