"""What only these tests may ask for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tui.cli import run


class Answer(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What it complained about: one line, nothing else."""
        (line,) = self.err.splitlines()
        assert self.out == ""
        assert line.startswith("cw: ")
        assert "Traceback" not in line
        return line.removeprefix("cw: ")


Cw = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory in which nothing was ever run."""
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def cw(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cw:
    """Calls `cw` in the project, in this process."""
    monkeypatch.chdir(project)

    def call(*arguments: str | Path) -> Answer:
        code = run([os.fspath(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return call
