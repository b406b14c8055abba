"""Agents that use our tools: over MCP as a client of it does, or byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fakes.stage import PATIENCE_S, until_status
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from core.agents.tools import ToolAccess
from core.engine import Engine
from core.events import AgentSpawned, AgentStatusChanged, Append, ExecutionStarted, Payload

WORKS = "sleep 600"
"""What a task runs while a test speaks in its agent's name."""


class Agent:
    """One agent at work, and what it says."""

    def __init__(self, engine: Engine, agent_id: str, task_id: str, execution_id: str) -> None:
        self.engine = engine
        self.id, self.task_id, self.execution_id = agent_id, task_id, execution_id
        self.access = engine.tools.admit(agent_id, execution_id)

    async def call(self, tool: str, mode: str = "auto", /, **arguments: object) -> dict[str, Any]:
        """What the tool answers; it must not fail."""
        failed, text = await self._called(tool, mode, arguments)
        assert not failed, text
        return json.loads(text)

    async def fails(self, tool: str, mode: str = "auto", /, **arguments: object) -> str:
        """The sentence the tool fails with."""
        failed, text = await self._called(tool, mode, arguments)
        assert failed, text
        assert "Traceback" not in text
        assert "\n" not in text
        return text

    async def _called(self, tool: str, mode: str, arguments: dict[str, object]) -> tuple[bool, str]:
        async with connected(self.access, mode) as client:
            result = await client.call_tool(tool, arguments)
        (content,) = result.content
        assert content.type == "text"
        return result.is_error, content.text

    async def tells(self, *events: Payload) -> int:
        """Something its protocol reports, on its execution's stream; the position of the last of it."""
        return await append(self.engine, f"execution/{self.execution_id}", *events)


@asynccontextmanager
async def connected(access: ToolAccess, mode: str = "auto") -> AsyncIterator[Client]:
    """A client of the newest protocol, or of the ones before it with `legacy`."""
    headers = {"Authorization": f"Bearer {access.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False) as http,
        Client(streamable_http_client(access.url, http_client=http), mode=mode) as client,
    ):
        yield client


async def at_work(engine: Engine, *, profile: str = "shell", depth: int = 0) -> Agent:
    """An agent of the profile that has a task and a process."""
    task_id = await engine.commands.enqueue("work", command=WORKS, profile=profile, depth=depth)
    task = (await until_status(engine, "running", task_id)).tasks[task_id]
    assert task.agent_id is not None
    assert task.execution_id is not None
    return Agent(engine, task.agent_id, task_id, task.execution_id)


async def reporting(engine: Engine, agent_id: str = "speaker-1", *, profile: str = "shell", task_id: str = "") -> Agent:
    """An agent whose protocol reports the tools it uses, and which no process stands for."""
    if agent_id not in engine.journal.state.agents:
        spawned = AgentSpawned(name=agent_id, profile=profile, protocol="acp")
        await append(engine, f"agent/{agent_id}", spawned, AgentStatusChanged(current="busy"))
    execution_id = f"{agent_id}.1"
    await append(engine, f"execution/{execution_id}", ExecutionStarted(agent_id=agent_id, task_id=task_id))
    return Agent(engine, agent_id, task_id, execution_id)


async def append(engine: Engine, stream: str, *events: Payload) -> int:
    stored = await engine.journal.record([Append(stream, list(events))], actor="supervisor")
    return stored[-1].position


async def raw(
    access: ToolAccess,
    *,
    method: str = "POST",
    path: str = "/mcp",
    headers: Mapping[str, str | None] | None = None,
    body: bytes = b"",
) -> tuple[int, dict[str, str], bytes]:
    """What is answered to a request made by hand; headers given as None are left out."""
    reader, writer = await asked(access, method=method, path=path, headers=headers, body=body)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await heard(reader)
    finally:
        writer.close()


async def asked(
    access: ToolAccess,
    *,
    method: str = "POST",
    path: str = "/mcp",
    headers: Mapping[str, str | None] | None = None,
    body: bytes = b"",
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The connection on which a request made by hand was sent."""
    authority = access.url.removeprefix("http://").removesuffix("/mcp")
    host, port = authority.split(":")
    usual: dict[str, str | None] = {
        "Host": authority, "Authorization": f"Bearer {access.token}", "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream", "Content-Length": str(len(body)), "Connection": "close",
    }  # fmt: skip
    lines = [f"{name}: {value}" for name, value in (usual | dict(headers or {})).items() if value is not None]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body)
    return reader, writer


async def heard(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer that ends with its connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, await reader.read()


def calling(tool: str, **arguments: object) -> bytes:
    """The body of a request that calls a tool, as of the protocols before the newest."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return json.dumps(call).encode()
