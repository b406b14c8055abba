"""What the screen shows at one moment: a state, and where in time it is. Panels draw from this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from core.projections import State
from tui.text import SafeText, ago, clock_time, join, literal

R = TypeVar("R")
Change = Literal["", "+", "~"]
"""What the last step did to a row: made it, or changed it."""


@dataclass(frozen=True, slots=True, repr=False)  # Textual describes a worker by its arguments: all tasks, in words
class Look:
    """A moment on the screen."""

    state: State
    live: bool
    position: int
    head: int
    now_us: int
    """What ages are counted to: the clock when live, the playhead's time in the past."""
    clock_us: int
    """The clock, always."""
    before: State | None = None
    """The state on the screen before this step, when rows it changed are to be marked."""
    why: Callable[[str], str] | None = None
    """Why a task waits, by its id."""

    @property
    def past(self) -> SafeText | None:
        """The time every panel's title carries in the past."""
        return None if self.live else clock_time(local(self.now_us))

    def age(self, since_us: int) -> SafeText:
        """How long ago something was, as seen from this moment."""
        return ago((self.now_us - since_us) / 1000)

    def change(self, of: Callable[[State], Mapping[str, R]], key: str) -> Change:
        """What the last step did to a record."""
        if self.before is None:
            return ""
        was, now = of(self.before).get(key), of(self.state).get(key)
        return "" if was == now else "+" if was is None else "~"


def local(us: int) -> datetime:
    """A recorded time on the clock of the reader."""
    return datetime.fromtimestamp(us / 1e6, UTC).astimezone()


def moment(us: int, style: Literal["time", "millis", "ago"], now_us: int) -> SafeText:
    """A recorded time as the event list shows it."""
    if style == "ago":
        return join((ago((now_us - us) / 1000), literal(" ago")))
    return clock_time(local(us), style)
