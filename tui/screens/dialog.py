"""What the small screens share: a titled box over the dashboard, Escape closes it, nothing in it is markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.bindings import key_of
from tui.text import SafeText
from tui.widgets.panel import Frame, Panel
from tui.widgets.spans import Span, content_of
from tui.widgets.virtual_list import VirtualList

T = TypeVar("T")
R = TypeVar("R")


class Dialog(ModalScreen[T | None], Generic[T]):
    """A box in the middle of the screen; dismissed with None when it is left without an answer."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog > Panel {
        width: 90%;
        max-width: 92;
        height: auto;
        max-height: 95%;
        background: $surface;
        padding: 0 1;
    }
    Dialog Static {
        height: auto;
    }
    """

    def __init__(self, title: SafeText, note: tuple[Span, ...] = ()) -> None:
        super().__init__()
        self._frame = Frame(title, None, note)

    def compose(self) -> ComposeResult:
        with Panel(frame=self._frame):
            yield from self.inside()

    def inside(self) -> Iterable[Widget]:
        """The widgets of the box."""
        return ()

    async def on_key(self, event: Key) -> None:
        """Escape leaves; everything else is the dialog's own."""
        key = key_of(event)
        if key == "escape":
            event.stop()
            self.dismiss(None)
        elif await self.pressed(key):
            event.stop()
            event.prevent_default()

    async def pressed(self, key: str) -> bool:  # noqa: ARG002  for subclasses
        """Whether the key means something here."""
        return False


def move(rows: VirtualList[R], key: str) -> bool:
    """Move in a list as everywhere, for dialogs whose list takes all keys; whether the key does that."""
    moves = {
        ("j", "down"): rows.action_cursor_down, ("k", "up"): rows.action_cursor_up,
        ("ctrl+d", "space"): rows.action_half_page_down, ("ctrl+u",): rows.action_half_page_up,
        ("pagedown",): rows.action_page_down, ("pageup",): rows.action_page_up,
        ("g", "home"): rows.action_first, ("G", "end"): rows.action_last,
    }  # fmt: skip
    act = next((act for keys, act in moves.items() if key in keys), None)
    if act is not None:
        act()
    return act is not None


def line(*spans: Span) -> Static:
    """A line of text in a dialog."""
    return Static(content_of(spans))


def blank_line() -> Static:
    """Room between lines."""
    return Static("", markup=False)


def rows(*widgets: Widget) -> Vertical:
    """Widgets below each other, as high as they need."""
    box = Vertical(*widgets)
    box.styles.height = "auto"
    return box
