"""One agent's or task's conversation at any moment: what the log says of its executions, and what is being said.

Live and past are the same: `at` a position, of the executions the state at that position knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.events import AgentOutput, StoredEvent
from core.projections import Execution
from core.queries import Queries
from tui.transcript.entries import SPOKEN, Entry, Transcript
from tui.transcript.speech import spoken_since, unfinished
from tui.transcript.window import Window

SPEECH_EVENTS = 400  # batches of output; a message that takes longer is shown from its middle on
UNFINISHED = frozenset({"running", "paused"})


class Conversation:
    """Read as far as it was looked at."""

    def __init__(self, queries: Queries, *, agents: Sequence[str] = (), raw: bool = False) -> None:
        """With `raw`, everything of these agents is shown: their protocol's records, and what they printed."""
        self._queries = queries
        self._raw = raw
        self._window = Window(queries, [f"agent/{agent}" for agent in agents] if raw else ())
        self._transcript = Transcript(raw=raw)
        self._folded: tuple[int, int] = (0, 0)
        """The window's generation, and how many of its events the transcript has taken."""
        self._speech: list[StoredEvent] = []
        self._heard: tuple[int, int] = (0, 0)

    @property
    def more(self) -> bool:
        """Whether there are earlier entries."""
        return self._window.more

    @property
    def full(self) -> bool:
        """Whether no earlier ones can be had together with these."""
        return self._window.full

    async def at(self, executions: Sequence[Execution], position: int) -> tuple[Entry, ...]:
        """The entries as of `position`; `executions` in the order they began."""
        await self._window.reach([f"execution/{execution.id}" for execution in executions], position)
        self._fold(position)
        if executions and executions[-1].status in UNFINISHED:
            speaking = await self._speaking(executions[-1], position)
            return (*self._transcript.entries, *speaking)
        return self._transcript.entries

    async def earlier(self) -> None:
        """Read one page more of what came before."""
        await self._window.earlier()

    def _fold(self, position: int) -> None:
        events = self._window.up_to(position)
        generation, taken = self._folded
        if generation != self._window.generation or taken > len(events):
            self._transcript, taken = Transcript(raw=self._raw), 0
        for event in events[taken:]:
            self._transcript.take(event)
        self._folded = self._window.generation, len(events)

    async def _speaking(self, execution: Execution, position: int) -> list[Entry]:
        since = max(execution.position, spoken_since(self._transcript))
        await self._hear(execution.agent_id, since, position)
        outputs = [event for event in self._speech if event.position <= position and _is_of(event, execution.id)]
        return unfinished(outputs, self._transcript)

    async def _hear(self, agent_id: str, since: int, position: int) -> None:
        """Hold the agent's speech after `since`, up to `position`."""
        first, last = self._heard
        if since < first or position < last:
            self._speech, last = [], since
        heard = await self._queries.streams(
            [f"agent/{agent_id}"], types=[AgentOutput.type], after=max(since, last), up_to=position,
            limit=SPEECH_EVENTS, backwards=True,
        )  # fmt: skip
        kept = [event for event in self._speech if event.position > since]
        self._speech = [*kept, *(event for event in heard if _is_speech(event))][-SPEECH_EVENTS:]
        self._heard = since, position


def _is_speech(event: StoredEvent) -> bool:
    return isinstance(event.payload, AgentOutput) and event.payload.channel in SPOKEN


def _is_of(event: StoredEvent, execution_id: str) -> bool:
    return isinstance(event.payload, AgentOutput) and event.payload.execution_id in {"", execution_id}
