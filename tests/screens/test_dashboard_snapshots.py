"""What the dashboard looks like: every state, at the sizes people have."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.recorded import recorded_engine
from fakes.screen import settled
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from core.engine import Engine
from tui.app import CodewalkersApp

SIZES = [(80, 24), (120, 36)]


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(SVGImageExtension)


async def drawn(engine: Engine, size: tuple[int, int], *keys: str) -> str:
    """The screen after these keys."""
    app = CodewalkersApp(engine)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        return app.export_screenshot(title="cw")


VIEWS: dict[str, tuple[str, ...]] = {
    "live": (),
    "agents": ("1",),
    "events": ("3",),
    "detail_of_a_task": ("2", "w", "enter"),
    "past_one_event_back": ("comma",),
    "past_at_a_failure": ("e",),
    "past_at_the_start": ("t", "home"),
    "timeline_focused": ("t",),
    "zoomed_events": ("3", "z"),
    "new_task": ("n",),
    "new_task_wrong": ("n", "tab", "x", "tab", "y", "tab", "tab", "q"),
    "spawn": ("s",),
    "help_live": ("question_mark",),
    "help_past": ("comma", "question_mark"),
    "prompt": ("colon", "f", "a", "i"),
    "kill_question": ("2", "X"),
    "filter": ("slash",),
    "filtered": ("slash", *"type:task", "enter"),
    "choose_filter": ("f", "tab", "tab"),
    "searched": ("slash", *"exit", "enter"),
    "read_only_past": ("comma", "x"),
    "bookmarked": ("e", "m", "t", "home", "m"),
    "name_bookmark": ("e", "M", *"before"),
    "wall_time": ("e", "t", "a"),
    "by_order": ("e", "t", "a", "a"),
    "zoomed_in": ("e", "t", "+", "+"),
    "zoomed_in_live": ("t", "+", "+"),
    "moment_a": ("e", "d", "e"),
    "diff": ("e", "d", "e", "e", "d"),
    "diff_to_now": ("e", "D", "end"),
    "why": ("e", "e", "enter", "z"),
    "marks": ("e", "M", *"broken [here]", "enter", "apostrophe"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", VIEWS)
async def test_a_screen_looks_as_it_did(
    engine: Engine, picture: SnapshotAssertion, size: tuple[int, int], view: str
) -> None:
    assert await drawn(engine, size, *VIEWS[view]) == picture


@pytest.mark.parametrize("size", [(40, 12), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", ["live", "past_at_a_failure", "new_task"])
async def test_it_holds_on_the_smallest_and_the_widest_screen(
    engine: Engine, picture: SnapshotAssertion, size: tuple[int, int], view: str
) -> None:
    assert await drawn(engine, size, *VIEWS[view]) == picture


async def test_an_empty_dashboard_teaches_the_first_keys(tmp_path: Path, picture: SnapshotAssertion) -> None:
    directory = tmp_path / "empty"
    directory.mkdir()
    async with recorded_engine(directory, []) as engine:
        assert await drawn(engine, (120, 36)) == picture
