"""From a key to what it paints: keys at the rate of a held one, and when the screen had caught up with each of them.

A screen that is late may paint several keys at once: what counts for each is when the screen was at least where that
key leads, which is told by a rising number it paints.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tui.bench.rounds import clock
from tui.bench.terminal import PATIENCE_S, Silence, Terminal

PER_SECOND = 30  # how fast keyboards repeat
_OVERLAP = 64  # characters: a number may come in two pieces


class Gauge:
    """Reads a number off the screen, each time it is painted."""

    def __init__(self, terminal: Terminal, pattern: str) -> None:
        """The pattern's first group is the number; it must not match before the number has ended."""
        self.terminal = terminal
        self._pattern = re.compile(pattern)
        self._text = ""

    def read(self, until: float) -> list[int]:
        """The numbers in what is painted next; none when nothing is until then."""
        self._text += self.terminal.read(until)
        numbers: list[int] = []
        end = 0
        for found in self._pattern.finditer(self._text):
            numbers.append(int(found[1].replace(",", "")))
            end = found.end()
        self._text = self._text[max(end, len(self._text) - _OVERLAP) :]
        return numbers

    def after(
        self, keys: str, *, goal: int | None = None, start: int | None = None, patience: float = PATIENCE_S
    ) -> tuple[int, float]:
        """Press keys that lead somewhere: the number painted then, and after how many milliseconds.

        It is the `goal`, if there is one, else the first that is not `start`.

        Raises:
            Silence: it was not painted in time.
        """
        self.terminal.rest()
        self._text = ""
        pressed = self.terminal.press(keys)
        while clock.monotonic() < pressed + patience:
            for number in self.read(pressed + patience):
                if number == goal or (goal is None and number != start):
                    return number, 1000 * (clock.monotonic() - pressed)
        raise Silence(f"{keys!r} did not lead to {goal or 'another place'}")


@dataclass(frozen=True, slots=True)
class Held:
    """A key that was held."""

    waits_ms: list[float]
    """Of each press, until it was painted."""
    left_ms: float
    """From the last press until the screen was where it leads: what was still waiting on release."""


def hold(gauge: Gauge, keys: str, goals: Sequence[int]) -> Held:
    """Press the keys in turns as if held; `goals` are the rising numbers they lead to, one for each press.

    Raises:
        Silence: the last goal was never painted.
    """
    terminal = gauge.terminal
    terminal.rest()
    began = clock.monotonic()
    pressed: list[float] = []
    waits: list[float] = []
    while len(waits) < len(goals):
        due = began + len(pressed) / PER_SECOND
        if len(pressed) < len(goals) and clock.monotonic() >= due:
            pressed.append(terminal.press(keys[len(pressed) % len(keys)]))
            continue
        until = due if len(pressed) < len(goals) else pressed[-1] + PATIENCE_S
        numbers = gauge.read(until)
        now = clock.monotonic()
        if not numbers and len(pressed) == len(goals) and now >= until:
            raise Silence(f"{goals[len(waits)]} was never painted")
        for number in numbers:
            while len(waits) < len(pressed) and number >= goals[len(waits)]:
                waits.append(1000 * (now - pressed[len(waits)]))
    return Held(waits, waits[-1])
