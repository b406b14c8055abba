"""What only these tests may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.stage import Gate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty directory for a project."""
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def gate(project: Path) -> Iterator[Gate]:
    """What a command of a task in that project waits at."""
    os.mkfifo(project / "gate")
    descriptor = os.open(project / "gate", os.O_RDWR | os.O_NONBLOCK)
    yield Gate(descriptor)
    os.close(descriptor)
