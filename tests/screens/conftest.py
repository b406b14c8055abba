"""Screens are tested without animations; colours and themes of whoever runs the tests are dropped one floor up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.recorded import recorded_engine
from textual import constants
from textual.widgets import Input

from core.engine import Engine


@pytest.fixture(autouse=True)
def nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot plugin imports Textual before any conftest, so `TEXTUAL_ANIMATIONS` alone comes too late."""
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")


@pytest.fixture(autouse=True)
def cursors_do_not_blink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """Over the recorded session; it runs nothing."""
    directory = tmp_path / "webshop"
    directory.mkdir()
    async with recorded_engine(directory) as engine:
        yield engine
