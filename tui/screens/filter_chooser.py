"""Choosing which events are listed: kinds, agents and tasks with how many events are of each; several at once.

What is chosen becomes the terms of a search, the same that can be typed.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from core.log import EventLog
from core.projections import State, in_order
from tui.screens.choosing import Choice, ChoiceList, Chooser
from tui.text import count, join, label, literal
from tui.widgets.columns import Column

KEYS = literal("⇥ marks · ⏎ filters · esc leaves")
AGENTS = 1_000  # listed, those that did something last
CHOSEN = ("type:", "agent:", "task:")


class CountedList(ChoiceList):
    """Choices with how many there are of each."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal(""), 24),
        Column(literal(""), 9, align="right"),
        Column(literal(""), 10, grow=1),
    )


class FilterChooser(Chooser[str]):
    """What to list; dismissed with the text of the search."""

    def __init__(self, choices: Sequence[Choice], before: str) -> None:
        super().__init__(literal("List only"), choices, "type to narrow", KEYS)
        known = {choice.id for choice in choices}
        terms = _tokens(before)
        self._kept = [term for term in terms if not term.startswith(CHOSEN)]
        """Of the search there was: what cannot be chosen here, words above all."""
        self._marked = {term for term in terms if term in known}
        self.list = CountedList()

    def shown(self, choice: Choice) -> Choice:
        mark = self.list.glyphs.busy if choice.id in self._marked else literal(" ")
        return choice._replace(name=join((mark, literal(" "), choice.name)))

    async def pressed(self, key: str) -> bool:
        if key == "tab" and self.chosen is not None:
            self._marked ^= {self.chosen}
            self.draw()
            self.list.action_cursor_down()
            return True
        return await super().pressed(key)

    def choose(self, typed: str) -> None:  # noqa: ARG002  the list has narrowed already
        """Take what is marked, or where nothing is the row under the cursor."""
        terms = sorted(self._marked) or ([] if self.chosen is None else [self.chosen])
        self.dismiss(shlex.join([*terms, *self._kept]))


async def filter_choices(log: EventLog, state: State) -> list[Choice]:
    """Everything to choose from: kinds by how much happened, then agents and tasks, the newest first."""
    by_type = (await log.stats()).by_type
    events = {found.stream: found.version for found in await log.streams(aggregate_type="agent", limit=AGENTS)}
    kinds: Counter[str] = Counter()
    for name, number in by_type.items():
        kinds[name.partition(":")[0]] += number
    choices = [_choice("type", kind, number, f"all {kind}:* events") for kind, number in kinds.most_common()]
    agents = [agent for agent in in_order(state.agents)[::-1] if f"agent/{agent.id}" in events]
    choices += [_choice("agent", agent.id, events[f"agent/{agent.id}"], agent.status) for agent in agents]
    choices += [_choice("task", task.id, task.version, task.title) for task in in_order(state.tasks)[::-1]]
    return choices


def _choice(name: str, value: str, number: int, text: str) -> Choice:
    term = f"{name}:{value}"
    return Choice(term, label(term, 40), count(number), label(text, 100))


def _tokens(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []
