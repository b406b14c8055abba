"""What to say to an agent: a few lines, sent with Enter."""

from __future__ import annotations

from collections.abc import Iterable

from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from tui.screens.dialog import Dialog, line
from tui.text import SafeText, join, literal
from tui.widgets.spans import Span

NEW_LINE = frozenset({"ctrl+j", "shift+enter", "alt+enter"})
"""Ctrl+J is what every terminal can tell from Enter; the others only some."""
SENDS = frozenset({"enter", "ctrl+enter", "f2"})


class Lines(TextArea):
    """Text of some lines; Enter is not one of its keys."""

    class Sent(Message):
        """Enter was pressed."""

    async def _on_key(self, event: Key) -> None:
        if event.key in SENDS:
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent())
        elif event.key in NEW_LINE:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)


class MessageForm(Dialog[str]):
    """Dismissed with what is to be said; what was typed before it was left is in `draft`."""

    DEFAULT_CSS = "MessageForm Lines { height: auto; min-height: 3; max-height: 12; border: none; padding: 0; }"

    def __init__(self, to: SafeText, draft: str) -> None:
        super().__init__(join((literal("Message to "), to)), (Span(literal("⏎ sends · esc leaves"), "muted"),))
        self.lines = Lines(draft, show_line_numbers=False, soft_wrap=True, tab_behavior="focus")

    def inside(self) -> Iterable[Widget]:
        yield self.lines
        yield line(
            Span(literal("^j"), "key"), Span(literal(" new line   "), "muted"),
            Span(literal("it is told to the agent as its next turn"), "muted"),
        )  # fmt: skip

    def on_mount(self) -> None:
        """Ready to type, where one left off."""
        self.lines.focus()
        self.lines.move_cursor(self.lines.document.end)

    @property
    def draft(self) -> str:
        """What was typed so far."""
        return self.lines.text

    def on_lines_sent(self) -> None:
        """Say it, unless there is nothing to say."""
        if self.lines.text.strip():
            self.dismiss(self.lines.text.strip())
