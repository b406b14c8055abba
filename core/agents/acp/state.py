"""What is known of a conversation after some of its records."""

from __future__ import annotations

from msgspec import Struct
from rpds import HashTrieMap, HashTrieSet

from core.agents.decoding import Outcome
from core.agents.records import Record
from core.events import PlanEntry
from core.events.execution import MessageKind

Pieces = tuple[str, "Pieces | None"]
"""The last piece of a text, and those before it: adding one costs the same however many there are."""


class Call(Struct, frozen=True, kw_only=True):
    """A tool call that is not over."""

    title: str = ""
    status: str = ""
    input: object = None
    content: object = None
    denied: bool = False
    """Whether a permission for it was refused."""


class Message(Struct, frozen=True, kw_only=True):
    """A message that is being said."""

    id: str
    """The agent's own id of it; empty when it has none."""
    kind: MessageKind
    pieces: Pieces | None = None
    characters: int = 0

    @property
    def text(self) -> str:
        """All of it so far."""
        parts: list[str] = []
        rest = self.pieces
        while rest is not None:
            parts.append(rest[0])
            rest = rest[1]
        return "".join(reversed(parts))


class State(Struct, frozen=True, kw_only=True):
    """A conversation so far."""

    requests: HashTrieMap[tuple[str, str], tuple[str, Record]] = HashTrieMap()
    """Direction and id of requests that wait for their answer → method and parameters."""
    ways_in: tuple[str, ...] = ()
    """What the agent says one can do to be let in."""
    resumable: bool = False
    outcome: Outcome | None = None
    """Of the last turn, or why there is no conversation."""
    conversation_id: str = ""
    restoring: bool = False
    """Whether the agent sends us what was said before."""
    turn: int = 0
    in_turn: bool = False
    cancelled: bool = False
    """Whether we asked to end this turn."""
    message: Message | None = None
    messages: int = 0
    said: str = ""
    """The last text message of this turn."""
    calls: HashTrieMap[str, Call] = HashTrieMap()
    closed: HashTrieSet[str] = HashTrieSet()
    """Calls of this conversation that are over."""
    permissions: int = 0
    asked: HashTrieMap[str, str] = HashTrieMap()
    """Id of a permission request on the wire → our name for it."""
    plan: tuple[PlanEntry, ...] = ()
    context: tuple[int | None, int | None] = (None, None)
    """Tokens in the context and its size, as told last."""
    cost_usd_micros: int = 0
    """Of the whole conversation, as told last."""

    @property
    def step_id(self) -> str:
        """The name of the turn."""
        return f"turn-{self.turn}"
