"""Permissions: agents ask, and somebody answers: the user, the profile, the deadline, or the end of the turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fakes.acp_stage import acp, prompted, said, until_asked
from fakes.stage import PATIENCE_S, SteppedClock, history, kinds, opened, payloads, until, until_over

from core.errors import IllegalMove, NotFound, UsageError
from core.events import (
    AgentStatusChanged,
    PermissionDenied,
    PermissionExpired,
    PermissionGranted,
    PermissionRequested,
    ToolCallCompleted,
)


async def test_a_question_waits_for_its_answer_and_the_agent_with_it(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask rm -rf /")
        (asked,) = await until_asked(engine)
        assert (asked.id, asked.agent_id, asked.tool_name) == ("T-1.1.p1", "agent-1", "rm -rf /")
        state = await until(engine, lambda state: state.agents["agent-1"].status == "waiting-permission")
        assert state.agents["agent-1"].reason == "may it: rm -rf /"
        assert await engine.commands.answer_permission(asked.id) == asked.id
        await until_over(engine, task_id)
        assert await said(engine) == ["rm -rf /: id-allow_once"]
        (granted,) = await payloads(engine, PermissionGranted)
        assert (granted.kind, granted.by) == ("allow_once", "user")
        changes = [change.current for change in await payloads(engine, AgentStatusChanged)]
        assert changes == ["busy", "waiting-permission", "busy", "idle"]


async def test_the_question_holds_what_is_to_be_done(project: Path) -> None:
    async with opened(project, agent=acp(permissions={"policy": "deny"})) as engine:
        await until_over(engine, await prompted(engine, "ask make install"))
        (asked,) = await payloads(engine, PermissionRequested)
        assert asked.input == {"kind": "execute", "input": {"command": "make install"}}
        assert asked.deadline is not None
        assert asked.options[0].kind == "allow_always"


@pytest.mark.parametrize(
    ("answer", "heard", "outcome"),
    [
        ({}, "id-allow_once", "ok"),
        ({"kind": "allow"}, "id-allow_once", "ok"),
        ({"kind": "allow_always"}, "id-allow_always", "ok"),
        ({"kind": "deny"}, "id-reject_once", "denied"),
        ({"kind": "reject_once"}, "id-reject_once", "denied"),
        ({"option_id": "id-reject_always"}, "id-reject_always", "denied"),
    ],
)
async def test_an_answer_is_chosen_by_kind_or_by_id(
    project: Path, answer: dict[str, str], heard: str, outcome: str
) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask x")
        (asked,) = await until_asked(engine)
        await engine.commands.answer_permission(asked.id, by="somebody", **answer)
        await until_over(engine, task_id)
        assert await said(engine) == [f"x: {heard}"]
        (call,) = await payloads(engine, ToolCallCompleted)
        assert call.outcome == outcome


async def test_what_cannot_be_answered_is_refused_in_a_sentence(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-narrow allow_once reject_once")
        (asked,) = await until_asked(engine)
        with pytest.raises(NotFound, match="no permission request 'p9'"):
            await engine.commands.answer_permission("p9")
        offers = r"it offers id-allow_once \(allow_once\), id-reject_once \(reject_once\)"
        with pytest.raises(UsageError, match=f"cannot be answered with allow_always; {offers}"):
            await engine.commands.answer_permission(asked.id, kind="allow_always")
        with pytest.raises(UsageError, match=f"cannot be answered with nonsense; {offers}"):
            await engine.commands.answer_permission(asked.id, option_id="nonsense")
        await engine.commands.answer_permission(asked.id, kind="deny")
        with pytest.raises(IllegalMove, match="is denied and cannot be answered again"):
            await engine.commands.answer_permission(asked.id)
        await until_over(engine, task_id)


async def test_refusal_needs_no_option(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-narrow allow_once")
        (asked,) = await until_asked(engine)
        await engine.commands.answer_permission(asked.id, kind="deny")
        await until_over(engine, task_id)
        assert await said(engine) == ["None"]


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ({"policy": "allow"}, True),
        ({"policy": "deny"}, False),
        ({"policy": "deny", "allow": ["make *"]}, True),
        ({"policy": "deny", "allow": ["execute"]}, True),
        ({"policy": "allow", "deny": ["make*"]}, False),
        ({"policy": "allow", "allow": ["*"], "deny": ["exec*"]}, False),
    ],
)
async def test_the_profile_answers_what_it_has_an_answer_to(
    project: Path, permissions: dict[str, object], allowed: bool
) -> None:
    async with opened(project, agent=acp(permissions=permissions)) as engine:
        await until_over(engine, await prompted(engine, "ask make install"))
        assert await said(engine) == [f"make install: id-{'allow' if allowed else 'reject'}_once"]
        decided = await payloads(engine, PermissionGranted if allowed else PermissionDenied)
        assert [decision.by for decision in decided] == ["policy"]
        requested = (await history(engine, types=[PermissionRequested.type]))[0].position
        assert "agent:status-changed" not in [
            event.type for event in await history(engine) if event.position in {requested - 1, requested + 1}
        ]


async def test_always_is_remembered_for_the_same_call_of_the_same_conversation(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-twice x")
        (asked,) = await until_asked(engine)
        await engine.commands.answer_permission(asked.id, kind="allow_always")
        await until_over(engine, task_id)
        assert [granted.by for granted in await payloads(engine, PermissionGranted)] == ["user", "always"]
        assert await said(engine) == ["id-allow_always id-allow_once"]
        other = await prompted(engine, "ask-twice x")
        (again,) = await until_asked(engine)
        await engine.commands.answer_permission(again.id, kind="reject_always")
        await until_over(engine, other)
        assert [denied.by for denied in await payloads(engine, PermissionDenied)] == ["user", "always"]


async def test_once_is_once(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-twice x")
        (first,) = await until_asked(engine)
        await engine.commands.answer_permission(first.id)
        await until(engine, lambda state: len(state.permissions) == 2)
        (second,) = await until_asked(engine)
        await engine.commands.answer_permission(second.id, kind="deny")
        await until_over(engine, task_id)
        assert await said(engine) == ["id-allow_once id-reject_once"]


async def test_after_its_deadline_nobody_is_waited_for(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=acp(permissions={"deadline": "5m"})) as engine:
        task_id = await prompted(engine, "ask x")
        (asked,) = await until_asked(engine)
        await clock.until_somebody_naps(300)
        clock.advance(300)
        await until_over(engine, task_id)
        assert await payloads(engine, PermissionExpired) == [PermissionExpired(request_id=asked.id)]
        assert engine.journal.state.permissions[asked.id].status == "expired"
        assert await said(engine) == ["x: id-reject_once"]
        (call,) = await payloads(engine, ToolCallCompleted)
        assert call.outcome == "denied"


async def test_an_answer_in_time_is_not_overtaken_by_the_deadline(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, agent=acp(permissions={"deadline": "5m"})) as engine:
        task_id = await prompted(engine, "ask x")
        (asked,) = await until_asked(engine)
        await clock.until_somebody_naps(300)
        await engine.commands.answer_permission(asked.id)
        clock.advance(300)
        await until_over(engine, task_id)
        assert await payloads(engine, PermissionExpired) == []
        assert await said(engine) == ["x: id-allow_once"]


async def test_a_cancel_answers_what_is_open_before_the_turn_is_cancelled(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-and-wait x")
        (asked,) = await until_asked(engine)
        await engine.commands.cancel_task(task_id)
        await until_over(engine, task_id)
        assert (project / "heard").read_text().splitlines() == ["answer cancelled", "session/cancel"]
        (denied,) = await payloads(engine, PermissionDenied)
        assert (denied.request_id, denied.by, denied.reason) == (asked.id, "supervisor", "cancelled")
        assert engine.journal.state.tasks[task_id].status == "cancelled"


async def test_an_agent_that_dies_leaves_no_question_open(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask x")
        await until_asked(engine)
        agent = engine.journal.state.agents["agent-1"]
        await until(engine, lambda state: state.agents["agent-1"].status == "waiting-permission")
        await engine.commands.kill_agent(agent.id)
        await until_over(engine, task_id)
        assert [one.status for one in engine.journal.state.permissions.values()] == ["denied"]


async def test_a_pause_outlasts_the_answer(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask x")
        (asked,) = await until_asked(engine)
        await until(engine, lambda state: state.agents["agent-1"].status == "waiting-permission")
        await engine.commands.pause("agent-1")
        await engine.commands.answer_permission(asked.id)
        state = await until(engine, lambda state: state.agents["agent-1"].before_pause == "busy")
        assert state.agents["agent-1"].status == "paused"
        await engine.commands.resume("agent-1")
        await until_over(engine, task_id)
        assert "agent:paused" in await kinds(engine)


async def test_quitting_denies_what_is_open_and_requeues(project: Path) -> None:
    async with opened(project, agent=acp()) as engine:
        task_id = await prompted(engine, "ask-and-wait x")
        await until_asked(engine)
        async with asyncio.timeout(PATIENCE_S):
            await engine.commands.close_session()
        assert engine.journal.state.tasks[task_id].status == "queued"
        assert [one.status for one in engine.journal.state.permissions.values()] == ["denied"]
