"""Real agents, each with a home of its own, and a model on this machine that costs nothing.

They are large and have to be fetched from a registry, so they run only when asked for, once each:
`CW_LIVE=1 python -m pytest -n 0 tests/live`. They are installed into a directory that goes away, or into the one that
`CW_LIVE_DIR` names, and stay there for the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.stub_model import stub_model

ASKED_FOR = os.environ.get("CW_LIVE") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="set CW_LIVE=1 to install real agents and run them")
    for item in items:
        if not ASKED_FOR and Path(__file__).parent in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def model() -> Iterator[str]:
    with stub_model() as address:
        yield address


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path
