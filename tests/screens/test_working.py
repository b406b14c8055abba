"""What the keys do to tasks and agents: every one is events, and what can be undone can be undone."""

from __future__ import annotations

import pytest
from fakes.recorded import recorded_engine
from fakes.screen import Session, looking

from core.engine import Engine
from core.events import TaskCreated
from core.projections.records import Task


def task(engine: Engine, task_id: str) -> Task:
    return engine.journal.state.tasks[task_id]


async def select(session: Session, task_id: str) -> None:
    await session.press("2")
    session.screen.queue.list.move_to_key(task_id)
    await session.type("")
    assert session.screen.selection.id == task_id


async def test_the_form_adds_a_task_with_everything_that_was_typed(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("n")
        for value in ("Sweep", "./sweep", "", "", "7", "T-6, T-7", "30s", "3", "10m", ""):
            await session.type(value)
            await session.press("tab")
        await session.press("f2")
        added = task(engine, "T-11")
        assert (added.title, added.profile, added.priority) == ("Sweep", "shell", 7)
        assert (added.depends_on, added.max_attempts) == (("T-6", "T-7"), 3)
        created, *_ = [event.payload async for event in engine.journal.log.read(streams=["task/T-11"])]
        assert isinstance(created, TaskCreated)
        assert (created.command, created.timeout_ms) == ("./sweep", 600_000)
        assert "T-11 added" in session.message


async def test_the_form_stays_open_until_nothing_is_wrong(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("n")
        await session.type("Nothing to do")
        await session.press("f2")
        assert session.app.screen is not session.screen
        assert "run or prompt is needed" in "\n".join(session.lines)
        await session.press("escape")
        assert session.app.screen is session.screen
        assert "T-11" not in engine.journal.state.tasks


async def test_the_next_form_remembers_what_the_next_task_likely_has_too(engine: Engine) -> None:
    async with looking(engine) as session:
        for _ in range(2):
            await session.press("n", "tab")
            await session.type("true")
            await session.press("tab", "tab", "tab")
            await session.type("4")
            await session.press("f2")
        assert (task(engine, "T-11").priority, task(engine, "T-12").priority) == (4, 44)


async def test_cancelling_a_waiting_task_is_undone_with_u(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-7")
        await session.press("x")
        assert task(engine, "T-7").status == "cancelled"
        await session.press("u")
        assert task(engine, "T-7").status == "queued"
        await session.press("u")
        assert "nothing to undo" in session.message


async def test_a_running_task_is_asked_to_stop_before_anything_is_done(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-6")
        await session.press("x")
        assert task(engine, "T-6").cancel_requested
        assert "T-6 is being cancelled" in session.message


async def test_killing_asks_first_and_enter_leaves_it(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-6")
        await session.press("X", "enter")
        assert not task(engine, "T-6").cancel_requested
        await session.press("X", "y")
        assert task(engine, "T-6").cancel_requested
        assert "T-6 is being killed" in session.message


async def test_a_given_up_task_is_tried_again_with_one_key(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-4")
        await session.press("r")
        assert task(engine, "T-4").status == "queued"
        assert task(engine, "T-5").status == "blocked"


async def test_plus_and_minus_move_a_task_in_the_queue(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-7")
        await session.press("plus", "plus", "minus")
        assert task(engine, "T-7").priority == 1
        await session.press("u")
        assert task(engine, "T-7").priority == 2


async def test_p_pauses_a_waiting_task_and_p_resumes_it(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-7")
        await session.press("p")
        assert task(engine, "T-7").status == "paused"
        await session.press("p")
        assert task(engine, "T-7").status == "queued"


async def test_the_queue_is_held_and_let_go(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("P")
        assert engine.journal.state.sessions["S-1"].status == "paused"
        await session.press("P")
        assert engine.journal.state.sessions["S-1"].status != "paused"


async def test_s_spawns_an_agent_of_the_chosen_profile(engine: Engine) -> None:
    async with looking(engine) as session:
        before = set(engine.journal.state.agents)
        await session.press("s", "enter")
        (added,) = set(engine.journal.state.agents) - before
        assert f"{added} spawned" in session.message


async def test_w_visits_everything_that_needs_you(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w")
        assert session.screen.selection.id == "T-4"


async def test_with_nothing_selected_a_key_says_what_to_select(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with recorded_engine(tmp_path_factory.mktemp("empty"), []) as engine, looking(engine) as session:
        for key, what in (("x", "an agent or a task"), ("r", "a task"), ("p", "an agent or a task")):
            await session.press(key)
            assert f"select {what} first" in session.message


async def test_what_the_rules_forbid_is_said_in_a_sentence(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-1")
        head = engine.journal.state.position
        await session.press("x")
        assert "T-1 is completed" in session.message
        assert engine.journal.state.position == head


async def test_quitting_with_nothing_running_asks_nothing(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("q")
        assert session.app.return_code == 0


async def test_the_selection_follows_the_task_when_the_queue_is_sorted_anew(engine: Engine) -> None:
    async with looking(engine) as session:
        await select(session, "T-10")
        await session.press(*["plus"] * 9)
        assert session.screen.selection.id == "T-10"
        assert session.screen.queue.list.cursor_key == "T-10"


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12), (200, 50)])
async def test_tab_goes_through_all_panels_and_back(engine: Engine, size: tuple[int, int]) -> None:
    async with looking(engine, size) as session:
        seen: list[str] = []
        for _ in range(5):
            await session.press("tab")
            seen.append(session.screen.focus_name)
        assert sorted(seen) == ["agents", "detail", "events", "queue", "timeline"]
        for expected in seen[-2::-1]:
            await session.press("shift+tab")
            assert session.screen.focus_name == expected
