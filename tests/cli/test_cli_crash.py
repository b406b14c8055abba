"""A mistake of ours, seen by the user: one sentence, and a private file for whoever mends it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.engine import Desk
from tui.cli import run


def broken(*_args: object, **_names: object) -> object:
    raise RuntimeError("the secret is s3cret")


@pytest.mark.parametrize("made", [True, False], ids=["in a project", "before there is one"])
def test_it_is_a_sentence_and_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: bool
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if made:
        assert run(["-C", str(tmp_path), "init"]) == 0
    monkeypatch.setattr(Desk, "observe", broken)
    assert run(["-C", str(tmp_path), "tasks"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("cw: something went wrong that is our mistake")
    assert "s3cret" not in said
    kept = Path(said.split("safe, and ")[1].removesuffix(" says more\n"))
    assert "RuntimeError: the secret is s3cret" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.is_relative_to(tmp_path / ".codewalkers") == made
