"""Questions to the user: asked as an event, answered by an event, and never forgotten without one.

What the caller's profile allows or denies by itself is recorded in the same way, and nobody is asked.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from core.agents.fitting import fitting
from core.agents.permission_policy import by_policy, option_for
from core.api.calls import Call
from core.concurrency import task_group
from core.config import Permissions
from core.errors import LogClosed, Refused, StorageFailed
from core.events import (
    AgentPresence,
    AgentStatusChanged,
    Append,
    Payload,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionOption,
    PermissionRequested,
)
from core.projections import Permission, State

MOST_AT_ONCE = 50
"""Questions of one agent that wait; one that asks more is not asking anybody."""

OPTIONS = (
    PermissionOption(option_id="allow", name="Allow", kind="allow_once"),
    PermissionOption(option_id="reject", name="Reject", kind="reject_once"),
)


async def ask(call: Call, settings: Permissions, tool_name: str, arguments: object, *, tool_call_id: str) -> Permission:
    """Whether the agent may do something: what its profile says, or else the user, or that nobody answered in time.

    Cancelled, it records that nobody wants to know any more.

    Raises:
        Refused: it asks too much at once; nobody was asked.
    """
    deadline = call.journal.clock.now() + timedelta(milliseconds=settings.deadline)
    asked = PermissionRequested(
        request_id=call.request_id, tool_call_id=tool_call_id, tool_name=tool_name, input=arguments, options=OPTIONS,
        deadline=deadline,
    )  # fmt: skip
    question = fitting(asked, call.caller.redactor)
    answer = _by_policy(settings, asked)
    if answer is not None:
        await call.record(question, answer)
        return call.journal.state.permissions[call.request_id]
    stored = await call.journal.decide(
        lambda state: _asking(state, call, question, tool_name), actor=call.caller.actor, cause=call.cause
    )
    return await _answered(call, stored[0].position, settings.deadline / 1000)


def _by_policy(settings: Permissions, asked: PermissionRequested) -> Payload | None:
    answer = by_policy(settings, asked)
    option = None if answer is None else option_for(OPTIONS, answer)
    if option is None:
        return None
    if answer == "allow":
        return PermissionGranted(request_id=asked.request_id, option_id=option.option_id, kind=option.kind, by="policy")
    return PermissionDenied(
        request_id=asked.request_id, option_id=option.option_id, kind=option.kind, by="policy",
        reason="its profile denies it",
    )  # fmt: skip


async def _answered(call: Call, position: int, limit_s: float) -> Permission:
    try:
        async with task_group() as tasks:
            limit = tasks.create_task(_expire(call, position, after_s=limit_s), name=f"deadline of {call.request_id}")
            answer = await _answer(call, position)
            limit.cancel()
    except asyncio.CancelledError:
        with suppress(StorageFailed, LogClosed):  # then the next start finds it open, and closes it
            await _expire(call, position)
        raise
    return answer


async def _answer(call: Call, position: int) -> Permission:
    async for _ in call.journal.follow(position - 1):
        permission = call.journal.state.permissions.get(call.request_id)
        if permission is not None and permission.status != "pending":
            await call.journal.decide(lambda state: _going_on(state, call), actor=call.caller.actor, cause=position)
            return permission
    raise LogClosed


async def _expire(call: Call, position: int, *, after_s: float = 0.0) -> None:
    await call.journal.clock.sleep(after_s)
    await call.journal.decide(lambda state: _expiring(state, call), actor=call.caller.actor, cause=position)


def _asking(state: State, call: Call, question: Payload, tool_name: str) -> list[Append]:
    if len(_open_questions(state, call)) >= MOST_AT_ONCE:
        raise Refused(f"you ask more than {MOST_AT_ONCE} questions at once; wait for the answers")
    waiting = _status(state, call, "waiting-permission", f"may it: {call.caller.redactor.line(tool_name)}")
    return [Append(call.caller.stream, [question]), *waiting]


def _expiring(state: State, call: Call) -> list[Append]:
    if call.request_id not in _open_questions(state, call):
        return []
    expired: list[Payload] = [PermissionExpired(request_id=call.request_id)]
    return [Append(call.caller.stream, expired), *_going_on(state, call)]


def _going_on(state: State, call: Call) -> list[Append]:
    """The agent is busy again, unless it has other questions."""
    others = _open_questions(state, call) - {call.request_id}
    return [] if others else _status(state, call, "busy", "")


def _open_questions(state: State, call: Call) -> set[str]:
    return {
        permission.id
        for permission in state.permissions.values()
        if permission.status == "pending" and permission.agent_id == call.caller.agent_id
    }


def _status(state: State, call: Call, current: AgentPresence, reason: str) -> list[Append]:
    """What the agent does now, unless it is about to leave, or does so already; paused, it will once it is resumed."""
    agent = state.agents.get(call.caller.agent_id)
    if agent is None:
        return []
    before = agent.before_pause if agent.status == "paused" else agent.status
    if {before, current} != {"busy", "waiting-permission"}:
        return []
    return [Append(f"agent/{agent.id}", [AgentStatusChanged(previous=before, current=current, reason=reason)])]
