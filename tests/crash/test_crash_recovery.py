"""What a crash left behind is settled by the rules, and only what is ours is ended."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.stage import history, kinds, opened, payloads, until_over
from msgspec.structs import replace

from core.engine import Desk
from core.events import (
    AgentSpawned,
    AgentStarted,
    AgentStatusChanged,
    AgentTaskAssigned,
    Append,
    ExecutionStarted,
    Payload,
    PermissionRequested,
    SessionClosed,
    SessionRecovered,
    SessionStarted,
    TaskCancelRequested,
    TaskClaimed,
    TaskCreated,
    TaskFailed,
    TaskLost,
    TaskQueued,
    TaskRequeued,
    TaskStarted,
)
from core.log import EventLog
from core.processes.identity import Identity, identify
from core.project import Project

CLAIM = TaskClaimed(agent_id="a-1")
BEGUN = ExecutionStarted(task_id="T-1", agent_id="a-1")
STARTED = TaskStarted(agent_id="a-1", execution_id="T-1.1")
PLAIN = TaskCreated(title="plain")
IDEMPOTENT = TaskCreated(title="again", idempotent=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    Project(path).prepare()
    return path


async def crashed(project: Path, *appends: tuple[str, *tuple[Payload, ...]]) -> str:
    """A log whose session ended without a word; its id."""
    async with EventLog.open(Project(project).log) as log:
        begin = ("session/S-1", SessionStarted(session_id="S-1"))
        await log.append_many([Append(stream, list(events)) for stream, *events in (begin, *appends)])
        return log.log_id


def flight(created: TaskCreated, *more: Payload, begun: bool = True) -> list[tuple[str, *tuple[Payload, ...]]]:
    agent = (
        "agent/a-1",
        AgentSpawned(name="a-1"),
        AgentTaskAssigned(task_id="T-1"),
        AgentStatusChanged(current="busy"),
    )
    appends = [agent, ("task/T-1", created, TaskQueued(), CLAIM)]
    if begun:
        appends.append(("execution/T-1.1", BEGUN))
    return [*appends, ("task/T-1", *more)] if more else appends


@pytest.mark.parametrize(
    ("appends", "status", "last"),
    [
        (flight(PLAIN, begun=False), "queued", ["task:requeued"]),
        (flight(PLAIN), "lost", ["task:lost"]),
        (flight(PLAIN, STARTED), "lost", ["task:lost"]),
        (flight(IDEMPOTENT, STARTED), "queued", ["task:lost", "task:requeued"]),
        (flight(PLAIN, STARTED, TaskCancelRequested()), "cancelled", ["task:cancelled"]),
        (flight(IDEMPOTENT, STARTED, TaskCancelRequested(force=True)), "cancelled", ["task:cancelled"]),
        (flight(PLAIN, TaskCancelRequested(), begun=False), "cancelled", ["task:cancelled"]),
        ([("task/T-1", PLAIN, TaskQueued())], "queued", ["task:queued"]),
        ([("task/T-1", PLAIN, TaskQueued(), CLAIM, TaskFailed(error="no"))], "failed", ["task:failed"]),
    ],
    ids=["claimed", "begun", "running", "idempotent", "cancelled", "cancelled by force", "cancelled when claimed",
         "queued", "failed"],
)  # fmt: skip
async def test_each_task_is_settled_by_its_rule(project: Path, appends: list, status: str, last: list[str]) -> None:
    await crashed(project, *appends)
    async with Desk.open(project) as desk:
        assert desk.recovered is not None
        task = desk.queries.state.tasks["T-1"]
        assert task.status == status
        moves = await kinds(desk.journal.log, "task/T-1")
        assert moves[-len(last) :] == last
        (summary,) = await payloads(desk.journal.log, SessionRecovered)
        assert summary.lost == ("task:lost" in last)
        assert summary.requeued == ("task:requeued" in last)
        assert {agent.status for agent in desk.queries.state.agents.values()} <= {"terminated"}
        assert {execution.status for execution in desk.queries.state.executions.values()} <= {"failed"}


async def test_what_recovery_did_follows_from_what_it_found(project: Path) -> None:
    await crashed(project, *flight(IDEMPOTENT, STARTED))
    async with Desk.open(project) as desk:
        (lost,) = await history(desk.journal.log, types=[TaskLost.type])
        chain = await desk.queries.causes(lost.position)
        assert [event.type for event in chain][1] == "task:started"


async def test_the_session_that_crashed_is_called_lost_and_only_once(project: Path) -> None:
    await crashed(project, *flight(PLAIN, STARTED))
    async with Desk.open(project) as desk:
        assert desk.queries.state.sessions["S-1"].status == "lost"
    async with Desk.open(project) as desk:
        assert desk.recovered is None
        assert len(await payloads(desk.journal.log, SessionClosed)) == 1


async def test_a_session_that_was_closed_is_left_alone(project: Path) -> None:
    await crashed(project, ("task/T-1", PLAIN, TaskQueued()), ("session/S-1", SessionClosed()))
    async with Desk.open(project) as desk:
        assert desk.recovered is None
        assert desk.queries.state.position == 4


async def test_a_question_nobody_will_answer_any_more_expires(project: Path) -> None:
    asked = ("execution/T-1.1", PermissionRequested(request_id="P-1"))
    await crashed(project, *flight(PLAIN, STARTED), asked)
    async with Desk.open(project) as desk:
        assert desk.queries.state.permissions["P-1"].status == "expired"


async def test_an_idempotent_task_is_requeued_after_three_crashes_and_reviewed_after_the_fourth(project: Path) -> None:
    await crashed(project, ("task/T-1", IDEMPOTENT, TaskQueued()))
    for crash in range(1, 5):
        async with Desk.open(project) as desk:
            claim = TaskClaimed(agent_id=f"a-{crash}", attempt=crash, fence=crash)
            await desk.journal.record(
                [
                    Append(f"session/S-{crash + 1}", [SessionStarted(session_id=f"S-{crash + 1}")]),
                    Append("task/T-1", [claim]),
                    Append(f"execution/T-1.{crash}", [ExecutionStarted(task_id="T-1")]),
                ],
                actor="test",
            )
    async with Desk.open(project) as desk:
        assert desk.queries.state.tasks["T-1"].status == "lost"
        assert len(await payloads(desk.journal.log, TaskRequeued)) == 3
        assert len(await payloads(desk.journal.log, TaskLost)) == 4


async def test_a_failure_nobody_followed_up_is_followed_up_by_the_next_session(project: Path) -> None:
    tried_once = TaskCreated(title="x", command="true", max_attempts=2)
    await crashed(project, ("task/T-1", tried_once, TaskQueued(), CLAIM, TaskFailed(error="no")))
    async with opened(project) as engine:
        state = await until_over(engine, "T-1")
        assert state.task_outcome("T-1") == "completed"
        moves = await kinds(engine, "task/T-1")
    assert moves[moves.index("task:failed") + 1] == "task:retry-scheduled"


async def test_what_waited_when_it_crashed_goes_on(project: Path) -> None:
    first, second = (
        TaskCreated(title=name, command="true", depends_on=needs) for name, needs in (("a", ()), ("b", ("T-1",)))
    )
    await crashed(project, ("task/T-1", first, TaskQueued()), ("task/T-2", second))
    async with opened(project) as engine:
        assert (await until_over(engine, "T-2")).task_outcome("T-2") == "completed"


# -- processes ----------------------------------------------------------------------------------------------------


@contextmanager
def sleeping(marker: str = "") -> Iterator[subprocess.Popen[bytes]]:
    env = {"PATH": "/usr/bin:/bin"} | ({"CW_RUN_ID": marker} if marker else {})
    with subprocess.Popen(
        ["cat"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"up\n")
        assert process.stdout.readline() == b"up\n", "before it answers, its environment may not be there yet"
        try:
            yield process
        finally:
            process.kill()


def agent_of(process: Identity) -> tuple[str, *tuple[Payload, ...]]:
    started = AgentStarted(pid=process.pid, pid_started_at=process.pid_started_at, boot_id=process.boot_id)
    return ("agent/a-1", AgentSpawned(name="a-1"), started)


async def known(process: subprocess.Popen[bytes]) -> Identity:
    found = await asyncio.to_thread(identify, process.pid)
    assert found is not None
    return found


async def test_a_leftover_is_found_by_its_marker_and_ended(project: Path) -> None:
    log_id = await crashed(project)
    with sleeping(f"{log_id}/a-1/T-1.1") as leftover:
        async with Desk.open(project) as desk:
            leftover.wait()
            assert desk.recovered is not None
            assert (desk.recovered.orphans, desk.recovered.remaining) == (1, ())


async def test_a_leftover_without_a_marker_is_found_by_its_recorded_identity(project: Path) -> None:
    with sleeping() as leftover:
        await crashed(project, agent_of(await known(leftover)))
        async with Desk.open(project) as desk:
            leftover.wait()
            assert desk.recovered is not None
            assert desk.recovered.orphans == 1


@pytest.mark.parametrize("difference", [{"pid_started_at": 1}, {"boot_id": "another boot"}, {"boot_id": ""}])
async def test_a_stranger_that_has_a_recorded_pid_is_left_alone(project: Path, difference: dict[str, object]) -> None:
    with sleeping() as stranger:
        await crashed(project, agent_of(replace(await known(stranger), **difference)))
        async with Desk.open(project) as desk:
            assert stranger.poll() is None
            assert desk.recovered is not None
            assert desk.recovered.orphans == 0


async def test_another_projects_agents_are_never_touched(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    await asyncio.to_thread(Project(other).prepare)
    mine, theirs = await crashed(project), await crashed(other)
    with sleeping(f"{theirs}/a-1/T-1.1") as stranger, sleeping(f"{mine}0/a-1/T-1.1") as alike:
        async with Desk.open(project):
            assert stranger.poll() is None
            assert alike.poll() is None


async def test_without_a_crash_nothing_is_looked_for(project: Path) -> None:
    log_id = await crashed(project, ("session/S-1", SessionClosed()))
    with sleeping(f"{log_id}/a-1/T-1.1") as process:
        async with Desk.open(project) as desk:
            assert desk.recovered is None
            assert process.poll() is None
