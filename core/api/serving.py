"""Our tools over MCP and HTTP. Imported late: the libraries take most of a second.

Answers are plain JSON, one for each request and without sessions: a token is asked for each time, the newest protocol
and the older ones are served alike, and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from uvicorn import Config
from uvicorn import Server as HttpServer

from core.api.gate import CALLER, Gate
from core.api.reception import Reception
from core.api.toolbox import TOOLS, Tool

MAX_CONNECTIONS = 256
DRAIN_S = 1  # answers that are on their way get this long when we end

INSTRUCTIONS = (
    "Codewalkers runs a fleet of agents, and you are one of them. With these tools you hand work on, see what others "
    "do, say how far your goals are reached, and keep results. What you enqueue is done later, by others."
)


async def serve(
    reception: Reception, listener: socket.socket, path: str, served: asyncio.Event, over: asyncio.Event
) -> None:
    """Serve on a bound socket, from when `served` is set until `over` is; then it is closed, and nothing is left."""
    host, port = listener.getsockname()
    sessions = StreamableHTTPSessionManager(_server(reception), json_response=True, stateless=True)
    gate = Gate(sessions.handle_request, reception, path, f"{host}:{port}")
    config = Config(
        gate, log_config=None, access_log=False, lifespan="off", loop="none", http="h11", ws="none", interface="asgi3",
        proxy_headers=False, server_header=False, date_header=False, limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_S,
    )  # fmt: skip
    async with sessions.run():
        await _HttpServer(config, served, over).serve(sockets=[listener])


class _HttpServer(HttpServer):
    """An HTTP server that leaves signals to the program around it, and waits to be told instead of looking."""

    def __init__(self, config: Config, served: asyncio.Event, over: asyncio.Event) -> None:
        super().__init__(config)
        self._served, self._over = served, over

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        self._served.set()
        await self._over.wait()


def _server(reception: Reception) -> Server[dict[str, Any]]:
    async def list_tools(
        _context: ServerRequestContext[dict[str, Any], Request], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return LISTED

    async def call_tool(
        context: ServerRequestContext[dict[str, Any], Request], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        assert context.request is not None  # every call comes over HTTP, through the gate
        answer = await reception.call(context.request.scope[CALLER], params.name, params.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=answer.text)],
            structured_content=answer.fields,
            is_error=answer.failed,
        )

    return Server(
        "codewalkers", version=VERSION, title="Codewalkers", instructions=INSTRUCTIONS,
        on_list_tools=list_tools, on_call_tool=call_tool,
    )  # fmt: skip


def _described(name: str, tool: type[Tool]) -> types.Tool:
    schema = tool.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    return types.Tool(
        name=name,
        description=(tool.__doc__ or "").strip(),
        input_schema=schema,
        annotations=types.ToolAnnotations(read_only_hint=tool.reads_only, destructive_hint=False),
    )


# At import, because it happens in a thread.
VERSION = version("codewalkers")
LISTED = types.ListToolsResult(tools=[_described(name, tool) for name, tool in TOOLS.items()])
