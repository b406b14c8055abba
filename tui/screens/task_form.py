"""The form for a new task: one line a field, what is wrong with it beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from msgspec import Struct
from textual import on
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from core.config import Config
from core.durations import parse_ms
from core.projections import State, in_order
from tui.screens.dialog import Dialog, blank_line, line
from tui.text import SafeText, label, literal
from tui.widgets.oneline import OneLine
from tui.widgets.spans import Span


class NewTask(Struct, frozen=True, kw_only=True):
    """What the form asks for."""

    title: str
    run: str
    prompt: str
    profile: str
    priority: int
    depends_on: tuple[str, ...]
    delay_ms: int
    attempts: int
    timeout_ms: int | None
    workspace: str


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form; `check` returns what is wrong, or nothing."""

    name: str
    title: SafeText
    hint: SafeText
    check: Callable[[str], str]


REMEMBERED = ("profile", "priority", "attempts", "timeout", "workspace")


class TaskForm(Dialog[NewTask]):
    """Add a task."""

    DEFAULT_CSS = """
    TaskForm .field { height: 1; }
    TaskForm .name { width: 12; }
    TaskForm Input { width: 1fr; }
    TaskForm .hint { width: 36; margin: 0 0 0 1; }
    """

    def __init__(self, config: Config, state: State, remembered: Mapping[str, str]) -> None:
        super().__init__(literal("New task"), (Span(literal("F2 adds it · esc leaves"), "muted"),))
        self._config, self._state, self._remembered = config, state, remembered
        self._hints: dict[str, OneLine] = {}
        self._inputs: dict[str, Input] = {}
        self._fields = (
            Field("title", literal("title"), literal("what it is called"), lambda _: ""),
            Field("run", literal("run"), literal("a shell line, or instead:"), self._check_run),
            Field("prompt", literal("prompt"), literal("what to tell the agent"), self._check_prompt),
            Field("profile", literal("profile"), literal("→ completes"), self._check_profile),
            Field("priority", literal("priority"), literal("higher runs first"), _check_integer),
            Field("after", literal("after"), literal("tasks it waits for: T-1 T-2"), self._check_after),
            Field("delay", literal("delay"), literal("not before: 30s, 5m, 1h30m"), _check_duration),
            Field("attempts", literal("attempts"), literal("how often it may be tried"), _check_attempts),
            Field("timeout", literal("timeout"), literal("end it after: 10m"), _check_duration),
            Field("workspace", literal("workspace"), literal("directory in the project"), lambda _: ""),
        )

    def inside(self) -> Iterable[Widget]:
        defaults = {"profile": "shell", **self._remembered}
        names = [task.id for task in in_order(self._state.tasks)]
        suggestions = {"profile": sorted(self._config.profiles), "after": names[::-1]}
        yield blank_line()
        for field in self._fields:
            suggested = suggestions.get(field.name)
            entry = self._inputs[field.name] = Input(
                defaults.get(field.name, ""), compact=True, id=field.name, select_on_focus=False,
                suggester=SuggestFromList(suggested, case_sensitive=False) if suggested else None,
            )  # fmt: skip
            hint = self._hints[field.name] = OneLine()
            hint.add_class("hint")
            name = OneLine()
            name.add_class("name")
            name.show((Span(field.title, "muted"),))
            yield Horizontal(name, entry, hint, classes="field")
        yield blank_line()
        yield line(
            Span(literal("F2"), "key"), Span(literal(" or "), "muted"), Span(literal("ctrl+enter"), "key"),
            Span(literal(" add   "), "muted"), Span(literal("tab"), "key"), Span(literal(" next field   "), "muted"),
            Span(literal("esc"), "key"), Span(literal(" leave"), "muted"),
        )  # fmt: skip

    def on_mount(self) -> None:
        """Start at the top, with every hint shown."""
        self._inputs["title"].focus()
        self._check_all()

    @on(Input.Changed)
    def _checked(self) -> None:
        self._check_all()

    def _check_all(self) -> bool:
        """Show what is wrong beside each field; whether nothing is."""
        good = True
        for field in self._fields:
            wrong = field.check(self._text(field.name))
            good = good and not wrong
            self._hints[field.name].show((Span(label(wrong, 60), "warn") if wrong else Span(field.hint, "faint"),))
        return good

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.focus_next()

    async def pressed(self, key: str) -> bool:
        match key:
            case "f2" | "ctrl+enter":
                self._send()
            case "down":
                self.focus_next()
            case "up":
                self.focus_previous()
            case _:
                return False
        return True

    def _send(self) -> None:
        if not self._check_all():
            wrong = next(field.name for field in self._fields if field.check(self._text(field.name)))
            self._inputs[wrong].focus()
            return
        timeout, delay = self._text("timeout"), self._text("delay")
        new = NewTask(
            title=self._text("title"),
            run=self._text("run"),
            prompt=self._text("prompt"),
            profile=self._text("profile"),
            priority=int(self._text("priority") or 0),
            depends_on=tuple(self._text("after").replace(",", " ").split()),
            delay_ms=parse_ms(delay) if delay else 0,
            attempts=int(self._text("attempts") or 1),
            timeout_ms=parse_ms(timeout) if timeout else None,
            workspace=self._text("workspace"),
        )
        self.dismiss(new)

    @property
    def to_remember(self) -> dict[str, str]:
        """The values the next task most likely has too."""
        return {name: self._text(name) for name in REMEMBERED}

    def _text(self, name: str) -> str:
        return self._inputs[name].value.strip()

    # -- what can be wrong ------------------------------------------------------------------------------------

    def _check_run(self, run: str) -> str:
        return "either run or prompt, not both" if run and self._text("prompt") else ""

    def _check_prompt(self, prompt: str) -> str:
        if not prompt:
            return "" if self._text("run") else "run or prompt is needed"
        profile = self._config.profile(self._text("profile"))
        if profile is not None and not profile.command:
            return f"{self._text('profile')} cannot take a prompt"
        return ""

    def _check_profile(self, name: str) -> str:
        return "" if self._config.profile(name) is not None else "there is no such profile"

    def _check_after(self, names: str) -> str:
        for name in names.replace(",", " ").split():
            if self._state.task_outcome(name) is None:
                return f"there is no task {name}"
        return ""


def _check_integer(text: str) -> str:
    try:
        int(text or 0)
    except ValueError:
        return "a whole number"
    return ""


def _check_attempts(text: str) -> str:
    return _check_integer(text) or ("" if int(text or 1) >= 1 else "at least 1")


def _check_duration(text: str) -> str:
    try:
        parse_ms(text or "0s")
    except ValueError:
        return "like 30s, 5m or 1h30m"
    return ""
