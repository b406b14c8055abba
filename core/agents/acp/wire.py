"""The wire: JSON-RPC messages over an agent's pipes, each decoded and recorded the moment it passes.

The library asks for a message, or gives one, and this is the one place where both directions meet in order. A line
that is no message is output like any other. While the log is behind nothing is read, and so the agent waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import msgspec

from core.agents.acp.decoder import INCOMING, OUTGOING, AcpDecoder
from core.agents.acp.state import State
from core.agents.decoding import Decoded, Outcome
from core.agents.recording import Recording
from core.agents.records import RECORD_BYTES, parse
from core.events import PermissionDenied, PermissionGranted, PermissionRequested
from core.processes import Run
from core.processes.lines import LineSplitter

CHUNK_BYTES = 16 * 1024  # then others get their turn, however much there is to read

Message = dict[str, object]


class Wire:
    """What the library calls a transport."""

    def __init__(self, run: Run, recording: Recording, on_end: Callable[[], None]) -> None:
        self._run, self._recording, self._on_end = run, recording, on_end
        self._decoder = AcpDecoder()
        self._splitter, self._lines = LineSplitter(RECORD_BYTES), deque[str]()
        self._open_questions: set[str] = set()
        self._answered = asyncio.Event()
        self._answered.set()
        self.ended = asyncio.Event()
        """The agent says nothing any more."""
        self.state = State()
        self.outcome: Outcome | None = None
        """Of the last turn, or why there is no conversation; None when it ended between its turns."""

    async def receive(self) -> Message | None:
        """The next message of the agent; None when there are no more."""
        while (line := await self._next_line()) is not None:
            record = parse(line)
            if record is None or not _is_message(record):
                if line.strip():
                    await self._recording.lines("stdout", [line])
                continue
            message = dict(record)
            decoded = self._decode(INCOMING, message)
            is_piece = bool(decoded.added) and len(decoded.spoken) == len(decoded.added)
            await self._recording.wire("wire-in", line, is_piece=is_piece)
            asked = next((event for event in decoded.events if isinstance(event, PermissionRequested)), None)
            await self._record(decoded)
            if asked is not None:
                self._open_questions.add(repr(message["id"]))
                self._answered.clear()
                message["params"] = asked  # what is asked, as it was understood
            return message
        await self._record(self._end())
        self.ended.set()
        self._on_end()
        return None

    async def send(self, message: Message) -> None:
        """Give the agent a message. What it does not take any more is dropped: its end tells the rest."""
        line = msgspec.json.encode(message)
        await self._recording.wire("wire-out", line.decode())
        await self._record(self._decode(OUTGOING, message))
        if self._run.stdin is not None:
            with suppress(ConnectionError, RuntimeError):
                self._run.stdin.write(line + b"\n")
                await self._run.stdin.drain()
        if "method" not in message:
            self._open_questions.discard(repr(message.get("id")))
            if not self._open_questions:
                self._answered.set()

    async def close(self) -> None:
        """The pipes are not ours to close."""

    async def all_answered(self) -> None:
        """Return when every permission request was answered."""
        await self._answered.wait()

    def hang_up(self) -> None:
        """Say nothing any more; an agent that finds its input closed goes."""
        if self._run.stdin is not None:
            self._run.stdin.close()

    async def _next_line(self) -> str | None:
        while not self._lines:
            await asyncio.sleep(0)
            chunk = await self._run.stdout.read(CHUNK_BYTES)
            self._lines.extend(self._splitter.feed(chunk) if chunk else self._splitter.flush())
            if not chunk and not self._lines:
                return None
        return self._lines.popleft()

    def _decode(self, direction: str, message: Message) -> Decoded:
        self.state, decoded = self._decoder.step(self.state, {"dir": direction, "msg": message})
        self.outcome = decoded.outcome or self.outcome
        return decoded

    def _end(self) -> Decoded:
        decoded = self._decoder.end(self.state)
        at_rest = self.state.conversation_id and not self.state.in_turn
        self.outcome = None if at_rest else decoded.outcome
        return decoded

    async def _record(self, decoded: Decoded) -> None:
        """Record what is told; a permission is asked, and its answer decided and recorded, elsewhere."""
        added = tuple(one for one in decoded.added if not isinstance(one, _ELSEWHERE))
        if added:
            await self._recording.decoded(Decoded(added=added))


_ELSEWHERE = (PermissionRequested, PermissionGranted, PermissionDenied)


def _is_message(record: Mapping[str, object]) -> bool:
    """Whether the library can read it: what it finds in other places than it expects would end it."""
    method, name = record.get("method"), record.get("id")
    is_id = name is None or (isinstance(name, int | str) and not isinstance(name, bool))
    return is_id and (isinstance(method, str) if "method" in record else "id" in record) and _error_fits(record)


def _error_fits(record: Mapping[str, object]) -> bool:
    error = record.get("error")
    return error is None or (isinstance(error, dict) and isinstance(cast("Message", error).get("code", 0), int))
