"""Commands about agents, the session and the record, decided on the state alone."""

from __future__ import annotations

import asyncio

import pytest
from fakes.clock import FakeClock

from core.commands import Commands
from core.config import Config, Profile
from core.errors import IllegalMove, NoCapacity, NotFound, PlanError
from core.events import AgentSpawned, AgentStatusChanged, AgentTerminated, Append, SessionStarted
from core.journal import Journal
from core.log import EventLog
from core.projections import State

CONFIG = Config(
    max_agents=2,
    profiles={"server": Profile(command="serve", max=1, acquire_timeout=0), "shell": Profile(acquire_timeout=0)},
)


@pytest.fixture
async def journal(log: EventLog, clock: FakeClock) -> Journal:
    journal = Journal(log, State.empty(), clock)
    journal.session_id = "S-1"
    await journal.record([Append("session/S-1", [SessionStarted(session_id="S-1")])], actor="test")
    return journal


@pytest.fixture
async def commands(journal: Journal) -> Commands:
    return Commands(journal, lambda: CONFIG)


async def kinds(journal: Journal, stream: str) -> list[str]:
    return [event.type async for event in journal.log.read(streams=[stream])]


async def test_spawning_a_profile_with_a_command_makes_a_service(commands: Commands, journal: Journal) -> None:
    server, worker = await commands.spawn("server"), await commands.spawn("shell")
    agents = journal.state.agents
    assert (agents[server].service, agents[server].status) == (True, "starting")
    assert (agents[worker].service, agents[worker].status) == (False, "idle")


async def test_spawning_keeps_to_the_limits_and_says_which(commands: Commands, journal: Journal) -> None:
    await commands.spawn("server")
    with pytest.raises(NoCapacity, match="all 1 agents of profile server are taken; none came free in 0 s"):
        await commands.spawn("server")
    await commands.spawn("shell")
    with pytest.raises(NoCapacity, match=r"all 2 agents are taken \(the limit is 2\)"):
        await commands.spawn("shell")
    await commands.scale(3)
    await commands.spawn("shell")


async def test_many_spawned_at_once_keep_to_the_limits(commands: Commands, journal: Journal) -> None:
    results = await asyncio.gather(*(commands.spawn("shell") for _ in range(9)), return_exceptions=True)
    assert sum(isinstance(result, NoCapacity) for result in results) == 7
    assert len(journal.state.agents) == 2


async def test_an_idle_agent_of_another_profile_makes_room_for_a_spawned_one(
    commands: Commands, journal: Journal
) -> None:
    first, second = await commands.spawn("shell"), await commands.spawn("shell")
    server = await commands.spawn("server")
    assert journal.state.agents[first].status == "terminated"
    assert journal.state.agents[first].reason == f"makes room for {server}"
    assert journal.state.agents[second].status == "idle"


async def test_a_stop_is_an_intent_that_shows_at_once(commands: Commands, journal: Journal) -> None:
    agent_id = await commands.spawn("shell")
    await commands.stop_agent(agent_id)
    assert (await kinds(journal, f"agent/{agent_id}"))[-2:] == ["agent:stop-requested", "agent:status-changed"]
    assert journal.state.agents[agent_id].status == "stopping"
    await commands.kill_agent(agent_id)
    with pytest.raises(IllegalMove, match="stopping and cannot be paused"):
        await commands.pause(agent_id)


async def test_nothing_can_be_asked_of_an_agent_that_is_gone_or_never_was(commands: Commands, journal: Journal) -> None:
    gone = [AgentSpawned(name="old"), AgentStatusChanged(current="idle"), AgentTerminated()]
    await journal.record([Append("agent/old", gone)], actor="test")
    for ask in (commands.stop_agent, commands.kill_agent, commands.pause, commands.resume):
        with pytest.raises(IllegalMove, match="agent old is gone"):
            await ask("old")
    for ask in (commands.stop_agent, commands.kill_agent):
        with pytest.raises(NotFound, match="there is no agent 'nobody'"):
            await ask("nobody")


async def test_pause_and_resume_are_each_others_opposite(commands: Commands, journal: Journal) -> None:
    agent_id = await commands.spawn("shell")
    await commands.pause(agent_id, reason="look")
    assert journal.state.agents[agent_id].status == "paused"
    with pytest.raises(IllegalMove):
        await commands.pause(agent_id)
    await commands.resume(agent_id)
    assert journal.state.agents[agent_id].status == "idle"
    with pytest.raises(IllegalMove, match="idle and cannot be resumed"):
        await commands.resume(agent_id)


async def test_scaling_answers_with_the_size_before(commands: Commands, journal: Journal) -> None:
    assert await commands.scale(7) == 2
    assert await commands.scale(7) == 7
    assert await commands.scale(1) == 7
    assert len(await kinds(journal, "swarm/main")) == 2
    with pytest.raises(PlanError, match="at least one agent"):
        await commands.scale(0)


async def test_a_session_is_paused_and_resumed_once(commands: Commands, journal: Journal) -> None:
    await commands.resume_session()
    await commands.pause_session(reason="lunch")
    await commands.pause_session()
    await commands.resume_session()
    assert await kinds(journal, "session/S-1") == ["session:started", "session:paused", "session:resumed"]


async def test_bookmarks_are_set_changed_and_removed(commands: Commands, journal: Journal) -> None:
    bookmark = await commands.bookmark(1, label="here")
    assert await commands.bookmark(1, label="there", bookmark_id=bookmark) == bookmark
    assert journal.state.bookmarks[bookmark].label == "there"
    await commands.remove_bookmark(bookmark)
    assert not journal.state.bookmarks
    with pytest.raises(NotFound):
        await commands.remove_bookmark(bookmark)
