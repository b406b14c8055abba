"""The `acp` adapter: a conversation with an agent of the Agent Client Protocol.

    initialize → session/new (or resume, or load) → its mode → session/prompt … → its input is closed

A task's conversation ends when its turn and the messages that came meanwhile are done; one without a task stays open,
idle between its turns, until somebody ends it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from core.agents.acp.conversation import CANCELLED, Conversation, Over, within
from core.agents.acp.peer import Gone, connected
from core.agents.acp.wire import Wire
from core.agents.adapter import Errand
from core.agents.command import failure_of
from core.agents.decoding import Outcome
from core.agents.limits import begins_nothing
from core.agents.permissions import Permissions
from core.agents.recording import Recording
from core.agents.undelivered import FINISHED, undelivered
from core.events import MessageSent, StoredEvent
from core.processes import Run, RunExit

LEFT = "it ended the conversation"


class AcpAdapter:
    """Talks with one process."""

    def __init__(self, errand: Errand) -> None:
        self._errand, self._clock = errand, errand.context.journal.clock
        self._messages: deque[StoredEvent] = deque()
        self._stirred, self._leaving = asyncio.Event(), asyncio.Event()
        self._talking = self._deaf = False
        self._permissions: Permissions | None = None
        self._held_back = ""
        """Why it may not begin another turn."""

    def leave(self) -> bool:
        self._leaving.set()
        self._stirred.set()
        return self._talking

    def react(self, event: StoredEvent) -> bool:
        if not isinstance(event.payload, MessageSent):
            if self._permissions is not None:
                self._permissions.react(event)
            return True
        if self._deaf:
            return False
        self._messages.append(event)
        self._stirred.set()
        return True

    async def talk(self, run: Run, recording: Recording) -> Outcome:
        self._talking = True
        errand = self._errand
        self._permissions = Permissions(errand.context, errand.profile.permissions, errand.execution_id, recording)
        wire = Wire(run, recording, self._stirred.set)
        async with connected(wire, self._permissions.ask) as peer:
            conversation = Conversation(errand, peer, wire, self._permissions, self._leaving)
            try:
                outcome, patience = await self._conversed(conversation, wire, recording)
                self._deaf = True
                await self._permissions.withdraw("the conversation is over")
                end = await self._parted(wire, run, patience=patience)
            finally:
                conversation.close()
        for event in self._messages:
            await recording.events(undelivered(event, self._held_back or FINISHED))
        return outcome or self._gone(wire, end, recording.last_words)

    async def _conversed(
        self, conversation: Conversation, wire: Wire, recording: Recording
    ) -> tuple[Outcome | None, bool]:
        """All turns: how the last one ended, None when the agent went away; and whether it can be expected to go."""
        try:
            await conversation.open(recording)
            if self._errand.prompt:
                return await self._task(conversation, recording), True
            return await self._stay(conversation, wire, recording), True
        except Over as over:
            return over.outcome, not over.deaf
        except Gone:
            return CANCELLED if self._leaving.is_set() else None, True

    async def _task(self, conversation: Conversation, recording: Recording) -> Outcome:
        outcome = await conversation.turn(self._errand.prompt)
        while self._messages and outcome.status == "completed" and await self._may_go_on(recording):
            outcome = await conversation.turn(_text(self._messages.popleft()))
        self._deaf = True
        return outcome

    async def _stay(self, conversation: Conversation, wire: Wire, recording: Recording) -> Outcome:
        trouble = ""
        while True:
            await recording.status("idle", trouble)
            while not self._messages:
                if self._leaving.is_set():
                    return CANCELLED
                if wire.ended.is_set():
                    raise Gone
                self._stirred.clear()
                await self._stirred.wait()
            message = self._messages.popleft()
            if not await self._may_go_on(recording):
                await recording.events(undelivered(message, self._held_back))
                continue
            text = _text(message)
            await recording.status("busy", text)
            outcome = await conversation.turn(text)
            trouble = "" if outcome.status == "completed" else outcome.text

    async def _may_go_on(self, recording: Recording) -> bool:
        """Whether another turn may begin, now that all that was used up is in the log."""
        await recording.flush()
        context = self._errand.context
        agent = context.journal.state.agents[self._errand.agent_id]
        self._held_back = begins_nothing(context.journal.state, agent.profile, context.config(), self._clock.now())
        return not self._held_back

    async def _parted(self, wire: Wire, run: Run, *, patience: bool) -> RunExit:
        """The agent's input is closed, which ends it; if not, its process is stopped."""
        wire.hang_up()
        try:
            await within(self._clock, self._errand.profile.conversation.close_timeout if patience else 0, run.wait())
        except TimeoutError:
            run.stop()
        end = await run.wait()
        await wire.ended.wait()
        return end

    def _gone(self, wire: Wire, end: RunExit, last_words: str) -> Outcome:
        """It ended by itself, and nobody wanted it to."""
        how = failure_of(end, last_words) or "exit code 0"
        sentence = wire.outcome.text if wire.outcome is not None else LEFT
        return Outcome(status="failed", text=f"{sentence}: {how}")


def _text(message: StoredEvent) -> str:
    return message.payload.text if isinstance(message.payload, MessageSent) else ""
