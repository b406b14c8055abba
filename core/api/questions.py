"""Questions to the user: asked as an event, answered by an event, and never forgotten without one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from core.api.calls import Call, cleaned, fitting
from core.concurrency import task_group
from core.errors import LogClosed, StorageFailed
from core.events import (
    AgentPresence,
    AgentStatusChanged,
    Append,
    Payload,
    PermissionExpired,
    PermissionOption,
    PermissionRequested,
)
from core.projections import Permission, State

INPUT_BYTES = 128 * 1024
"""What is shown of what the agent wants to do, encoded."""

OPTIONS = (
    PermissionOption(option_id="allow", name="Allow", kind="allow_once"),
    PermissionOption(option_id="reject", name="Reject", kind="reject_once"),
)


async def ask(call: Call, tool_name: str, arguments: object, *, tool_call_id: str, timeout_ms: int) -> Permission:
    """Ask the user whether the agent may do something, and wait for the answer, which may be that none came in time.

    Cancelled, it records that nobody wants to know any more.
    """
    deadline = call.journal.clock.now() + timedelta(milliseconds=timeout_ms)
    question = PermissionRequested(
        request_id=call.request_id, tool_call_id=tool_call_id, tool_name=tool_name,
        input=fitting(cleaned(call.caller.redactor, arguments), INPUT_BYTES), options=OPTIONS, deadline=deadline,
    )  # fmt: skip
    asked = await call.journal.decide(
        lambda state: _asking(state, call, question), actor=_actor(call), cause=call.cause
    )
    position = asked[0].position
    try:
        async with task_group() as tasks:
            limit = tasks.create_task(_expire(call, position, after_s=timeout_ms / 1000), name="deadline of a question")
            answer = await _answered(call, position)
            limit.cancel()
    except asyncio.CancelledError:
        with suppress(StorageFailed, LogClosed):  # then the next start finds it open, and closes it
            await _expire(call, position)
        raise
    return answer


async def _answered(call: Call, position: int) -> Permission:
    async for _ in call.journal.follow(position - 1):
        permission = call.journal.state.permissions.get(call.request_id)
        if permission is not None and permission.status != "pending":
            await call.journal.decide(lambda state: _going_on(state, call), actor=_actor(call), cause=position)
            return permission
    raise LogClosed


async def _expire(call: Call, position: int, *, after_s: float = 0.0) -> None:
    await call.journal.clock.sleep(after_s)
    await call.journal.decide(lambda state: _expiring(state, call), actor=_actor(call), cause=position)


def _actor(call: Call) -> str:
    return call.caller.actor


def _asking(state: State, call: Call, question: PermissionRequested) -> list[Append]:
    return [Append(call.caller.stream, [question]), *_status(state, call, "busy", "waiting-permission")]


def _expiring(state: State, call: Call) -> list[Append]:
    permission = state.permissions.get(call.request_id)
    if permission is None or permission.status != "pending":
        return []
    expired: list[Payload] = [PermissionExpired(request_id=call.request_id)]
    return [Append(call.caller.stream, expired), *_going_on(state, call)]


def _going_on(state: State, call: Call) -> list[Append]:
    """The agent is busy again, unless another question of it is open."""
    others = any(
        permission.status == "pending"
        and permission.agent_id == call.caller.agent_id
        and permission.id != call.request_id
        for permission in state.permissions.values()
    )
    return [] if others else _status(state, call, "waiting-permission", "busy")


def _status(state: State, call: Call, previous: AgentPresence, current: AgentPresence) -> list[Append]:
    agent = state.agents.get(call.caller.agent_id)
    if agent is None or agent.status != previous:
        return []
    return [Append(f"agent/{agent.id}", [AgentStatusChanged(previous=previous, current=current)])]
