"""Making looks: the value every panel draws from, of now or of a past moment."""

from __future__ import annotations

from core.engine import Engine
from core.events.envelope import to_us
from core.projections import State
from tui.feed import Feed
from tui.look import Look


class Looks:
    """Makes looks over one engine, as far as its feed has come."""

    def __init__(self, engine: Engine, feed: Feed) -> None:
        self._engine, self._feed = engine, feed

    def live(self) -> Look:
        """Now."""
        state, clock_us = self._engine.queries.state, self._clock_us
        return Look(
            state=state, live=True, position=self._feed.head, head=self._feed.head, now_us=clock_us,
            clock_us=clock_us, why=lambda task_id: self._why(state, task_id),
        )  # fmt: skip

    def past(self, state: State, position: int, *, before: State | None) -> Look:
        """A past moment, reached from the state `before`."""
        index, clock_us = self._feed.index, self._clock_us
        now_us = index.time_at(position) or (index.times_us[0] if index.times_us else clock_us)
        return Look(
            state=state, live=False, position=position, head=self._feed.head, now_us=now_us, clock_us=clock_us,
            before=before, why=lambda task_id: self._why(state, task_id),
        )  # fmt: skip

    def later(self, look: Look) -> Look:
        """The same past moment, while the run goes on behind it."""
        return self.past(look.state, look.position, before=look.before)

    @property
    def _clock_us(self) -> int:
        return to_us(self._engine.journal.clock.now())

    def _why(self, state: State, task_id: str) -> str:
        task = state.tasks.get(task_id)
        return "" if task is None else self._engine.queries.why_waiting(state, task)
