"""How the program looks: two themes of its own, the base styles, the inks, and which glyphs a terminal can draw.

Invariant: styles name the theme's semantic variables only, so any theme of Textual works too.
Forbidden here: anything that knows what the screen says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from textual.theme import Theme

from tui.text import ASCII, UNICODE, Glyphs

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

T = TypeVar("T")

STYLESHEET: Final = Path(__file__).with_name("codewalkers.tcss")
"""For `App.CSS_PATH`."""

ASCII_CLASS: Final = "-ascii"
"""On the app, or on any widget: draw with ASCII alone below it."""

DARK: Final = Theme(
    name="codewalkers-dark",
    dark=True,
    primary="#6cb6ff",
    secondary="#b794f6",
    accent="#4fd6be",
    success="#6bc46d",
    warning="#e3b341",
    error="#f47067",
    foreground="#d3dae3",
    background="#0f141a",
    surface="#151b23",
    panel="#1c2430",
    variables={
        "border": "#4fd6be",
        "border-blurred": "#36414f",
        "footer-background": "#151b23",
        "footer-key-foreground": "#4fd6be",
        "input-selection-background": "#6cb6ff 30%",
    },
)
LIGHT: Final = Theme(
    name="codewalkers-light",
    dark=False,
    primary="#0b65b8",
    secondary="#7a3fc4",
    accent="#00756a",
    success="#1a7f37",
    warning="#8f5a00",
    error="#c4261d",
    foreground="#1f2933",
    background="#fbfcfd",
    surface="#f1f4f7",
    panel="#e4e9ee",
    variables={
        "border": "#00756a",
        "border-blurred": "#b3bec9",
        "footer-background": "#e4e9ee",
        "footer-key-foreground": "#00756a",
        "input-selection-background": "#0b65b8 25%",
    },
)


def register(app: App[T], *, ascii_only: bool = False) -> None:
    """Make both themes known to the app and use the dark one; `ascii_only` for terminals without Unicode."""
    app.register_theme(DARK)
    app.register_theme(LIGHT)
    app.theme = DARK.name
    app.set_class(ascii_only, ASCII_CLASS)


def glyphs(widget: Widget) -> Glyphs:
    """The glyphs the terminal of a mounted widget can draw."""
    return ASCII if any(node.has_class(ASCII_CLASS) for node in widget.ancestors_with_self) else UNICODE
