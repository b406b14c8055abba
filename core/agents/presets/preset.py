"""What a preset is: how one program's records are read, behind the decoder port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.agents.decoding import Decoded, Record
from core.agents.draft import Draft
from core.agents.turn import Turn

T = TypeVar("T", bound=Turn)


def _nothing_more(_: Draft[T]) -> None: ...


@dataclass(frozen=True, slots=True)
class Preset(Generic[T]):
    """A decoder made of a first state and a function that reads one record into a draft of the turn."""

    first: T
    read: Callable[[Draft[T], Record], None]
    conclude: Callable[[Draft[T]], None] = _nothing_more
    """For programs that never say that they have finished: what they said last tells it once no more comes."""

    def start(self) -> T:
        return self.first

    def step(self, state: T, record: Record) -> tuple[T, Decoded]:
        draft = Draft(state)
        self.read(draft, record)
        return draft.done()

    def end(self, state: T) -> Decoded:
        draft = Draft(state)
        if state.outcome is None:
            self.conclude(draft)
        draft.give_up()
        return draft.done()[1]
