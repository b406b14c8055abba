"""Core → screen: what happened since the last frame, and how the program is doing.

Invariant: the core never posts messages; one frame timer asks here. What the log appends is taken from its tail in
memory, so a frame costs what is new, not what there is.
"""

from __future__ import annotations

from collections import deque

from core.engine import Engine
from core.events import StoredEvent
from core.events.envelope import to_us
from core.history.index import LineageIndex
from tui.event_rows import EventMemory

RATE_SECONDS = 8
LAG_SAMPLES = 600  # a minute of frames


class Feed:
    """Follows the engine's log, frame by frame."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.index = LineageIndex(engine.journal.branch)
        """Of the lineage; empty before `begin`, and then the timeline's own."""
        self.head = 0
        """The last position that came out of here."""
        self.memory = EventMemory()
        self._rates: deque[float] = deque([0.0], maxlen=RATE_SECONDS)
        self._second = 0
        self._lags: deque[float] = deque(maxlen=LAG_SAMPLES)

    async def begin(self) -> None:
        """Know everything up to now."""
        self.index = await self._engine.timeline.index(self._engine.journal.branch)
        self.head = self.index.head

    def behind(self) -> bool:
        """Whether more happened than the log's tail holds, so that it has to be read."""
        return self._engine.journal.log.tail.since(self.head) is None

    def take(self) -> list[StoredEvent]:
        """What was appended since the last frame; nothing while `behind`."""
        events = self._engine.journal.log.tail.since(self.head) or []
        own = [event for event in events if event.branch == self._engine.journal.branch]
        if own:
            self.index.extend((event.position, event.recorded_us, event.type, event.stream) for event in own)
            self.memory.keep(own)
            self.head = own[-1].position
        self._count(len(own))
        return own

    def _count(self, number: int) -> None:
        second = to_us(self._engine.journal.clock.now()) // 1_000_000
        for _ in range(min(RATE_SECONDS, second - self._second) if self._second else 1):
            self._rates.append(0.0)
        self._second = second
        self._rates[-1] += number

    @property
    def rates(self) -> tuple[float, ...]:
        """Events a second of the last whole seconds, newest last."""
        return tuple(self._rates)[:-1] or (0.0,)

    def late(self, seconds: float) -> None:
        """A frame came so much later than it was due."""
        self._lags.append(max(0.0, seconds))

    @property
    def lag_p95_ms(self) -> float:
        """How late nineteen of twenty frames are at most."""
        lags = sorted(self._lags)
        return 1000 * lags[int(len(lags) * 0.95)] if lags else 0.0
