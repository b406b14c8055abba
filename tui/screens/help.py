"""The help: every key that works where one is, from the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

from textual.widget import Widget

from tui.bindings import Action, Context, Group, Registry, key_names
from tui.screens.dialog import Dialog, move
from tui.text import SafeText, join, label, literal
from tui.widgets.columns import Column, lay_out
from tui.widgets.rows import table
from tui.widgets.spans import Span
from tui.widgets.virtual_list import VirtualList

_GROUPS: dict[Group, SafeText] = {
    "Do": literal("DO"),
    "Time": literal("TIME TRAVEL"),
    "Go": literal("MOVE"),
    "Show": literal("SHOW"),
}


class HelpRow(NamedTuple):
    """One action, or the name of a group."""

    id: str
    keys: SafeText
    text: SafeText
    title: bool = False


def help_rows(registry: Registry, context: Context, *, past: bool) -> Iterator[HelpRow]:
    """Every action with a key there, by group; in the past without those it forbids."""
    here = [action for action in registry.here(context) if not (past and action.changes)]
    groups: list[Group] = ["Time", "Do", "Go", "Show"] if context.mode == "time" else ["Do", "Time", "Go", "Show"]
    for group in groups:
        title = _GROUPS[group]
        actions = [action for action in here if action.group == group and action.keys]
        if actions:
            yield HelpRow(group, literal(""), title, title=True)
            yield from (_row(action) for action in actions)


def _row(action: Action) -> HelpRow:
    keys = join([label(name, 12) for name in key_names(action.keys)], " ")
    return HelpRow(action.id, keys, label(action.help, 100))


class HelpList(VirtualList[HelpRow]):
    """Keys left, what they do right."""

    DEFAULT_CSS = "HelpList { height: auto; max-height: 100vh; }"
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column(literal(""), 14), Column(literal(""), 20, grow=1))

    def render_row(self, row: HelpRow, width: int) -> Iterable[Span]:
        """One action."""
        cells = (Span(row.keys, "key"), Span(row.text, "title" if row.title else "plain"))
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


class Help(Dialog[None]):
    """All keys that work here."""

    DEFAULT_CSS = """
    Help > Panel { height: 90%; }
    Help HelpList { height: 1fr; }
    """

    def __init__(self, registry: Registry, context: Context, *, past: bool) -> None:
        live = literal("on the timeline") if context.mode == "time" else literal("live")
        where = literal("in the past") if past else live
        super().__init__(join((literal("Keys · "), where)), (Span(literal("esc closes"), "muted"),))
        self._list = HelpList()
        self._list.show(table(help_rows(registry, context, past=past), key=lambda row: row.id))

    def inside(self) -> Iterable[Widget]:
        yield self._list

    def on_mount(self) -> None:
        """The list takes the keys."""
        self._list.focus()

    async def pressed(self, key: str) -> bool:
        if key in {"?", "q", "f1", "enter"}:
            self.dismiss(None)
            return True
        return move(self._list, key)
