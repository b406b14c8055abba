"""Permissions: what one agent asks during one execution, until each question has its answer.

A question and its answer are events before the agent hears of the answer, whoever decided: the user, the profile's
policy, the deadline, or we ourselves because the turn is over. The supervisor passes answers on from the log.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from core.agents.context import Context
from core.agents.permission_policy import Answer, by_policy, likeness, option_for
from core.agents.recording import Recording
from core.concurrency import task_group
from core.config import Permissions as Settings
from core.events import (
    Append,
    Payload,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    StoredEvent,
)
from core.projections import State

ACTOR = "supervisor"
MOST_AT_ONCE = 50
"""Questions that wait; an agent that asks more is not asking anybody."""


class Permissions:
    """Asks for one agent."""

    def __init__(self, context: Context, settings: Settings, execution_id: str, recording: Recording) -> None:
        self._context, self._settings, self._recording = context, settings, recording
        self._execution = execution_id
        self._waiting: dict[str, asyncio.Future[Payload]] = {}
        self._always: dict[tuple[str, ...], Answer] = {}
        """What was decided for the rest of the conversation."""
        self._over = ""
        """Why nobody is asked any more."""

    async def ask(self, asked: PermissionRequested) -> str | None:
        """The id of the option that was chosen; None when the question is withdrawn or nothing fits."""
        request_id = f"{self._execution}.{asked.request_id}"
        deadline = self._context.journal.clock.now() + timedelta(milliseconds=self._settings.deadline)
        asked = replace(asked, request_id=request_id, deadline=deadline)
        answer = self._known_answer(asked)
        if answer is None:
            answer = await self._answer_to(asked)
        else:
            await self._recording.events(asked, answer)
            await self._recording.flush()
        return self._chosen(asked, answer)

    def react(self, event: StoredEvent) -> None:
        """An answer was appended."""
        if isinstance(event.payload, PermissionGranted | PermissionDenied | PermissionExpired):
            self._settle(event.payload.request_id, event.payload)

    async def withdraw(self, reason: str) -> None:
        """Nobody is asked any more until `ask_again`; what waits is denied."""
        self._over = reason
        waiting = [name for name, answer in self._waiting.items() if not answer.done()]
        denied = [PermissionDenied(request_id=name, by=ACTOR, reason=reason) for name in waiting]
        await self._recording.events(*denied)
        await self._recording.flush()
        for denial in denied:
            self._settle(denial.request_id, denial)

    def ask_again(self) -> None:
        """Another turn begins."""
        self._over = ""

    def _settle(self, request_id: str, answer: Payload) -> None:
        waiting = self._waiting.get(request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _known_answer(self, asked: PermissionRequested) -> Payload | None:
        """The answer to what needs no asking."""
        if self._over or len(self._waiting) >= MOST_AT_ONCE:
            reason = self._over or f"it asks more than {MOST_AT_ONCE} questions at once"
            return PermissionDenied(request_id=asked.request_id, by=ACTOR, reason=reason)
        before = self._always.get(likeness(asked))
        answer, by = (before, "always") if before else (by_policy(self._settings, asked), "policy")
        if answer is None:
            return None
        option = option_for(asked.options, answer)
        if answer == "deny":
            option_id, kind = (option.option_id, option.kind) if option is not None else ("", "")
            return PermissionDenied(request_id=asked.request_id, option_id=option_id, kind=kind, by=by, reason=by)
        if option is None:
            return None  # it can be allowed in a way unknown to us: somebody has to look
        return PermissionGranted(request_id=asked.request_id, option_id=option.option_id, kind=option.kind, by=by)

    async def _answer_to(self, asked: PermissionRequested) -> Payload:
        """Wait for somebody's answer."""
        request_id = asked.request_id
        answered = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        await self._recording.events(asked)
        await self._recording.status("waiting-permission", f"may it: {asked.tool_name}")
        try:
            async with task_group() as tasks:
                alarm = tasks.create_task(self._expire(request_id), name=f"deadline of {request_id}")
                answer = await answered
                alarm.cancel()
        finally:
            del self._waiting[request_id]
        if not self._waiting and not self._over:
            await self._recording.status("busy", "")
        return answer

    async def _expire(self, request_id: str) -> None:
        await self._context.journal.clock.sleep(self._settings.deadline / 1000)
        await self._recording.flush()
        await self._context.journal.record_fact(lambda state: _expired(state, request_id), actor=ACTOR)

    def _chosen(self, asked: PermissionRequested, answer: Payload) -> str | None:
        match answer:
            case PermissionGranted(option_id=option_id, kind=kind):
                if kind == "allow_always":
                    self._always[likeness(asked)] = "allow"
                return option_id
            case PermissionDenied(by=by) if by == ACTOR:
                return None
            case PermissionDenied(option_id=option_id, kind=kind):
                if kind == "reject_always":
                    self._always[likeness(asked)] = "deny"
                return option_id or None
            case _:
                option = option_for(asked.options, "deny")
                return option.option_id if option is not None else None


def _expired(state: State, request_id: str) -> list[Append]:
    permission = state.permissions.get(request_id)
    if permission is None or permission.status != "pending":
        return []
    expired = PermissionExpired(request_id=request_id)
    return [Append(f"execution/{permission.execution_id}", [expired], cause=permission.position)]
