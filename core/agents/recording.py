"""What one run of an agent says, on its way to the log: redacted, in order, batched and bounded.

Events keep their order, many in one transaction. Whoever brings something waits while the log is behind, and so the
agent waits too; nothing piles up. What agents say of themselves may be of any size: it is cut until an event holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from core.agents.decoding import Decoded, Spoken
from core.agents.fitting import fitting
from core.agents.output import BATCH_EVERY_S, OutputRecorder
from core.agents.redaction import Redactor
from core.agents.speech import Speech
from core.concurrency import task_group
from core.events import AgentStatusChanged, Append, ConversationOpened, MessageReceived, OutputChannel, Payload
from core.events.agent import AgentPresence
from core.events.execution import MessageKind
from core.journal import Decision, Journal
from core.projections import Permission, State

EVENTS_PER_BATCH = 2_000  # then the agent waits until they are stored

_CAN_CHANGE = frozenset({"starting", "idle", "busy", "waiting-permission", "paused"})
PIECES_TOGETHER = 100  # of a message, as records
LINE_CHARACTERS = 60_000  # of a record; it may have megabytes, and somebody looks for secrets in it

_CHANNELS: tuple[OutputChannel, ...] = ("stdout", "stderr", "text", "thought", "wire-in", "wire-out")


class Recording:
    """Takes what one run says. Enter `storing` for as long as somebody brings something."""

    def __init__(
        self,
        journal: Journal,
        redactor: Redactor,
        cause: Callable[[], int | None],
        *,
        agent_id: str,
        task_id: str = "",
        execution_id: str = "",
        wire: bool = True,
    ) -> None:
        self._redactor = redactor
        self._agent, self._execution = f"agent/{agent_id}", f"execution/{execution_id}"
        self._wire = wire
        self._outputs: dict[OutputChannel, OutputRecorder] = {
            channel: OutputRecorder(
                journal, agent_id, channel, redactor, cause, task_id=task_id, execution_id=execution_id
            )
            for channel in _CHANNELS
        }
        self._stderr_over = asyncio.Event()
        self._events = _EventRecorder(journal, f"agent:{agent_id}")
        self._cause = cause
        self._speech: dict[MessageKind, Speech] = {"text": Speech(redactor), "thought": Speech(redactor)}
        self._pieces: dict[OutputChannel, list[str]] = {}
        self._speaking: set[MessageKind] = set()
        """Kinds of which something was spoken since the last whole message."""

    @property
    def last_words(self) -> str:
        """The last line it printed, error output first."""
        return self._outputs["stderr"].last_line or self._outputs["stdout"].last_line

    @property
    def last_output(self) -> str:
        """The last line of its standard output."""
        return self._outputs["stdout"].last_line

    async def last_errors(self) -> list[str]:
        """The last lines of standard error, once it has ended; of standard output when it was silent."""
        await self._stderr_over.wait()
        return list(self._outputs["stderr"].last_lines or self._outputs["stdout"].last_lines)

    def learn(self, name: str, secret: str) -> None:
        """From here on this must not be recorded either."""
        self._redactor.learn({name: secret})

    def redacted(self, text: str) -> str:
        """The text without secrets."""
        return self._redactor.text(text)

    @asynccontextmanager
    async def storing(self) -> AsyncGenerator[None, None]:
        """Store what is brought for the length of an `async with`; at its end all of it is in the log."""
        async with AsyncExitStack() as stack:
            for channel, output in self._outputs.items():
                if channel != "stderr":
                    await stack.enter_async_context(output.storing())
            await stack.enter_async_context(self._events.storing())
            yield
            for kind in self._speech:
                await self._finish_line(kind)
            for channel in list(self._pieces):
                await self._flush_pieces(channel)

    async def stdout(self, reader: asyncio.StreamReader) -> None:
        """Record standard output, until its end."""
        await self._outputs["stdout"].read(reader)

    async def stderr(self, reader: asyncio.StreamReader) -> None:
        """Record standard error, until its end, and return when it is stored."""
        await self._outputs["stderr"].record(reader)
        self._stderr_over.set()

    async def lines(self, channel: OutputChannel, lines: list[str]) -> None:
        """Record some lines."""
        await self._outputs[channel].take([self._shortened(line) for line in lines])

    async def wire(self, channel: OutputChannel, record: str, *, is_piece: bool = False) -> None:
        """Record a raw record of the protocol, unless the profile keeps none.

        A piece of a message waits for more of it: one event for each word would be many, and nobody waits for them.
        """
        if not self._wire:
            return
        pieces = self._pieces.setdefault(channel, [])
        pieces.append(self._shortened(record))
        if not is_piece or len(pieces) >= PIECES_TOGETHER:
            await self._flush_pieces(channel)

    async def _flush_pieces(self, channel: OutputChannel) -> None:
        if pieces := self._pieces.pop(channel, []):
            await self._outputs[channel].take(pieces)

    async def decoded(self, decoded: Decoded) -> None:
        """Record what a record of the protocol adds, in order.

        A message nothing of which was spoken before is also put out as text.
        """
        for one in decoded.added:
            if isinstance(one, Spoken):
                await self._speak(one.kind, one.text)
                continue
            self._push(one)
            if isinstance(one, MessageReceived):
                await self._finish(one)
        await self._events.room()

    async def events(self, *events: Payload) -> None:
        """Record events, in order; they are in the log soon."""
        for event in events:
            self._push(event)
        await self._events.room()

    async def status(self, current: AgentPresence, reason: str) -> None:
        """Record what the agent does now, unless somebody wants it to stop or it has left."""
        self._events.take(lambda state: self._status(state, current, reason))
        await self._events.room()

    async def flush(self) -> None:
        """Return when all events brought so far are in the log."""
        await self._events.flushed()

    def _shortened(self, line: str) -> str:
        missing = len(line) - LINE_CHARACTERS
        if missing <= 0:
            return line
        clean = self._redactor.line(line[: 2 * LINE_CHARACTERS])  # so that no piece of a secret stays where it is cut
        return f"{clean[:LINE_CHARACTERS]}…[truncated {missing:,} characters]"

    def _push(self, event: Payload) -> None:
        stream = self._agent if isinstance(event, ConversationOpened) else self._execution
        append = Append(stream, [fitting(event, self._redactor)], cause=self._cause())
        self._events.take(lambda _: [append])

    def _status(self, state: State, current: AgentPresence, reason: str) -> list[Append]:
        agent = state.agents.get(self._agent.removeprefix("agent/"))
        if agent is None or agent.status not in _CAN_CHANGE:
            return []
        if current == "busy" and any(_waits(permission, agent.id) for permission in state.permissions.values()):
            return []  # somebody else asks in its name
        before = agent.before_pause if agent.status == "paused" else agent.status
        changed = AgentStatusChanged(previous=before, current=current, reason=self._redactor.text(reason))
        return [Append(self._agent, [changed], cause=self._cause())] if before != current else []

    async def _speak(self, kind: MessageKind, text: str) -> None:
        self._speaking.add(kind)
        if lines := self._speech[kind].feed(text):
            await self._outputs[kind].take(lines)

    async def _finish(self, message: MessageReceived) -> None:
        if message.role != "user" and message.kind not in self._speaking:
            await self._speak(message.kind, message.text)
        await self._finish_line(message.kind)

    async def _finish_line(self, kind: MessageKind) -> None:
        self._speaking.discard(kind)
        if rest := self._speech[kind].flush():
            await self._outputs[kind].take(rest)


def _waits(permission: Permission, agent_id: str) -> bool:
    return permission.status == "pending" and permission.agent_id == agent_id


class _EventRecorder:
    """Appends events in the order they were taken, many in one transaction."""

    def __init__(self, journal: Journal, actor: str) -> None:
        self._journal, self._actor = journal, actor
        self._pending: list[Decision] = []
        self._wanted, self._room, self._stored = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()
        self._stored.set()
        self._over = False

    def take(self, decision: Decision) -> None:
        self._pending.append(decision)
        self._wanted.set()
        self._stored.clear()
        if len(self._pending) >= EVENTS_PER_BATCH:
            self._room.clear()

    async def room(self) -> None:
        await self._room.wait()

    async def flushed(self) -> None:
        await self._stored.wait()

    @asynccontextmanager
    async def storing(self) -> AsyncGenerator[None, None]:
        async with task_group() as tasks:
            tasks.create_task(self._store(), name=f"store events of {self._actor}")
            yield
            self._over = True
            self._wanted.set()

    async def _store(self) -> None:
        while not (self._over and not self._pending):
            await self._wanted.wait()
            self._wanted.clear()
            batch, self._pending = self._pending, []
            self._room.set()
            if batch:
                await self._journal.record_fact(
                    lambda state, batch=batch: [append for decide in batch for append in decide(state)],
                    actor=self._actor,
                )
            if not self._pending:
                self._stored.set()
            if not self._over:
                await self._journal.clock.sleep(BATCH_EVERY_S)
