"""The other end of a conversation: requests to it and questions from it, counted by the protocol's own library.

The library takes most of a second to import, so that is done when an agent starts, and in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from core.agents.acp.wire import Wire
from core.agents.records import Record, table_at
from core.events import PermissionRequested

if TYPE_CHECKING:
    from acp import RequestError
    from acp.connection import Connection

Ask = Callable[[PermissionRequested], Awaitable[str | None]]
"""Answers a permission request with the id of an option, or with None when it is withdrawn."""


class Refused(Exception):
    """It answered a request with an error."""


class Gone(Exception):
    """It has ended."""


class Peer:
    """Made by `connected`."""

    def __init__(self, connection: Connection, refusal: type[RequestError]) -> None:
        self._connection, self._refusal = connection, refusal

    async def request(self, method: str, params: Record) -> Record:
        """The answer, when it comes.

        Raises:
            Refused, Gone
        """
        try:
            return table_at({"result": await self._connection.send_request(method, params)}, "result")
        except self._refusal as refusal:
            raise Refused(str(refusal)) from refusal
        except ConnectionError as gone:
            raise Gone(method) from gone

    async def notify(self, method: str, params: Record) -> None:
        """Tell it something that has no answer.

        Raises:
            Gone
        """
        try:
            await self._connection.send_notification(method, params)
        except ConnectionError as gone:
            raise Gone(method) from gone


@asynccontextmanager
async def connected(wire: Wire, ask: Ask) -> AsyncGenerator[Peer, None]:
    """Speak over the wire for the length of an `async with`; nothing of it runs afterwards."""
    connection_class, refusal = await asyncio.to_thread(_imported)

    async def handle(method: str, params: Any, is_notification: bool) -> object:
        if is_notification:
            return None  # the wire has seen it
        if method == "session/request_permission" and isinstance(params, PermissionRequested):
            chosen = await ask(params)
            outcome = {"outcome": "cancelled"} if chosen is None else {"outcome": "selected", "optionId": chosen}
            return {"outcome": outcome}
        raise refusal.method_not_found(method)

    connection = connection_class(handle, wire)
    try:
        yield Peer(connection, refusal)
    finally:
        await connection.close()


def _imported() -> tuple[type[Connection], type[RequestError]]:
    from acp import RequestError
    from acp.connection import Connection

    return Connection, RequestError
