"""Services: agents that run their profile's command, and are started again as their policy says."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from fakes.stage import (
    Gate,
    SteppedClock,
    history,
    kinds,
    opened,
    payloads,
    until,
    until_over,
    until_printed,
)
from fakes.traces import left_of

from core.config import Profile, Restart
from core.engine import Engine
from core.events import AgentFailed, AgentRestarting, AgentStarted, AgentStopped, AgentTerminated
from core.projections import Agent

SLOW = Restart(when="on-failure", backoff="10s", max_backoff="10s", max_restarts=3, window="10m")
FOREVER = "echo ready; exec sleep 1000"


def service(command: str, **restart: object) -> Profile:
    return Profile(command=command, restart=Restart.model_validate(restart))


async def until_agent(engine: Engine, agent_id: str, status: str) -> Agent:
    state = await until(engine, lambda state: state.agents[agent_id].status == status)
    return state.agents[agent_id]


async def starts(engine: Engine) -> int:
    return len(await payloads(engine, AgentStarted))


async def test_a_service_runs_its_profiles_command_and_takes_no_task(project: Path) -> None:
    async with opened(project, watcher=Profile(command=FOREVER, max=1)) as engine:
        agent_id = await engine.commands.spawn("watcher")
        agent = await until_agent(engine, agent_id, "busy")
        assert agent.service
        assert agent.pid
        waiting = await engine.commands.enqueue(command="true", profile="watcher")
        await until_over(engine, await engine.commands.enqueue(command="true"))
        assert engine.journal.state.tasks[waiting].status == "queued"


async def test_what_a_service_prints_is_recorded_and_leads_back_to_who_spawned_it(project: Path) -> None:
    async with opened(project, watcher=service("echo watching; exec sleep 1000")) as engine:
        await engine.commands.spawn("watcher")
        output = await until_printed(engine, "watching")
        chain = await engine.queries.causes(output.position)
    assert [event.type for event in chain][-1] == "agent:spawned"
    assert chain[-1].actor == "user"


@pytest.mark.parametrize("command", ["exit 0", "exit 1"])
async def test_never_means_never(project: Path, command: str) -> None:
    async with opened(project, once=service(command, when="never")) as engine:
        agent_id = await engine.commands.spawn("once")
        agent = await until_agent(engine, agent_id, "stopped" if command == "exit 0" else "failed")
        assert await starts(engine) == 1
        assert agent.exit_code == int(command[-1])


async def test_on_failure_starts_again_what_failed_and_not_what_is_done(project: Path) -> None:
    command = "test -e again || { touch again; echo no luck; exit 5; }"
    async with opened(project, keen=service(command, when="on-failure", backoff=0, max_backoff=0)) as engine:
        agent_id = await engine.commands.spawn("keen")
        await until_agent(engine, agent_id, "stopped")
        assert await starts(engine) == 2
        (failed,) = await payloads(engine, AgentFailed)
        assert (failed.error, failed.exit_code) == ("exit code 5: no luck", 5)
        moves = [kind for kind in await kinds(engine, f"agent/{agent_id}") if kind != "agent:output"]
    assert moves == [
        "agent:spawned", "agent:started", "agent:failed", "agent:restarting", "agent:started", "agent:stopped",
    ]  # fmt: skip


async def test_always_starts_again_what_is_done_until_the_window_is_exceeded(project: Path) -> None:
    profile = service("true", when="always", backoff=0, max_backoff=0, max_restarts=3, window="10m")
    async with opened(project, restless=profile) as engine:
        agent_id = await engine.commands.spawn("restless")
        agent = await until_agent(engine, agent_id, "failed")
        assert agent.error == "gave up: 3 restarts in 10 minutes"
        assert agent.restarts == 3
        assert await starts(engine) == 4


async def test_the_delay_before_a_restart_is_visible_and_is_waited_out(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, crashing=Profile(command="exit 1", restart=SLOW)) as engine:
        agent_id = await engine.commands.spawn("crashing")
        agent = await until_agent(engine, agent_id, "restarting")
        (restarting,) = await payloads(engine, AgentRestarting)
        assert agent.health == "failing"
        assert 5_000 <= restarting.delay_ms <= 10_000, "never at once: a crash loop must be visible as one"
        assert restarting.reason == "exit code 1"
        await clock.until_somebody_naps(5, 10)
        clock.advance(restarting.delay_ms / 1000 - 0.001)
        assert await starts(engine) == 1
        clock.advance(0.002)
        await until(engine, lambda state: state.agents[agent_id].restarts == 2)
        assert await starts(engine) == 2


async def test_restarts_outside_the_window_are_forgiven(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, crashing=Profile(command="exit 1", restart=SLOW)) as engine:
        agent_id = await engine.commands.spawn("crashing")
        for restart in range(1, 7):
            await until(engine, lambda state, n=restart: state.agents[agent_id].restarts == n)
            await clock.until_somebody_naps(5, 10)
            clock.advance(300)
        agent = await until(engine, lambda state: state.agents[agent_id].restarts == 7)
        assert agent.agents[agent_id].status == "restarting"


async def test_a_service_whose_program_is_missing_fails_with_the_reason(project: Path) -> None:
    async with opened(project, gone=Profile(command=("no-such-program-anywhere",))) as engine:
        agent_id = await engine.commands.spawn("gone")
        agent = await until_agent(engine, agent_id, "failed")
        assert "there is no such program in PATH" in agent.error


@pytest.mark.parametrize("force", [False, True])
async def test_a_stopped_service_ends_for_good_whatever_its_policy(project: Path, force: bool) -> None:
    async with opened(project, watcher=service(FOREVER, when="always", backoff=0)) as engine:
        agent_id = await engine.commands.spawn("watcher")
        await until_printed(engine, "ready")
        await (engine.commands.kill_agent if force else engine.commands.stop_agent)(agent_id)
        assert engine.journal.state.agents[agent_id].status == "stopping"
        await until_agent(engine, agent_id, "terminated")
        (stopped,) = await payloads(engine, AgentStopped)
        assert stopped.signal == ("SIGKILL" if force else "SIGINT")
        assert await left_of(engine.journal.log.log_id) == []
        assert await starts(engine) == 1


async def test_a_service_is_stopped_while_it_waits_for_its_restart(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, crashing=Profile(command="exit 1", restart=SLOW)) as engine:
        agent_id = await engine.commands.spawn("crashing")
        await until_agent(engine, agent_id, "restarting")
        await engine.commands.stop_agent(agent_id)
        await until_agent(engine, agent_id, "terminated")
        assert await starts(engine) == 1


async def test_a_service_stopped_before_its_process_exists_never_shows_life_again(project: Path) -> None:
    async with opened(project, watcher=service(FOREVER, when="always")) as engine:
        for _ in range(5):
            agent_id = await engine.commands.spawn("watcher")
            await engine.commands.kill_agent(agent_id)
            await until_agent(engine, agent_id, "terminated")
        assert await left_of(engine.journal.log.log_id) == []


async def test_a_service_that_gave_up_can_be_sent_away(project: Path) -> None:
    async with opened(project, once=service("exit 1")) as engine:
        agent_id = await engine.commands.spawn("once")
        await until_agent(engine, agent_id, "failed")
        await engine.commands.stop_agent(agent_id)
        await until_agent(engine, agent_id, "terminated")


async def test_a_service_paused_while_it_waits_for_its_restart_stays_paused(project: Path, gate: Gate) -> None:
    clock = SteppedClock()
    command = f"test -e again && {Gate.WAIT}; touch again; exit 1"
    async with opened(project, clock=clock, crashing=Profile(command=command, restart=SLOW)) as engine:
        agent_id = await engine.commands.spawn("crashing")
        await until_agent(engine, agent_id, "restarting")
        await engine.commands.pause(agent_id)
        await clock.until_somebody_naps(5, 10)
        clock.advance(10)
        state = await until(engine, lambda state: state.agents[agent_id].pid)
        assert state.agents[agent_id].status == "paused"
        await engine.commands.resume(agent_id)
        assert engine.journal.state.agents[agent_id].status == "busy"


async def test_a_profile_that_is_gone_from_the_configuration_ends_its_service_with_the_reason(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock, crashing=Profile(command="exit 1", restart=SLOW)) as engine:
        agent_id = await engine.commands.spawn("crashing")
        await until_agent(engine, agent_id, "restarting")
        del engine.config.profiles["crashing"]
        await clock.until_somebody_naps(5, 10)
        clock.advance(10)
        agent = await until_agent(engine, agent_id, "failed")
        assert "there is no profile 'crashing' in the configuration any more" in agent.error
        await until_over(engine, await engine.commands.enqueue(command="true"))


async def test_a_service_whose_shim_dies_failed_and_nothing_of_it_is_left(project: Path) -> None:
    async with opened(project, watcher=service(FOREVER)) as engine:
        agent_id = await engine.commands.spawn("watcher")
        await until_printed(engine, "ready")
        shim_pid = engine.journal.state.agents[agent_id].shim_pid
        assert shim_pid
        psutil.Process(shim_pid).kill()
        agent = await until_agent(engine, agent_id, "failed")
        assert agent.error == "its process was lost"
        assert await left_of(engine.journal.log.log_id) == []
        assert not await payloads(engine, AgentTerminated)
        assert [event.type for event in await history(engine, f"agent/{agent_id}")][-1] == "agent:failed"
