"""The least a Textual app can do: say how many keys were pressed.

python -m tui.bench.blank
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static


class Blank(App[None]):
    """One line on an empty screen."""

    def __init__(self) -> None:
        super().__init__()
        self._pressed = 0
        self._line = Static("pressed 0 .")

    def compose(self) -> ComposeResult:
        yield self._line

    def on_key(self, event: Key) -> None:  # noqa: ARG002  any key counts
        """Count it."""
        self._pressed += 1
        self._line.update(f"pressed {self._pressed} .")


if __name__ == "__main__":
    Blank().run()
