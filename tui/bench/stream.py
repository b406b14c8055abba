"""The screen: from a key to what it paints, in a real terminal, on a long log and under a flood of events.

An empty Textual app stands beside it, in the same minutes: what it needs is the terminal's, Python's and Textual's
part. Everything here blocks, and belongs to no event loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import closing

from core.history import Timeline
from core.log import EventLog
from core.project import Project
from tui.bench.figures import Figure, Floor, Section, at_least, at_most, beside, figure, percentile
from tui.bench.looking import GOLDEN, connected
from tui.bench.pressing import Gauge, Held, hold
from tui.bench.resting import rested
from tui.bench.rounds import Effort, clock
from tui.bench.terminal import DASHBOARD, Silence, Terminal
from tui.bench.workload import long_log

SIZE = (120, 36)
STEP_MS, JUMP_MS, LIVE_MS, LEFT_MS = at_most(50), at_most(100), at_most(100), at_most(100)
STEPS, FAILURES, GOTOS, LIVE_KEYS = 60, 20, 10, 30  # presses in a round
FLOOD_PER_SECOND = 10_000
FLOODED = at_least(0.95 * FLOOD_PER_SECOND)
LIVE = "● LIVE"
HOME, END = "\x1b[H", "\x1b[F"
DIGITS = "123456789"
BLANK = [sys.executable, "-m", "tui.bench.blank"]
EMPTY = "empty Textual app"
POSITION = r"m([\d,]+) / [\d,]+\x1b"
"""As the title of the events says it in the past: `12,345 / 1,000,000`."""
FOCUSED = r"┏(?:\x1b[^m]*m|━| )*{} "
"""The frame of the panel with this number, when it has the focus."""
DIGITS_WAIT_S = 2.0
SETTLING_S = 5.0  # for each second of a turn


def measure(effort: Effort) -> Section:
    """From keys on a long log to a screen at rest."""
    began = clock.monotonic()
    project = asyncio.run(long_log(effort))
    failures = asyncio.run(_failures(project, effort.times(FAILURES)))
    with Terminal.running(BLANK, SIZE, cwd=effort.directory) as empty:
        empty.wait_for("pressed 0")
        blank = _Blank(empty)
        travelled = _Travel(project, effort, blank, failures).measure()
        flooded = _flooded(project, effort, blank)
    about = (
        f"The dashboard of {effort.events:,} events in a pseudo-terminal of {SIZE[0]} by {SIZE[1]}, keys as if held, "
        "30 a second: milliseconds from a key to what it paints; beside it an empty Textual app with the same keys"
    )
    figures = (*travelled, *flooded, *rested(effort))
    return Section(name="stream", about=about, seconds=clock.monotonic() - began, figures=figures)


class _Blank:
    """The empty app, which counts its keys."""

    def __init__(self, terminal: Terminal) -> None:
        self._gauge = Gauge(terminal, r"pressed (\d+) \.")
        self._pressed = 0

    def hold(self, times: int) -> Held:
        """The same as elsewhere, here."""
        self._pressed += times
        return hold(self._gauge, "j", range(self._pressed - times + 1, self._pressed + 1))


async def _failures(project: Project, times: int) -> list[int]:
    """Where the keys for failures lead, from the beginning."""
    async with EventLog.open(project.log, read_only=True) as log:
        timeline = Timeline(log)
        found: list[int] = []
        while len(found) < times and (at := await timeline.find("fault", after=found[-1] if found else 0)):
            found.append(at)
        return found


class _Travel:
    """Keys that travel, on one dashboard, round after round."""

    def __init__(self, project: Project, effort: Effort, blank: _Blank, failures: list[int]) -> None:
        self._project, self._effort, self._blank, self._failures = project, effort, blank, failures

    def measure(self) -> list[Figure]:
        """How long each kind of key takes to be painted."""
        began = clock.monotonic()
        with Terminal.running([*DASHBOARD, self._project.root], SIZE, cwd=self._effort.directory) as terminal:
            opened = terminal.wait_for(LIVE) - began
            self._gauge = Gauge(terminal, POSITION)
            terminal.rest()
            terminal.press("t")
            self._gauge.after(HOME, goal=1)
            digits = self._learn_digits()
            kinds: dict[str, tuple[Floor, Callable[[int], Held]]] = {
                "one event on": (STEP_MS, self._step),
                "the next failure": (JUMP_MS, self._jump),
                "a position, after `:`": (JUMP_MS, self._go),
            }
            if digits:
                kinds["a tenth, 1 to 9"] = (JUMP_MS, lambda _: self._hold(DIGITS, digits))
            ours: dict[str, list[Held]] = {name: [] for name in kinds}
            theirs: dict[str, list[Held]] = {name: [] for name in kinds}
            for number in range(self._effort.rounds):
                for name, (_, press) in kinds.items():
                    ours[name].append(press(number))
                    theirs[name].append(self._blank.hold(len(ours[name][-1].waits_ms)))
            terminal.press(END)  # what is shown when it is closed is shown when it is opened again
            terminal.wait_for(LIVE)
        figures = [_late(name, ours[name], theirs[name], floor) for name, (floor, _) in kinds.items()]
        left = [max(held[number].left_ms for held in ours.values()) for number in range(self._effort.rounds)]
        base = [max(held[number].left_ms for held in theirs.values()) for number in range(self._effort.rounds)]
        return [
            *figures,
            figure("painted after the last key", "ms", left, beside(EMPTY, left, base), floor=LEFT_MS),
            figure("the first look at the long log", "ms", [1000 * opened], floor=at_most(2_000)),
        ]

    def _learn_digits(self) -> list[int]:
        """Where the digits lead; nowhere, in versions that have no such keys."""
        try:
            return [self._gauge.after(digit, patience=DIGITS_WAIT_S)[0] for digit in DIGITS]
        except Silence:
            return []

    def _somewhere(self, number: int) -> int:
        return 1 + int(number * GOLDEN % 1 * self._effort.events * 0.9)

    def _go_to(self, position: int) -> float:
        terminal = self._gauge.terminal
        terminal.press(":")
        terminal.rest()
        terminal.press(str(position))
        return self._gauge.after("\r", goal=position)[1]

    def _hold(self, keys: str, goals: list[int]) -> Held:
        self._go_to(goals[0] - 1)
        return hold(self._gauge, keys, goals)

    def _step(self, number: int) -> Held:
        start = self._somewhere(number + 1)
        return self._hold(".", list(range(start + 1, start + self._effort.times(STEPS) + 1)))

    def _jump(self, number: int) -> Held:
        del number
        return self._hold("e", self._failures)

    def _go(self, number: int) -> Held:
        times = self._effort.times(GOTOS)
        waits = [self._go_to(self._somewhere(number * times + step + 1)) for step in range(times)]
        return Held(waits, waits[-1])


def _late(name: str, ours: list[Held], theirs: list[Held], floor: Floor) -> Figure:
    mine, base = ([percentile(held.waits_ms, 0.95) for held in one] for one in (ours, theirs))
    return figure(f"{name}, p95", "ms", mine, beside(EMPTY, mine, base), floor=floor)


def _flooded(project: Project, effort: Effort, blank: _Blank) -> tuple[Figure, Figure]:
    """The focus goes from panel to panel while events come in."""
    program = [sys.executable, "-m", "tui.bench.flooding", project.root, str(FLOOD_PER_SECOND)]
    ours: list[Held] = []
    theirs: list[Held] = []
    rates: list[float] = []
    with Terminal.running(program, SIZE, cwd=effort.directory) as terminal:
        terminal.wait_for(LIVE)
        terminal.watch(SETTLING_S * effort.seconds)
        for _ in range(effort.rounds):
            began, before = clock.monotonic(), _head(project)
            waits = [_focus(terminal, number) for number in range(effort.times(LIVE_KEYS))]
            rates.append((_head(project) - before) / (clock.monotonic() - began))
            ours.append(Held(waits, waits[-1]))
            theirs.append(blank.hold(len(waits)))
            terminal.watch(0.1)
    late = _late(f"another panel, {FLOOD_PER_SECOND:,} events/s coming in", ours, theirs, LIVE_MS)
    return late, figure("events stored meanwhile", "events/s", rates, floor=FLOODED)


def _focus(terminal: Terminal, number: int) -> float:
    """Milliseconds until the other panel has the focus; each time at another moment between two frames."""
    terminal.watch(0.1 + 0.1 * (number * GOLDEN % 1))
    key = str(1 + number % 2)
    pressed = terminal.press(key)
    return 1000 * (terminal.wait_for(FOCUSED.format(key)) - pressed)


def _head(project: Project) -> int:
    with closing(connected(project.log)) as connection:
        return connection.execute("SELECT max(position) FROM events").fetchone()[0]
