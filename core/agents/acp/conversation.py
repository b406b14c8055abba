"""One conversation: opened, turn by turn, and every wait in it with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from core.agents.acp import requests
from core.agents.acp.peer import Peer, Refused
from core.agents.acp.wire import Wire
from core.agents.adapter import Errand
from core.agents.decoding import Outcome
from core.agents.permissions import Permissions
from core.agents.recording import Recording
from core.agents.records import NO_RECORD, Record, table_at, text_at
from core.agents.tools import ToolAccess
from core.clock import Clock
from core.concurrency import task_group
from core.errors import LaunchFailed

CANCELLED = Outcome(status="cancelled", text="cancelled")

T = TypeVar("T")


class Over(Exception):
    """The conversation cannot go on; the outcome says why."""

    def __init__(self, outcome: Outcome, *, deaf: bool = False) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.deaf = deaf
        """The agent does not listen: waiting for it to go by itself would be in vain."""


async def within(clock: Clock, limit_ms: int, work: Coroutine[None, None, T]) -> T:
    """The result of the work.

    Raises:
        TimeoutError: it took too long and was cancelled.
    """
    async with task_group() as tasks:
        working = tasks.create_task(work)
        alarm = tasks.create_task(clock.sleep(limit_ms / 1000))
        await asyncio.wait([working, alarm], return_when=asyncio.FIRST_COMPLETED)
        alarm.cancel()
        if not working.done():
            working.cancel()
            raise TimeoutError
        return working.result()


class Conversation:
    """With one agent. `leaving` is set when somebody wants it to end."""

    def __init__(
        self, errand: Errand, peer: Peer, wire: Wire, permissions: Permissions, leaving: asyncio.Event
    ) -> None:
        self._errand, self._settings = errand, errand.profile.conversation
        self._peer, self._wire, self._permissions = peer, wire, permissions
        self._clock, self._leaving = errand.context.journal.clock, leaving
        self._tools = errand.context.tools
        self._access: ToolAccess | None = None
        self._id = ""

    async def open(self, recording: Recording) -> None:
        """Agree on a version, open the conversation or go on with the one of before, and set its mode.

        Raises:
            Over, Gone
        """
        started = await self._asked("initialize", requests.initialize(), self._settings.start_timeout)
        able = table_at(started, "agentCapabilities")
        opened = await self._opened(able, recording)
        if self._settings.mode:
            method, params = requests.mode(opened, self._id, self._settings.mode)
            await self._asked(method, params, self._settings.open_timeout)

    async def turn(self, text: str) -> Outcome:
        """Say something, and wait until the agent is done with it.

        Raises:
            Over: somebody wanted it to end meanwhile.
            Gone
        """
        self._permissions.ask_again()
        self._wire.outcome = None
        async with task_group() as tasks:
            prompting = tasks.create_task(self._prompted(text), name=f"turn of {self._errand.agent_id}")
            leaving = tasks.create_task(self._leaving.wait(), name="leave")
            await asyncio.wait([prompting, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not prompting.done():
                await self._cancelled(prompting)
            leaving.cancel()
        await self._permissions.withdraw("its turn is over")
        outcome = self._wire.outcome or CANCELLED
        if self._leaving.is_set():
            raise Over(outcome if outcome.status == "completed" else CANCELLED)
        return outcome

    async def _prompted(self, text: str) -> None:
        with suppress(Refused):  # the wire has its outcome
            await self._peer.request("session/prompt", requests.prompt(self._id, text))

    async def _cancelled(self, prompting: asyncio.Task[None]) -> None:
        """Open questions are answered first, as the protocol demands; then the turn is to end."""
        try:
            await within(self._clock, self._settings.cancel_timeout, self._cancel(prompting))
        except TimeoutError:
            prompting.cancel()
            raise Over(CANCELLED, deaf=True) from None

    async def _cancel(self, prompting: asyncio.Task[None]) -> None:
        await self._permissions.withdraw("cancelled")
        await self._wire.all_answered()
        await self._peer.notify("session/cancel", {"sessionId": self._id})
        await asyncio.wait([prompting])

    def close(self) -> None:
        """What the agent was admitted to is closed to it."""
        if self._tools is not None and self._access is not None:
            self._tools.dismiss(self._access.token)
            self._access = None

    def _admitted(self, able: Record) -> ToolAccess | None:
        """Access to our own tools, for agents that can use an address.

        Raises:
            Over: it cannot use one that its profile demands, or nothing is served.
        """
        if requests.takes_addresses(able):
            try:
                return self._tools.admit(self._errand.agent_id, self._errand.execution_id) if self._tools else None
            except LaunchFailed as failed:
                raise Over(Outcome(status="failed", text=str(failed))) from failed
        for name, server in self._settings.mcp_servers.items():
            if server.url:
                sentence = f"it cannot use the tool server {name!r} of its profile, which has a url"
                raise Over(Outcome(status="failed", text=sentence, retryable=False))
        return None

    async def _opened(self, able: Record, recording: Recording) -> Record:
        configured, ours = self._settings.mcp_servers, self._admitted(able)
        self._access = ours
        for name, secret in requests.secrets(configured, ours):
            recording.learn(name, secret)
        params = {"cwd": self._errand.cwd, "mcpServers": requests.servers(configured, ours)}
        restore = requests.restoring_method(able) if self._errand.conversation_id else None
        if restore is not None:
            self._id = self._errand.conversation_id
            with suppress(Refused):  # it has forgotten: a new one then
                return await self._asked(restore, {"sessionId": self._id, **params}, self._settings.open_timeout)
        opened = await self._asked("session/new", params, self._settings.open_timeout)
        self._id = text_at(opened, "sessionId")
        return opened

    async def _asked(self, method: str, params: Record, limit_ms: int) -> Record:
        """The answer to a request without which there is no conversation.

        Raises:
            Over: it was refused, took too long, or somebody wants to leave.
            Refused: it was refused, and that ends nothing.
            Gone
        """
        try:
            answer = await within(self._clock, limit_ms, self._unless_left(method, params))
        except TimeoutError:
            sentence = f"it did not answer to {method} within {limit_ms / 1000:g} s"
            raise Over(Outcome(status="failed", text=sentence), deaf=True) from None
        except Refused:
            if self._wire.outcome is None:
                raise
            answer = NO_RECORD
        if self._wire.outcome is not None:
            raise Over(self._wire.outcome)
        return answer

    async def _unless_left(self, method: str, params: Record) -> Record:
        async with task_group() as tasks:
            asking = tasks.create_task(self._peer.request(method, params), name=method)
            leaving = tasks.create_task(self._leaving.wait(), name="leave")
            await asyncio.wait([asking, leaving], return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            if not asking.done():
                asking.cancel()
                raise Over(CANCELLED)
            return asking.result()
