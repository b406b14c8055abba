"""The adapter port: how to talk with a kind of agent, whatever it speaks.

An adapter is made for one run of a process and talks with it over its pipes; what is said goes to a `Recording`,
which redacts, batches and stores it. It never decides what happens to the task next, and never starts or kills.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from core.agents.context import Context
from core.agents.decoding import Outcome
from core.agents.recording import Recording
from core.config import Profile
from core.events import StoredEvent
from core.processes import Run


class Errand(Struct, frozen=True, kw_only=True):
    """What one run is about."""

    context: Context
    profile: Profile
    agent_id: str
    task_id: str = ""
    execution_id: str = ""
    """Where its events go; empty only for a run that has none but output."""
    prompt: str = ""
    """What the task wants; empty when the process has it already or nothing is wanted yet."""
    conversation_id: str = ""
    """The agent's own session that is to be gone on with, if it still has it."""
    cwd: str = ""
    stdin: bytes | None = None
    """What the process is to read on its standard input, when it does not speak a protocol there."""


class Adapter(Protocol):
    """Talks with one process, from its start until its output has ended."""

    async def talk(self, run: Run, recording: Recording) -> Outcome | None:
        """Say what is to be said, and record what is answered until standard output ends.

        Returns how the turn ended by the protocol's own word, whatever the process does afterwards; None when there
        is no such word and the exit code decides. Standard error is recorded by somebody else.
        """
        ...

    def leave(self) -> bool:
        """Ask the agent to end what it does and then go; harmless when it is gone already.

        False when its protocol has no way to ask, or nobody can be asked yet: then its process is to be stopped.
        True promises that it is stopped anyway if it does not go in time.
        """
        ...

    def react(self, event: StoredEvent) -> bool:
        """Something that was appended to its execution's stream by others: a message, an answer to a permission.

        False when nobody here will see to it.
        """
        ...
