"""Screens are tested without animations; colours and themes of whoever runs the tests are dropped one floor up."""

from __future__ import annotations

import pytest
from textual import constants


@pytest.fixture(autouse=True)
def nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot plugin imports Textual before any conftest, so `TEXTUAL_ANIMATIONS` alone comes too late."""
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
