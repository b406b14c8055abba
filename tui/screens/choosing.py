"""Choosing by typing: a line of input over a list that narrows: the profiles to spawn, and the prompt for anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from textual import on
from textual.fuzzy import Matcher
from textual.widget import Widget
from textual.widgets import Input

from core.config import Config
from tui.bindings import Context, Registry, key_name
from tui.screens.dialog import Dialog
from tui.text import SafeText, join, label, literal
from tui.widgets.columns import Column, lay_out
from tui.widgets.rows import table
from tui.widgets.spans import Span
from tui.widgets.virtual_list import VirtualList

T = TypeVar("T")
CHOOSES = literal("⏎ chooses · esc leaves")


class Choice(NamedTuple):
    """One thing to choose."""

    id: str
    name: SafeText
    aside: SafeText
    text: SafeText


class ChoiceList(VirtualList[Choice]):
    """The choices that match."""

    DEFAULT_CSS = "ChoiceList { height: 12; }"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal(""), 16),
        Column(literal(""), 10),
        Column(literal(""), 10, grow=1),
    )

    def render_row(self, row: Choice, width: int) -> Iterable[Span]:
        """One choice."""
        cells = (Span(row.name, "strong"), Span(row.aside, "key"), Span(row.text, "muted"))
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


class Chooser(Dialog[T], Generic[T]):
    """Type to narrow, Enter chooses."""

    def __init__(self, title: SafeText, choices: Sequence[Choice], placeholder: str, keys: SafeText = CHOOSES) -> None:
        super().__init__(title, (Span(keys, "muted"),))
        self._choices = self._fitting = choices
        self.entry = Input(placeholder=placeholder, compact=True)
        self.list = ChoiceList()

    def inside(self) -> Iterable[Widget]:
        yield self.entry
        yield self.list

    def on_mount(self) -> None:
        """Ready to type."""
        self._narrow("")
        self.entry.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        self._fitting = matching(self._choices, text)
        self.draw()
        self.list.move_to(0)

    def draw(self) -> None:
        """List what fits."""
        self.list.show(table((self.shown(choice) for choice in self._fitting), key=lambda choice: choice.id))

    def shown(self, choice: Choice) -> Choice:
        """A choice as it is listed."""
        return choice

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.choose(self.entry.value.strip())

    @on(VirtualList.Opened)
    def _opened(self) -> None:
        self.choose("")

    def choose(self, typed: str) -> None:
        """Take what was typed, or the row under the cursor."""
        raise NotImplementedError

    @property
    def chosen(self) -> str | None:
        """The id of the row under the cursor."""
        return str(self.list.cursor_key) if self.list.cursor_row is not None else None

    async def pressed(self, key: str) -> bool:
        match key:
            case "down" | "ctrl+n":
                self.list.action_cursor_down()
            case "up" | "ctrl+p":
                self.list.action_cursor_up()
            case _:
                return False
        return True


def matching(choices: Sequence[Choice], text: str) -> list[Choice]:
    """The choices that fit what was typed, best first."""
    if not text.strip():
        return list(choices)
    matcher = Matcher(text.strip())
    scored = [(max(matcher.match(choice.name) * 2, matcher.match(choice.text)), choice) for choice in choices]
    fitting = [(score, choice) for score, choice in scored if score > 0]
    return [choice for _, choice in sorted(fitting, key=lambda found: -found[0])]


class SpawnChooser(Chooser[str]):
    """Which profile to spawn an agent of."""

    def __init__(self, config: Config) -> None:
        choices = [
            Choice(name, label(name, 24), label(profile.adapter, 12), label(profile.description or profile.role, 80))
            for name, profile in sorted(config.profiles.items())
        ]
        super().__init__(literal("Spawn an agent"), choices, "type to filter the profiles")

    def choose(self, typed: str) -> None:  # noqa: ARG002  the list has narrowed already
        self.dismiss(self.chosen)


class Prompted(NamedTuple):
    """What the prompt was answered with: an action of the registry, or a moment to go to."""

    action: str | None
    moment: str


class Prompt(Chooser[Prompted]):
    """One prompt everywhere: a moment to go to, or any action."""

    def __init__(self, registry: Registry, context: Context) -> None:
        here = {action.id for action in registry.here(context)}
        actions = sorted(registry.actions, key=lambda action: (action.id not in here, action.label))
        choices = [
            Choice(
                action.id,
                label(action.label, 24),
                join([label(key_name(key), 8) for key in action.keys[:2]], " "),
                label(action.help, 100),
            )
            for action in actions
            if action.id not in {"prompt", "up", "down", "back", "percent"}
        ]
        super().__init__(literal("Go or do"), choices, "12345  50%  -5m  14:32  T-17  @mark, or what to do")

    def choose(self, typed: str) -> None:
        """A number, a time, a task, a mark or an address is a moment; anything else the best match."""
        if typed and (typed[0].isdigit() or typed[0] in "-@" or typed[:2].upper() == "T-" or "://" in typed):
            self.dismiss(Prompted(None, typed))
        elif self.chosen is not None:
            self.dismiss(Prompted(self.chosen, ""))
        else:
            self.dismiss(Prompted(None, typed))
