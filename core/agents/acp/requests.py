"""What we ask of an agent, as parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.agents.acp.endings import VERSION
from core.agents.records import Record, name_at, table_at, tables_at
from core.agents.tools import ToolAccess
from core.config import McpServer

OUR_TOOLS = "codewalkers"
"""What our own tool server is called in a conversation."""


def initialize() -> Record:
    """We offer nothing: agents then use their own tools on the files."""
    client = {"name": "codewalkers", "title": "Codewalkers", "version": "1"}
    return {"protocolVersion": VERSION, "clientCapabilities": {}, "clientInfo": client}


def restoring_method(able: Record) -> str | None:
    """How a conversation of before is gone on with; without the whole of it being sent again, if there is a choice."""
    if "resume" in table_at(able, "sessionCapabilities"):
        return "session/resume"
    return "session/load" if able.get("loadSession") is True else None


def prompt(conversation_id: str, text: str) -> Record:
    """A turn."""
    return {"sessionId": conversation_id, "prompt": [{"type": "text", "text": text}]}


def mode(opened: Record, conversation_id: str, wanted: str) -> tuple[str, Record]:
    """The request that sets the agent's mode: newer agents offer modes among their options."""
    option = next(
        (option for option in tables_at(opened, "configOptions") if name_at(option, "category") == "mode"), None
    )
    if option is None or table_at(opened, "modes"):
        return "session/set_mode", {"sessionId": conversation_id, "modeId": wanted}
    chosen = {"sessionId": conversation_id, "configId": name_at(option, "id"), "value": wanted}
    return "session/set_config_option", chosen


def takes_addresses(able: Record) -> bool:
    """Whether the agent can use tool servers it is given the address of."""
    return table_at(able, "mcpCapabilities").get("http") is True


def servers(configured: Mapping[str, McpServer], ours: ToolAccess | None) -> list[Record]:
    """The tool servers of a conversation."""
    found: list[Record] = []
    if ours is not None:
        found.append(_by_address(OUR_TOOLS, ours.url, {"Authorization": f"Bearer {ours.token}"}))
    for name, server in configured.items():
        if server.url:
            found.append(_by_address(name, server.url, server.headers))
        else:
            program, *arguments = server.command
            found.append({"name": name, "command": program, "args": arguments, "env": list(_pairs(server.env))})
    return found


def secrets(configured: Mapping[str, McpServer], ours: ToolAccess | None) -> Iterator[tuple[str, str]]:
    """What of that must not be recorded."""
    if ours is not None:
        yield "CW_TOKEN", ours.token
    for server in configured.values():
        yield from server.env.items()
        yield from server.headers.items()


def _by_address(name: str, url: str, headers: Mapping[str, str]) -> Record:
    return {"type": "http", "name": name, "url": url, "headers": list(_pairs(headers))}


def _pairs(values: Mapping[str, str]) -> Iterator[Record]:
    for name, value in values.items():
        yield {"name": name, "value": value}
