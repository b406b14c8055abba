"""The gate before MCP: every request is looked at here first, and watched until it is answered.

Looked at: its path and method, the Host it thinks it talks to and the Origin it comes from (a web page in a browser can
reach a local port, but can hide neither), its token, its size. Then the answer is awaited for as long as the client
listens and its token is worth something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api.callers import Caller
from core.api.reception import Reception
from core.concurrency import task_group

CALLER = "codewalkers.caller"
"""Where the caller is found in a request's scope."""

BREATH_S = 15.0
"""Clients give up after 60 to 300 s without a byte, and a user may think for longer: JSON may begin with spaces."""


class Gate:
    """Lets requests of callers through to an application, and nothing else."""

    def __init__(self, app: ASGIApp, reception: Reception, path: str, authority: str) -> None:
        self._app, self._reception, self._path = app, reception, path
        self._authority = authority
        """Host and port, as a client has to say them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = _Headers(scope["headers"])
        caller = self._caller(headers)
        refusal = self._refusal(scope, headers, caller)
        if refusal is not None or caller is None:
            await _refuse(send, *(refusal or UNKNOWN))
            return
        body = await self._body(headers, receive)
        if body is None:
            await _refuse(send, 413, f"a request may have {self._reception.largest_request():,} bytes")
            return
        await self._answered({**scope, CALLER: caller}, body, receive, send, caller)

    def _caller(self, headers: _Headers) -> Caller | None:
        scheme, _, token = (headers.only("authorization") or "").partition(" ")
        return self._reception.caller(token.strip()) if scheme.lower() == "bearer" else None

    def _refusal(self, scope: Scope, headers: _Headers, caller: Caller | None) -> tuple[int, str] | None:
        if headers.only("host") != self._authority:
            return 421, f"this is {self._authority} and answers to no other name"
        if headers.all("origin") not in ([], [f"http://{self._authority}"]):
            return 403, "web pages have nothing to ask here"
        if caller is None:
            return UNKNOWN
        if scope["path"] != self._path:
            return 404, f"the tools are at {self._path}"
        if scope["method"] != "POST":
            return 405, "send requests with POST; there are no sessions and no streams"
        return None

    async def _body(self, headers: _Headers, receive: Receive) -> bytes | None:
        """The whole body; None when it is too large, which a stated length tells before any of it is read."""
        limit = self._reception.largest_request()
        stated = headers.only("content-length") or "0"
        if not stated.isdecimal() or int(stated) > limit:
            return None
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > limit:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    async def _answered(self, scope: Scope, body: bytes, receive: Receive, send: Send, caller: Caller) -> None:
        answer = _Answer(send)
        request = _Request(body, receive)
        async with task_group() as tasks:
            answering = tasks.create_task(self._answer(scope, request, answer), name="answer a request")
            left = tasks.create_task(request.left(), name="the client leaves")
            gone = tasks.create_task(caller.gone.wait(), name="the token loses its worth")
            breathing = tasks.create_task(self._breathe(answer), name="keep a client waiting")
            await asyncio.wait([answering, left, gone], return_when=asyncio.FIRST_COMPLETED)
            for task in (answering, left, gone, breathing):
                task.cancel()
        if caller.gone.is_set() and not answer.begun:
            await _refuse(send, *UNKNOWN)

    async def _answer(self, scope: Scope, request: _Request, answer: _Answer) -> None:
        await self._app(scope, request.replayed, answer.send)

    async def _breathe(self, answer: _Answer) -> None:
        while True:
            await self._reception.clock.sleep(BREATH_S)
            await answer.breathe()


class _Headers:
    """The headers of a request."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._headers if key == name]

    def only(self, name: str) -> str | None:
        """The header's value, if it is there once."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None


class _Request:
    """A request whose body has been read."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._left = asyncio.Event()

    async def replayed(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def left(self) -> None:
        """Return when the client does not listen any more."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()


class _Answer:
    """An answer that may begin before it is known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.begun:
                return
            self.begun = True
        await self._send(message)

    async def breathe(self) -> None:
        """A space, so that the client goes on waiting."""
        if not self.begun:
            self.begun = True
            headers = [(b"content-type", b"application/json")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": b" ", "more_body": True})


UNKNOWN = (401, "unknown token; it is worth something only while the agent works on what it was given for")

_MORE_HEADERS: Mapping[int, tuple[bytes, bytes]] = {
    401: (b"www-authenticate", b"Bearer"),
    405: (b"allow", b"POST"),
    413: (b"connection", b"close"),
}


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if status in _MORE_HEADERS:
        headers.append(_MORE_HEADERS[status])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
