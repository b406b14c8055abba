"""The project's promises about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_continuous_integration_runs_exactly_the_readmes_test_command() -> None:
    commands = [line for line in (ROOT / "README.md").read_text().splitlines() if "-m pytest" in line]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("module", ["core.events", "core.projections", "core.log"])
def test_importing_the_core_brings_no_terminal_and_prints_nothing(module: str) -> None:
    code = f"import {module}, sys; print([name for name in ('textual', 'rich', 'tui') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
