"""The project's promises about itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tui.bindings import ACTIONS
from tui.cli.keys import as_markdown

ROOT = Path(__file__).parents[2]
CW = Path(sys.executable).with_name("cw")


def test_continuous_integration_runs_exactly_the_readmes_test_command() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python3 ") and "pytest" in line]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("module", ["core.events", "core.projections", "core.log"])
def test_importing_the_core_brings_no_terminal_and_prints_nothing(module: str) -> None:
    code = f"import {module}, sys; print([name for name in ('textual', 'rich', 'tui') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_the_readme_lists_the_keys_there_are() -> None:
    listed = (ROOT / "README.md").read_text().partition("<!-- keys -->\n")[2].partition("\n<!-- /keys -->")[0]
    assert listed.splitlines() == list(as_markdown(ACTIONS)), "`cw keys --markdown` prints what belongs there"


def test_the_readme_shows_pictures_that_exist() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?cw ([a-z-]+)", (ROOT / "README.md").read_text()))
    helped = subprocess.run([CW, "--help"], capture_output=True, text=True)
    there = set(re.findall(r"^  ([a-z-]+)  ", helped.stdout.partition("Commands:")[2], re.MULTILINE))
    assert named
    assert named - there == set()
