"""How an agent reaches our own tools: the port to the server that the engine runs."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class ToolAccess(Struct, frozen=True):
    """Where one agent finds our tools, and the secret it is known by."""

    url: str
    token: str


class ToolServer(Protocol):
    """Serves our tools to agents, and knows who calls by the token."""

    def admit(self, agent_id: str, execution_id: str) -> ToolAccess:
        """A token of its own for an agent; its calls are recorded on the execution's stream.

        Raises:
            LaunchFailed: nothing can be served here.
        """
        ...

    async def until_served(self) -> None:
        """Return when calls of those who were admitted are answered at once; before, they have to wait.

        Some agents do not: they begin their work with the tools that are there by then.
        """
        ...

    def dismiss(self, token: str) -> None:
        """The token is worth nothing any more; harmless for one that never was."""
        ...
