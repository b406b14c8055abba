"""The playhead: which position the screen shows, and where it was before.

Invariant: new events never move it; only the user, or playing, does. Pure: what it shows is fetched elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct, field

from tui.axis import AxisKind

JUMPS_KEPT = 100
LIVE = -1  # in the jump list
SPEEDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Remembered(Struct, kw_only=True):
    """What survives closing the dashboard."""

    position: int | None = None
    """The position the screen showed, or would return to."""
    live: bool = True
    jumps: list[int] = field(default_factory=list[int])
    """Positions jumped from; -1 is live."""
    anchor: int | None = None
    """The moment A of a comparison."""
    search: str = ""
    axis: AxisKind = "active"
    zoom: int = 0
    """How often the timeline is halved."""
    task_form: dict[str, str] = field(default_factory=dict[str, str])


class Playhead:
    """Live, or at a position."""

    def __init__(self, remembered: Remembered) -> None:
        self.position: int | None = None if remembered.live else remembered.position
        """None: live."""
        self._last = remembered.position
        self._jumps = remembered.jumps[-JUMPS_KEPT:]
        self._undone: list[int] = []
        self.anchor: int | None = remembered.anchor
        """The moment A, which others are compared with."""
        self.playing = False
        self._speed = 0

    @property
    def live(self) -> bool:
        """Whether the screen follows the head."""
        return self.position is None

    @property
    def speed(self) -> int:
        """How much faster than it happened playing is."""
        return SPEEDS[self._speed]

    @property
    def jumps(self) -> list[int]:
        """The jump list, oldest first."""
        return list(self._jumps)

    @property
    def last(self) -> int | None:
        """Where it was in the past last; what `t` returns to."""
        return self._last

    def step_to(self, position: int) -> None:
        """Show this position; steps are not remembered as jumps."""
        self.position = self._last = position

    def jump_to(self, position: int) -> None:
        """Show this position, and remember the one before."""
        if self.position != position:
            self._jumps = [*self._jumps, self._place][-JUMPS_KEPT:]
            self._undone.clear()
        self.step_to(position)

    def jump_back(self) -> bool:
        """Undo the last jump; whether there was one that led here from elsewhere."""
        while self._jumps and self._jumps[-1] == self._place:
            self._jumps.pop()
        return self._return(self._jumps, self._undone)

    def jump_again(self) -> bool:
        """Redo the jump that was undone; whether there was one."""
        return self._return(self._undone, self._jumps)

    def _return(self, places: list[int], other: list[int]) -> bool:
        if not places:
            return False
        other.append(self._place)
        place = places.pop()
        if place == LIVE:
            self.go_live()
        else:
            self.step_to(place)
        return True

    @property
    def _place(self) -> int:
        return LIVE if self.position is None else self.position

    def go_live(self) -> None:
        """Follow the head; the position is kept for `t`."""
        self.position = None
        self.playing = False

    def change_speed(self, by: int) -> int:
        """Play faster or slower by so many steps; the speed."""
        self._speed = max(0, min(len(SPEEDS) - 1, self._speed + by))
        return self.speed

    def reset_speed(self) -> int:
        """Play as fast as it happened."""
        self._speed = 0
        return self.speed


def load_view(path: Path) -> Remembered:
    """What was remembered; nothing when there is no such file, or it cannot be read: it is only a convenience."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Remembered)
    except (OSError, msgspec.MsgspecError):
        return Remembered()


def save_view(path: Path, remembered: Remembered) -> None:
    """Remember for the next time."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(remembered))
    fresh.chmod(0o600)
    fresh.replace(path)
