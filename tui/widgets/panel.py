"""The frame around every panel: its number and name left, counts right, and the past plain to see.

Invariant: the title line is made of spans, so nothing an agent says can be markup in it, and it always fits.
Forbidden here: strings as titles, which Textual would read as markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from textual.containers import Vertical
from textual.geometry import Region

from tui.text import ASCII, SafeText, count, join, literal, repeat
from tui.theme import glyphs
from tui.widgets.spans import Span, content_of, fit, width_of

if TYPE_CHECKING:
    from textual import events
    from textual.content import Content
    from textual.widget import Widget

PAST_CLASS: Final = "-past"
CORNERS = 6  # Textual keeps a corner, an edge and a space on either side of a title
SPACE = literal(" ")
Focus = Literal["none", "drawn", "marked"]
"""Whether the focus is inside, and how one sees it: in the frame, or by a mark in the title."""

_EDGES = {"heavy": literal("━"), "ascii": literal("-"), "double": literal("═")}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a panel's frame says.

    Attributes:
        title: The panel's name.
        number: The key that focuses it.
        note: Counts, `+1,204 new`, a filter …; dropped first when there is no room.
        past: The moment on the screen, when it is not now.
    """

    title: SafeText
    number: int | None = None
    note: tuple[Span, ...] = ()
    past: SafeText | None = None


class Panel(Vertical):
    """A titled frame; heavy when the focus is inside, in another colour when it shows the past."""

    DEFAULT_CSS = """
    Panel {
        border: round $border-blurred;
        height: 1fr;

        &:focus-within {
            border: heavy $border;
        }
        &.-past {
            border: round $warning 60%;
        }
        &.-past:focus-within {
            border: heavy $warning;
        }
    }
    """

    def __init__(
        self,
        *children: Widget,
        frame: Frame,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(*children, id=id, classes=classes)
        self._frame = frame
        self._drawn: Content | None = None
        self.set_class(frame.past is not None, PAST_CLASS)

    def show_frame(self, frame: Frame) -> None:
        """Draw this frame; returns at once when it is equal to what is shown."""
        if frame != self._frame:
            self._frame = frame
            self.set_class(frame.past is not None, PAST_CLASS)
            self._draw_title()

    def focus_inside(self) -> None:
        """Give the focus to the first widget inside that takes it."""
        for child in self.query("*"):
            if child.focusable:
                child.focus()
                return

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.focus_inside()

    def on_resize(self) -> None:
        self._draw_title()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached:
            self._draw_title()

    def _draw_title(self) -> None:
        room = self.outer_size.width - CORNERS
        title = content_of(title_line(self._frame, room, self._edge, self._focus)) if room > 0 else None
        if title != self._drawn:
            self._drawn = title
            # Not through `border_title`: that repaints the frame on every line, and counts change with every frame.
            self._border_title = title
            self.refresh(Region(-self.gutter.left, -self.gutter.top, self.outer_size.width, 1))

    @property
    def _edge(self) -> SafeText:
        return _EDGES.get(self.styles.border_top[0], literal("─"))

    @property
    def _focus(self) -> Focus:
        if not self.has_pseudo_class("focus-within"):
            return "none"
        return "marked" if glyphs(self) is ASCII else "drawn"


def title_line(frame: Frame, room: int, edge: SafeText, focus: Focus = "none") -> list[Span]:
    """The title in at most `room` cells: name left, note right, edge between; the edge takes the border's colour."""
    # Two ASCII frames look the same, so there the title says which has the focus.
    mark = (Span(ASCII.right, "key"),) if focus == "marked" else ()
    number = () if frame.number is None else (Span(join((count(frame.number), SPACE)), "key"),)
    past = () if frame.past is None else (Span(join((literal(" PAST "), frame.past)), "past"),)
    name = [*mark, *number, Span(frame.title, "panel" if focus == "none" else "strong"), *past]
    free = room - width_of(name) - width_of(frame.note) - 2
    if free < 1 or not frame.note:
        return name if width_of(name) <= room else fit(name, room)
    return [*name, Span(SPACE), Span(repeat(edge, free)), Span(SPACE), *frame.note]
