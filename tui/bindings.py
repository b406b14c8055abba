"""Every key and what it does: one registry for the dispatcher, the footer, the help, the palette and the README.

Invariant: in one context a key has one meaning; the registry refuses anything else, also when a user rebinds keys.
Keys are written as the character they type, or by Textual's name (`enter`, `pagedown`, `ctrl+d`, `space`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

from textual.events import Key

from core.errors import ConfigError, Mistake

Mode = Literal["live", "time"]
"""`time`: the past is shown, or the strip has the focus."""
Focus = Literal["agents", "queue", "events", "detail", "timeline"]
Group = Literal["Go", "Time", "Do", "Show"]

MODES: tuple[Mode, ...] = get_args(Mode)
FOCUSES: tuple[Focus, ...] = get_args(Focus)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a key is pressed."""

    mode: Mode
    focus: Focus
    searching: bool = False
    asked: bool = False
    """Whether a question is under the cursor, which only the detail can show."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a key does."""

    id: str
    keys: tuple[str, ...]
    label: str
    """A word or two, for the footer and the palette."""
    help: str
    group: Group
    modes: tuple[Mode, ...] = MODES
    focuses: tuple[Focus, ...] = FOCUSES
    searching: bool | None = None
    """True: only while a search is active; False: only while none is."""
    footer: int = 0
    """Its place in the footer, smallest first; 0: not there."""
    asked: bool | None = None
    """True: named by the footer, and known in the past, only while a question is under the cursor; False: only while
    none is."""
    changes: bool = False
    """Whether it changes tasks or agents, which the past forbids."""

    def contexts(self) -> Iterator[Context]:
        """Where its keys mean it."""
        searching = (True, False) if self.searching is None else (self.searching,)
        for mode, focus, active, asked in product(self.modes, self.focuses, searching, (True, False)):
            if (mode == "live" and focus == "timeline") or (asked and focus != "detail"):
                continue  # the strip's focus is the mode of time
            if asked != self.asked and (self.asked is False or (self.asked and mode == "time")):
                continue
            yield Context(mode, focus, active, asked)


_LIVE: tuple[Mode, ...] = ("live",)
_TIME: tuple[Mode, ...] = ("time",)
_STRIP: tuple[Focus, ...] = ("timeline",)
_PANELS: tuple[Focus, ...] = ("agents", "queue", "events", "detail")

ACTIONS: tuple[Action, ...] = (
    # moving about
    Action("focus_agents", ("1",), "agents", "The agents", "Go", focuses=_PANELS),
    Action("focus_queue", ("2",), "queue", "The queue", "Go", focuses=_PANELS),
    Action("focus_events", ("3",), "events", "The events", "Go", focuses=_PANELS),
    Action("focus_detail", ("4",), "detail", "The detail of what is selected", "Go", focuses=_PANELS),
    Action("focus_strip", ("5",), "timeline", "The timeline", "Go", focuses=_PANELS),
    Action("focus_timeline", ("t",), "timeline", "The timeline; back to where you were last", "Go", footer=60),
    Action("next_panel", ("tab",), "next panel", "The next panel", "Go"),
    Action("previous_panel", ("shift+tab",), "previous panel", "The panel before", "Go"),
    Action("down", ("j", "down"), "down", "One row down", "Go"),
    Action("up", ("k", "up"), "up", "One row up", "Go"),
    Action("half_page_down", ("ctrl+d",), "half a page down", "Half a page down", "Go"),
    Action("half_page_up", ("ctrl+u",), "half a page up", "Half a page up", "Go"),
    Action("page_down", ("pagedown",), "page down", "A page down", "Go"),
    Action("page_up", ("pageup",), "page up", "A page up", "Go"),
    Action("top", ("g", "home"), "top", "The first row", "Go", modes=_LIVE),
    Action("bottom", ("G", "end"), "bottom", "The last row; events are followed from there", "Go", modes=_LIVE),
    Action("open", ("enter",), "open", "The detail of this row", "Go", footer=10),
    Action("back", ("escape",), "back", "Close, clear, or leave the past; never ends anything", "Go"),
    Action("next_needing", ("w",), "needs you", "The next agent or task that needs you", "Go", footer=55),
    Action("previous_needing", ("b",), "needed you", "The one before that needs you", "Go"),
    # doing
    Action("new_task", ("n",), "new task", "A new task", "Do", searching=False, footer=20, changes=True),
    Action("spawn", ("s",), "spawn", "A new agent, of a profile", "Do", footer=25, changes=True),
    Action("cancel", ("x",), "cancel", "Cancel the task, or stop the agent, gently", "Do", footer=30, changes=True),
    Action("kill", ("X",), "kill", "Kill it at once; asks first", "Do", changes=True),
    Action("pause", ("p",), "pause", "Pause or resume the task or agent", "Do", footer=40, changes=True),
    Action("retry", ("r",), "retry", "Queue the task again", "Do", footer=35, changes=True),
    Action("raise_priority", ("+",), "sooner", "Raise the task's priority", "Do", modes=_LIVE, changes=True),
    Action("lower_priority", ("-",), "later", "Lower the task's priority", "Do", modes=_LIVE, changes=True),
    Action("pause_session", ("P",), "hold queue", "Claim no more tasks, or claim again", "Do", changes=True),
    Action("undo", ("u",), "undo", "Undo your last action, as a new event", "Do", changes=True),
    Action("message", ("m",), "message", "Say something to the agent", "Do", modes=_LIVE, footer=54, changes=True),
    Action("allow_once", ("a",), "allow once", "Allow what the question under the cursor asks, this once", "Do",
           focuses=("detail",), footer=-3, asked=True, changes=True),
    Action("allow_always", ("A",), "always", "Allow it from now on", "Do",
           focuses=("detail",), footer=-2, asked=True, changes=True),
    Action("deny", ("d",), "deny", "Deny what the question under the cursor asks", "Do",
           focuses=("detail",), footer=-1, asked=True, changes=True),
    Action("costs", ("$",), "costs", "What was used up, by agent, task, day and session, and the budgets", "Go"),
    Action("inbox", ("i",), "questions", "All questions of agents, those that wait for an answer first", "Go"),
    # showing
    Action("filter", ("/",), "search", "Search everything ever recorded for words; type: agent: task: list such events",
           "Show", footer=50),
    Action("choose_filter", ("f",), "filter", "List only events of some kinds, agents or tasks", "Show", footer=51),
    Action("next_hit", ("n",), "next hit", "To the next hit", "Show", searching=True, footer=20),
    Action("previous_hit", ("N",), "hit before", "To the hit before", "Show", searching=True, footer=21),
    Action("follow", ("v",), "follow", "Follow the newest event, or stop", "Show", modes=_LIVE, focuses=("events",)),
    Action("time_format", ("T",), "time format", "Times as clock, with milliseconds, or ages", "Show"),
    Action("zoom", ("z",), "zoom", "This panel alone, or all of them", "Show", footer=65),
    Action("open_all", ("O",), "unfold all", "Unfold all of the conversation, or fold it", "Show",
           focuses=("detail",), footer=52),
    Action("raw", ("R",), "raw", "Show what was exchanged with the agent word for word, or hide it", "Show",
           focuses=("detail",)),
    Action("copy", ("y",), "copy", "Copy what is under the cursor, or its name; in the past its address", "Show"),
    Action("pager", ("o",), "pager", "Read the detail in $PAGER", "Show", modes=_LIVE),
    Action("prompt", (":", "ctrl+p"), "command", "Any command, or a moment: 1234, 50%, -5m, 14:32, T-17, @mark",
           "Show", footer=70),
    Action("help", ("?", "f1"), "help", "All keys that work here", "Show", footer=80),
    Action("suspend", ("ctrl+z",), "suspend", "Back to the shell; `fg` returns", "Show"),
    Action("quit", ("q",), "quit", "Quit; asks when agents run", "Show", footer=90),
    # time
    Action("freeze", ("space",), "freeze", "Stop the screen here; the run goes on", "Time", modes=_LIVE, footer=58),
    Action("play", ("space",), "play", "Play, or pause", "Time", modes=_TIME, footer=4),
    Action("event_back", (",",), "event", "Exactly one event back", "Time", footer=1),
    Action("event_forward", (".",), "event", "Exactly one event forward", "Time", footer=2),
    Action("step_back", ("left", "h"), "step", "One visible step back", "Time", modes=_TIME, footer=1),
    Action("step_forward", ("right", "l"), "step", "One visible step forward", "Time", modes=_TIME, footer=2),
    Action("cell_back", ("H", "shift+left"), "cell", "One cell of the strip back", "Time", modes=_TIME),
    Action("cell_forward", ("L", "shift+right"), "cell", "One cell of the strip forward", "Time", modes=_TIME),
    Action("next_failure", ("e",), "failure", "The next failure", "Time", footer=3),
    Action("previous_failure", ("E",), "failure", "The failure before", "Time"),
    Action("previous_boundary", ("{",), "task", "Where a task started or ended before", "Time"),
    Action("next_boundary", ("}",), "task", "Where the next task starts or ends", "Time"),
    Action("previous_of_subject", ("(",), "its event", "The event before, of the selected agent or task", "Time"),
    Action("next_of_subject", (")",), "its event", "The next event of the selected agent or task", "Time"),
    Action("previous_mark", ("[",), "mark", "The mark before: bookmark, checkpoint, fork, milestone", "Time"),
    Action("next_mark", ("]",), "mark", "The next mark", "Time"),
    Action("bookmark", ("m",), "bookmark", "Set a bookmark here, or take it away", "Time", modes=_TIME, footer=6),
    Action("name_bookmark", ("M",), "name it", "Set a bookmark here, with a name", "Time", modes=_TIME),
    Action("marks", ("'",), "marks", "All bookmarks and other marks, and where you jumped from", "Time"),
    Action("percent", tuple("0123456789"), "share", "So many tenths of what the strip shows", "Time",
           modes=_TIME, focuses=_STRIP),
    Action("zoom_in", ("+",), "closer", "The timeline closer, around the playhead", "Time", modes=_TIME),
    Action("zoom_out", ("-",), "wider", "The timeline wider", "Time", modes=_TIME),
    Action("zoom_fit", ("Z",), "all of it", "The whole timeline", "Time", modes=_TIME),
    Action("axis", ("a",), "axis", "The timeline by active time, by wall time, by order", "Time",
           modes=_TIME, asked=False),
    Action("compare", ("d",), "diff", "Set the moment A; then what is different here from A", "Time",
           modes=_TIME, footer=7, asked=False),
    Action("flip", ("o",), "flip", "Go to the moment A, and make this one A", "Time", modes=_TIME),
    Action("compare_now", ("D",), "diff to now", "What is different now from here", "Time", modes=_TIME),
    Action("first_event", ("home", "g"), "start", "The first event", "Time", modes=_TIME),
    Action("live", ("end", "G"), "live", "Now", "Time", modes=_TIME, footer=5),
    Action("slower", ("<",), "slower", "Play slower", "Time", modes=_TIME),
    Action("faster", (">",), "faster", "Play faster", "Time", modes=_TIME),
    Action("speed_one", ("=",), "real speed", "Play as fast as it happened", "Time", modes=_TIME),
    Action("jump_back", ("backspace",), "jump back", "Undo the last jump", "Time"),
    Action("jump_again", ("\\",), "jump again", "Redo it", "Time"),
)  # fmt: skip


class Registry:
    """The actions, with the keys of the user."""

    def __init__(self, overrides: Mapping[str, Iterable[str]] | None = None) -> None:
        """Use the user's keys for the actions they name.

        Raises:
            ConfigError: there is no such action, or a key would mean two things.
        """
        given = {name: tuple(keys) for name, keys in (overrides or {}).items()}
        mistakes = [
            Mistake(("keys", name), f"there is no action {name!r}; `?` in the dashboard lists them")
            for name in sorted(set(given) - {action.id for action in ACTIONS})
        ]
        self.actions = tuple(replace(action, keys=given.get(action.id, action.keys)) for action in ACTIONS)
        self._meanings: dict[tuple[Context, str], Action] = {}
        self._here: dict[Context, list[Action]] = {}
        for action in self.actions:
            for context, key in product(action.contexts(), action.keys):
                other = self._meanings.setdefault((context, key), action)
                if other is not action:
                    rebound = action.id if action.id in given else other.id
                    mistakes.append(Mistake(("keys", rebound), f"{key!r} would mean both {other.id} and {action.id}"))
        if mistakes:
            raise ConfigError(*dict.fromkeys(mistakes))

    def __getitem__(self, action_id: str) -> Action:
        """The action of that id."""
        return next(action for action in self.actions if action.id == action_id)

    def meaning(self, key: str, context: Context) -> Action | None:
        """What the key does there."""
        return self._meanings.get((context, key))

    def here(self, context: Context) -> list[Action]:
        """Every action that has a key there, in the order of the table."""
        if context not in self._here:
            self._here[context] = [action for action in self.actions if context in set(action.contexts())]
        return self._here[context]

    def footer(self, context: Context, *, past: bool = False, asked: bool = False) -> list[Action]:
        """The actions the footer shows there, most telling first; in the past without those it forbids."""
        named = (action for action in self.here(context) if action.footer and (asked or not action.asked))
        here = (action for action in named if not (past and action.changes))
        return sorted(here, key=lambda action: action.footer)


_NAMES = {
    "space": "␣", "enter": "⏎", "escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓", "tab": "⇥",
    "backspace": "⌫", "pagedown": "pgdn", "pageup": "pgup",
}  # fmt: skip


def key_of(event: Key) -> str:
    """The key as the registry writes it."""
    if event.character is not None and event.is_printable and event.character != " ":
        return event.character
    return event.key


def key_name(key: str) -> str:
    """The key as the footer and the help show it."""
    for modifier, sign in (("ctrl+", "^"), ("shift+", "⇧")):
        if key.startswith(modifier):
            return sign + key_name(key.removeprefix(modifier))
    return _NAMES.get(key, key)


def key_names(keys: Sequence[str]) -> list[str]:
    """All keys of an action; a row of digits as `0–9`."""
    if len(keys) > 2 and all(key.isdigit() for key in keys):
        return [f"{keys[0]}–{keys[-1]}"]
    return [key_name(key) for key in keys]
