"""Real agents, each with a home of its own, and a model on this machine that costs nothing.

They are large and have to be fetched from a registry, so they run only when asked for, once each:
`CW_LIVE=1 python -m pytest -n 0 tests/live`. They are installed into a directory that goes away, or into the one that
`CW_LIVE_DIR` names, and stay there for the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from live.installing import AGENTS, Agent
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


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each agent is installed, once."""
    kept = os.environ.get("CW_LIVE_DIR")
    return {name: Path(kept, name) if kept else tmp_path_factory.mktemp(name) for name in AGENTS}


@pytest.fixture(params=AGENTS)
def agent(request: pytest.FixtureRequest, places: dict[str, Path], home: Path, model: str) -> Agent:
    return AGENTS[request.param](places[request.param], home, model)


@pytest.fixture(autouse=True)
def nothing_is_left_of_it(home: Path) -> Iterator[None]:
    """Also what has left its parents behind: all of it has this home."""
    yield
    _, alive = psutil.wait_procs([one for one in psutil.process_iter() if _home_of(one) == str(home)], timeout=20)
    assert alive == []


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("HOME")
    except psutil.Error:  # gone, or somebody else's
        return None
