"""What only these tests may ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from core.processes import RunSpec
from core.processes.local import LocalRunner
from core.processes.shim import NO_SUBREAPER

ROOT = Path(__file__).parents[2]
DASHBOARD = Path(__file__).with_name("dashboard.py")


@pytest.fixture(params=["subreaper", "no subreaper"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the system offers for finding orphans."""
    if request.param == "no subreaper":
        monkeypatch.setenv(NO_SUBREAPER, "1")
    return request.param


@pytest.fixture
def dashboard() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that holds a runner and one agent; `command` may be put in front of it."""
    with ExitStack() as cleanup:

        def start(spec: RunSpec, *command: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*command, sys.executable, DASHBOARD, msgspec.json.encode(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            )
            cleanup.enter_context(process)
            cleanup.callback(process.kill)
            return process

        yield start


@pytest.fixture
async def runner() -> AsyncIterator[LocalRunner]:
    async with LocalRunner() as runner:
        yield runner
