"""Configuration: what was loaded, what was refused, which tools a server offers."""

from __future__ import annotations

from typing import ClassVar

from core.events.envelope import Event


class ConfigLoaded(Event):
    """The configuration in force from here on."""

    type: ClassVar[str] = "config:loaded"
    profiles: tuple[str, ...] = ()
    content_hash: str = ""


class ConfigRejected(Event):
    """A bad edit; the configuration before it stays in force."""

    type: ClassVar[str] = "config:rejected"
    file: str = ""
    line: int | None = None
    message: str


class McpServerToolsListed(Event):
    """The tools a server offers."""

    type: ClassVar[str] = "mcp-server:tools-listed"
    content_hash: str = ""
    tools: tuple[str, ...] = ()


class McpServerToolsChanged(Event):
    """The tools differ from the approved ones; they are blocked until approved again."""

    type: ClassVar[str] = "mcp-server:tools-changed"
    content_hash: str = ""
    tools: tuple[str, ...] = ()


class McpServerToolsApproved(Event):
    """The user approved the tools with this hash."""

    type: ClassVar[str] = "mcp-server:tools-approved"
    content_hash: str = ""
