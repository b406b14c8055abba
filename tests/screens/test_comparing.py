"""Comparing moments, why something happened, and addresses of moments, from the keyboard."""

from __future__ import annotations

import unicodedata

import pytest
from fakes.hostile import HOSTILE
from fakes.recorded import one
from fakes.screen import Session, looking

from core.engine import Engine
from core.events import MemoryStored, TaskCreated, TaskQueued, WorkspaceFilesChanged


def shown(session: Session) -> str:
    return "\n".join(session.lines)


async def test_d_sets_a_and_d_elsewhere_shows_what_is_different(engine: Engine) -> None:
    async with looking(engine) as session:
        first, second, *_ = session.screen.feed.index.faults
        await session.press("e", "d")
        assert session.screen.playhead.anchor == first
        assert f"COMPARE A #{first}" in session.lines[0]
        assert "A" in session.text(session.screen.timeline.strip)
        await session.press("e")
        assert f"COMPARE A #{first} B #{second}" in session.lines[0]
        assert "B" in session.text(session.screen.timeline.strip)
        await session.press("d")
        for expected in (f"A  #{first}", f"B  #{second}", "T-3  queued → completed", "TASKS", "AGENTS"):
            assert expected in shown(session)
        assert session.app.screen is not session.screen
        await session.press("escape")
        assert session.position == second
        assert session.screen.playhead.anchor == first


async def test_a_diff_shows_tasks_agents_files_memory_and_cost(engine: Engine) -> None:
    await engine.journal.record(
        [one("workspace/w", WorkspaceFilesChanged(added=("src/new.py",), deleted=("old.py",), count=2)),
         one("memory/plan/goal", MemoryStored(namespace="plan", key="goal", value="ship"))], actor="user",
    )  # fmt: skip
    async with looking(engine, (120, 70)) as session:
        await session.press("e", "D")
        text = shown(session)
        for expected in ("cost $0.00 → $0.04", "input tokens", "+ src/new.py", "- old.py", "+ plan/goal", "+ watcher-4",
                         "~ T-4  queued → dead-lettered  Benchmark", "ended by SIGSEGV"):  # fmt: skip
            assert expected in text


async def test_o_flips_the_diff(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("e", "D")
        assert "T-4  queued → dead-lettered" in shown(session)
        await session.press("o")
        assert "T-4  dead-lettered → queued" in shown(session)
        assert "earlier" in shown(session)
        await session.press("q")
        assert session.app.screen is session.screen


async def test_enter_in_a_diff_goes_to_what_changed_the_record_last(engine: Engine) -> None:
    async with looking(engine, (120, 70)) as session:
        await session.press("e", "D")
        while "T-4" not in _row(session):
            await session.press("j")
        await session.press("enter")
        last = [event.position async for event in engine.journal.log.read(streams=["task/T-4"])][-1]
        assert session.position == last


def _row(session: Session) -> str:
    dialog = session.app.screen
    assert dialog.focused is not None
    x, y, width, _ = dialog.focused.region
    cursor = dialog.focused.cursor_row or 0  # type: ignore[attr-defined]
    return session.lines[y + cursor][x : x + width]


async def test_o_goes_to_a_and_back(engine: Engine) -> None:
    async with looking(engine) as session:
        first, second, *_ = session.screen.feed.index.faults
        await session.press("e", "d", "e", "o")
        assert (session.position, session.screen.playhead.anchor) == (first, second)
        await session.press("o")
        assert (session.position, session.screen.playhead.anchor) == (second, first)


async def test_a_is_cleared_with_d_on_it_and_with_escape(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("e", "d", "d")
        assert session.screen.playhead.anchor is None
        await session.press("d", "escape")
        assert session.screen.playhead.anchor is None
        assert session.position is not None
        await session.press("o")
        assert "d sets the moment A first" in session.message


async def test_a_is_remembered_until_the_dashboard_is_opened_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("e", "d")
    async with looking(engine) as session:
        assert session.screen.playhead.anchor == session.screen.feed.index.faults[0]


async def test_e_e_enter_shows_the_second_failure_and_why_and_backspace_returns(engine: Engine) -> None:
    """A bug is found with four keys."""
    async with looking(engine, (200, 60)) as session:
        await session.press("t", "home")
        await session.press("e", "e", "enter")
        second = session.screen.feed.index.faults[1]
        detail = session.text(session.screen.detail)
        assert f"#{second}" in detail
        assert "WHY" in detail
        why = detail[detail.index("WHY") :].splitlines()
        assert "task:created" in why[1]
        assert "by supervisor" in why[1]
        assert any("task:claimed" in line for line in why)
        assert any(f"▶ {second}" in line for line in why)
        assert any("task:dead-lettered" in line for line in why)
        await session.press("backspace", "backspace")
        assert session.position == 1


async def test_enter_on_a_cause_goes_to_it(engine: Engine) -> None:
    async with looking(engine, (120, 60)) as session:
        await session.press("e", "enter")
        detail, position = session.screen.detail, session.position
        while detail.link is None:
            await session.press("j")
        link = detail.link
        assert link != position
        await session.press("enter")
        assert session.position == link
        assert f"#{link}" in session.text(detail)
        await session.press("backspace")
        assert session.position == position


async def test_y_copies_an_address_and_the_prompt_takes_it(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.enter(":", "20")
        await session.press("y")
        assert session.app.clipboard == "cw://main#20"
        await session.press("end")
        await session.enter(":", "cw://main#20")
        assert session.position == 20


async def test_an_address_on_another_branch_is_refused_in_a_sentence(engine: Engine) -> None:
    await engine.journal.log.fork("other", at=60)
    async with looking(engine) as session:
        await session.enter(":", "cw://other#20")
        assert "that is on branch other; this is main" in session.message
        await session.enter(":", "cw://nowhere#20")
        assert "there is no branch 'nowhere'" in session.message
        assert session.position is None


@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 1000], ids=lambda text: repr(text[:12]))
async def test_hostile_text_stays_text_on_the_screens_of_time(engine: Engine, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    before = engine.journal.state.position
    hostile = TaskCreated(title=text, prompt=text, profile="coder")
    await engine.journal.record(
        [one("task/T-11", hostile, TaskQueued()),
         one("memory/a/b", MemoryStored(namespace="a", key=text, value=text)),
         one("workspace/w", WorkspaceFilesChanged(added=(text,), count=1))], actor=text,
    )  # fmt: skip
    await engine.commands.bookmark(before, label=text)
    async with looking(engine) as session:
        await session.enter(":", str(before))
        for keys in (("D",), ("o",), ("escape", "'"), ("escape", "]", "enter")):
            await session.press(*keys)
            harmful = [char for char in shown(session) if unicodedata.category(char) in {"Cc", "Cf", "Cs"}]
            assert set(harmful) <= {"\n"}
