"""Colours by meaning: each ink is a name for what is said, and the only place that says how it looks.

Invariant: an ink is made of the theme's semantic variables, so every theme, dark or light, draws all of them, and
`NO_COLOR` turns them grey. Colour never carries meaning alone: a glyph or a word stands beside it.
Forbidden here: fixed colours, and widgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from rich.style import Style as RichStyle
from textual.style import Style

if TYPE_CHECKING:
    from textual.color import Color
    from textual.widget import Widget

Ink = Literal[
    # voice
    "plain", "strong", "muted", "faint", "title", "panel", "accent", "key", "good", "warn", "bad",
    # what an agent or a task is
    "waiting", "failed", "lost", "unknown", "busy", "starting", "done", "unseen", "queued", "blocked", "idle", "paused",
    "stopped", "cancelled",
    # what changed, what was found, and when it is
    "added", "changed", "removed", "match", "live", "past", "ahead", "playhead", "anchor", "flash",
    # what somebody wrote
    "emphasis", "code", "link",
    # density of the timeline
    "density", "density-ahead",
    # the row of the cursor, in a list with and without the focus, and text selected with the mouse
    "cursor", "cursor-blurred", "selection",
]  # fmt: skip

# Not `$text-muted`: an inline style loses the percentage in its value, and muted text would be the brightest.
INKS: Mapping[Ink, str] = {
    "plain": "",
    "strong": "bold",
    "muted": "$foreground 66%",
    "faint": "$foreground 40%",
    "title": "bold $text-primary",
    "panel": "bold $foreground 75%",
    "accent": "$text-accent",
    "key": "bold $text-accent",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "bold $text-error",
    "waiting": "bold $text-warning",
    "failed": "bold $text-error",
    "lost": "bold $text-error",
    "unknown": "italic $text-warning",
    "busy": "$text-success",
    "starting": "$text-primary",
    "done": "$text-success",
    "unseen": "bold $text-accent",
    "queued": "$foreground 66%",
    "blocked": "$text-secondary",
    "idle": "$foreground 66%",
    "paused": "$text-primary",
    "stopped": "$foreground 40%",
    "cancelled": "$foreground 40%",
    "added": "$text-success",
    "changed": "$text-warning",
    "removed": "$text-error",
    "match": "bold underline $text-warning",
    "live": "bold $text-success",
    "past": "bold $text-warning",
    "ahead": "$foreground 40%",
    "playhead": "bold reverse $text-warning",
    "anchor": "bold reverse $text-accent",
    "flash": "bold reverse $text-error",
    "emphasis": "italic",
    "code": "$text-primary",
    "link": "underline $text-primary",
    "density": "$primary 75%",
    "density-ahead": "$foreground 30%",
    "cursor": "on $primary 30%",
    "cursor-blurred": "on $foreground 10%",
    "selection": "on $primary 45%",
}

_STATUS_INKS: Mapping[str, Ink] = {
    "waiting-permission": "waiting",
    "failed": "failed",
    "dead-lettered": "failed",
    "lost": "lost",
    "unknown": "unknown",
    "busy": "busy",
    "running": "busy",
    "claimed": "starting",
    "starting": "starting",
    "restarting": "starting",
    "completed": "done",
    "queued": "queued",
    "scheduled": "queued",
    "blocked": "blocked",
    "idle": "idle",
    "paused": "paused",
    "parked": "paused",
    "stopping": "stopped",
    "stopped": "stopped",
    "terminated": "stopped",
    "cancelled": "cancelled",
}

Palette = Mapping[Ink, RichStyle]
"""How each ink looks on one background."""


def palette(widget: Widget) -> Palette:
    """The inks as they look on the background of a mounted widget, in the theme of the running app.

    Valid until the widget's styles change: ask again after `notify_style_update`.
    """
    theme: str = widget.app.theme  # pyright: ignore[reportUnknownMemberType]  Textual does not know what the app returns
    return _palette(widget.background_colors[1], theme)


@lru_cache(maxsize=64)
def _palette(background: Color, theme: str) -> Palette:  # noqa: ARG001  Textual asks the running app for its colours
    return {ink: _on(background, Style.parse(look)) for ink, look in INKS.items()}


def status_ink(status: str) -> Ink:
    """The ink of a status as the log names it; `unknown` for one this version has never heard of."""
    return _STATUS_INKS.get(status, "unknown")


def _on(background: Color, ink: Style) -> RichStyle:
    """Blend translucent and automatic colours. Without a background of its own an ink takes the one below it."""
    under = background if ink.background is None else background + ink.background
    return replace(
        ink,
        background=None if ink.background is None else under,
        foreground=None if ink.foreground is None else under + ink.foreground,
    ).rich_style
