"""What conversations and questions look like, at the sizes people have."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.recorded import recorded_engine
from fakes.talking import conversation, held_back
from syrupy.assertion import SnapshotAssertion
from test_dashboard_snapshots import SIZES, drawn, picture

__all__ = ["picture"]

VIEWS: dict[str, tuple[str, ...]] = {
    "agents": ("1",),
    "a_question": ("1", "enter"),
    "zoomed_at_its_end": ("1", "enter", "z"),
    "zoomed_in_the_middle": ("1", "enter", "z", "pageup"),
    "unfolded": ("1", "enter", "z", "O", "g", "pagedown"),
    "raw": ("1", "enter", "z", "R", "g"),
    "being_said": ("1", "j", "enter", "z"),
    "the_question_that_waits": ("w",),
    "inbox": ("i",),
    "inbox_of_an_answered_one": ("i", "j"),
    "message": ("1", "m", *"Mind the", "ctrl+j", *"tests"),
    "costs": ("dollar_sign",),
    "inbox_past": ("comma", "i"),
    "past": ("1", "enter", "comma", "comma", "comma"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", VIEWS)
async def test_a_conversation_looks_as_it_did(
    tmp_path: Path, picture: SnapshotAssertion, size: tuple[int, int], view: str
) -> None:
    directory = tmp_path / "webshop"
    directory.mkdir()
    async with recorded_engine(directory, conversation()) as engine:
        assert await drawn(engine, size, *VIEWS[view]) == picture


HELD_BACK: dict[str, tuple[str, ...]] = {
    "live": (),
    "agents": ("1", "w", "1", "j", "j", "j"),
    "queue": ("2",),
    "costs": ("dollar_sign",),
    "past": ("comma",),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", HELD_BACK)
async def test_what_is_held_back_looks_as_it_did(
    tmp_path: Path, picture: SnapshotAssertion, size: tuple[int, int], view: str
) -> None:
    directory = tmp_path / "webshop"
    directory.mkdir()
    async with recorded_engine(directory, held_back()) as engine:
        assert await drawn(engine, size, *HELD_BACK[view]) == picture
