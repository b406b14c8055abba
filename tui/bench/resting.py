"""What it costs to do nothing: the dashboard at rest on a large screen, and the shortest call of `cw`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from core.config import CONFIG_NAME
from tui.bench.figures import Figure, at_most, beside, figure
from tui.bench.rounds import Effort, clock
from tui.bench.terminal import DASHBOARD, Terminal
from tui.bench.workload import make_project

SIZE = (200, 50)
EVENTS = 20_000
AGENTS = 10
CREW = f"[profiles.crew]\nmin = {AGENTS}\nmax = {AGENTS}\n"
REST_PERCENT = at_most(3)
RESTING_S = 12.0  # for each second of a turn: what happens once a second has to be seen often
SETTLING_S = 8.0  # for each second of a turn
BLANK = [sys.executable, "-m", "tui.bench.blank"]
VERSION = "import sys; sys.argv = ['cw', '--version']; from tui.entry import main; main(); print(len(sys.modules))"
NOTHING = "import sys; print(len(sys.modules))"


def rested(effort: Effort) -> list[Figure]:
    """A full screen at rest, and `cw --version`."""
    return [_resting(effort), *_version(effort)]


def _resting(effort: Effort) -> Figure:
    root = effort.directory / "resting"
    root.mkdir()
    (root / CONFIG_NAME).write_text(CREW, encoding="utf-8")
    asyncio.run(make_project(root, min(EVENTS, effort.events)))
    ours: list[float] = []
    theirs: list[float] = []
    with (
        Terminal.running([*DASHBOARD, root], SIZE, cwd=effort.directory) as dashboard,
        Terminal.running(BLANK, SIZE, cwd=effort.directory) as empty,
    ):
        dashboard.wait_for("● LIVE")
        dashboard.watch(SETTLING_S * effort.seconds)
        for _ in range(min(effort.rounds, 3)):
            ours.append(_percent(dashboard, RESTING_S * effort.seconds))
            theirs.append(_percent(empty, RESTING_S * effort.seconds))
    name = f"at rest, {AGENTS} agents on {SIZE[0]} by {SIZE[1]}"
    return figure(name, "% of a core", ours, beside("empty Textual app", ours, theirs), floor=REST_PERCENT)


def _percent(terminal: Terminal, seconds: float) -> float:
    terminal.rest(0.05)
    began, before = clock.monotonic(), terminal.cpu_s()
    terminal.watch(seconds)
    return 100 * (terminal.cpu_s() - before) / (clock.monotonic() - began)


def _version(effort: Effort) -> list[Figure]:
    took: dict[str, list[float]] = {VERSION: [], NOTHING: []}
    modules: dict[str, list[float]] = {VERSION: [], NOTHING: []}
    for _ in range(effort.rounds):
        for program in (VERSION, NOTHING):
            began = clock.monotonic()
            said = _said([sys.executable, "-c", program], effort.directory)
            took[program].append(1000 * (clock.monotonic() - began))
            modules[program].append(float(said.split()[-1]))
    return [
        figure(name, unit, ours[VERSION], beside("python alone", ours[VERSION], ours[NOTHING]))
        for name, unit, ours in (("cw --version", "ms", took), ("cw --version imports", "modules", modules))
    ]


def _said(program: Sequence[str], cwd: Path) -> str:
    return subprocess.run(program, cwd=cwd, check=True, capture_output=True, text=True).stdout
