"""A task's way: enqueued, claimed, run, over; and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.stage import history, kinds, opened, payloads, printed, until_over, until_status

from core.config import Profile
from core.events import AgentStarted, ExecutionCompleted, TaskCompleted, TaskFailed
from core.projections import Task


async def test_a_task_is_enqueued_claimed_run_and_completed_each_step_an_event(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue("greet", command="echo hello")
        state = await until_over(engine, task_id)
        steps = [event.type for event in await history(engine) if event.type != "agent:output"]
    assert state.tasks[task_id].status == "completed"
    begin = steps.index("task:created")
    assert steps[begin:][:13] == [
        "task:created", "task:queued",
        "agent:spawned", "agent:task-assigned", "agent:status-changed", "task:claimed",
        "execution:started",
        "agent:started", "task:started",
        "execution:completed", "task:completed", "agent:stopped", "agent:task-completed",
    ]  # fmt: skip


async def test_output_is_recorded_in_the_order_it_was_printed(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="for i in 1 2 3 4 5; do echo line $i; done")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == [f"line {number}" for number in range(1, 6)]


async def test_all_output_is_in_the_log_before_the_task_is_completed(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=("seq", "1", "20000"))
        await until_over(engine, task_id)
        lines = await printed(engine, task_id)
        whole = [event.type for event in await history(engine)]
    assert lines == [str(number) for number in range(1, 20001)]
    assert whole.index("task:completed") > len(whole) - 1 - whole[::-1].index("agent:output")


async def test_the_result_is_the_last_line_printed(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="echo first; echo; echo last; echo; echo oops >&2")
        await until_over(engine, task_id)
        (completed,) = await payloads(engine, TaskCompleted, f"task/{task_id}")
        (ended,) = await payloads(engine, ExecutionCompleted)
    assert completed.result == ended.output == "last"


async def test_a_failure_says_the_exit_code_and_the_last_words(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="echo fine; echo no such luck >&2; exit 7")
        state = await until_over(engine, task_id)
        (failed,) = await payloads(engine, TaskFailed, f"task/{task_id}")
    assert failed.error == "exit code 7: no such luck"
    assert state.tasks[task_id].error == failed.error


async def test_a_task_killed_by_a_stranger_failed_and_says_by_what(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="kill -9 $$")
        await until_over(engine, task_id)
        (failed,) = await payloads(engine, TaskFailed, f"task/{task_id}")
    assert failed.error == "ended by SIGKILL"


async def test_why_leads_from_the_end_of_a_task_back_to_the_users_request(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="true")
        await until_over(engine, task_id)
        (end,) = await history(engine, f"task/{task_id}", types=["task:completed"])
        chain = await engine.queries.causes(end.position)
    assert [event.type for event in chain] == [
        "task:completed", "task:started", "execution:started", "task:claimed", "task:queued", "task:created",
    ]  # fmt: skip
    assert chain[-1].actor == "user"
    assert chain[-1].causation_id is None


async def why(engine: object, task_id: str) -> list[str]:
    (end,) = await history(engine, f"task/{task_id}", types=["task:completed"])
    return [f"{event.type} {event.aggregate_id}" for event in await engine.queries.causes(end.position)]


async def test_why_leads_through_a_retry_and_through_what_was_waited_for(project: Path) -> None:
    async with opened(project) as engine:
        first = await engine.commands.enqueue(command="test -e again || { touch again; exit 1; }", max_attempts=2)
        second = await engine.commands.enqueue(command="true", depends_on=[first])
        await until_over(engine, second)
        chain = await why(engine, second)
    assert f"task:completed {first}" in chain
    assert f"task:retry-scheduled {first}" in chain
    assert f"task:failed {first}" in chain
    assert chain[-1] == f"task:created {first}"


async def test_why_is_not_broken_by_what_the_user_did_to_the_waiting_task(project: Path) -> None:
    async with opened(project) as engine:
        await engine.commands.pause_session()
        task_id = await engine.commands.enqueue(command="true")
        await engine.commands.set_priority(task_id, 7)
        await engine.commands.pause(task_id)
        await engine.commands.resume(task_id)
        await engine.commands.resume_session()
        await until_over(engine, task_id)
        chain = await why(engine, task_id)
    assert chain[-1] == f"task:created {task_id}"


async def test_an_agent_is_reused_for_the_next_task(project: Path) -> None:
    async with opened(project) as engine:
        for _ in range(3):
            await until_over(engine, await engine.commands.enqueue(command="true"))
        state = engine.journal.state
        assert len(state.agents) == 1
        assert next(iter(state.agents.values())).completed == 3
        assert len({started.pid for started in await payloads(engine, AgentStarted)}) == 3


async def test_a_profile_whose_agents_are_all_taken_says_so(project: Path) -> None:
    async with opened(project, solo=Profile(max=1)) as engine:
        busy = await engine.commands.enqueue(command="exec sleep 1000", profile="solo")
        waiting = await engine.commands.enqueue(command="true", profile="solo")
        state = await until_status(engine, "running", busy)
        task: Task = state.tasks[waiting]
        assert engine.queries.why_waiting(state, task) == "all 1 agents of profile solo are taken"


@pytest.mark.parametrize("command", ["true", ("true",)])
async def test_a_task_may_be_a_shell_line_or_a_program(project: Path, command: str | tuple[str, ...]) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=command)
        assert (await until_over(engine, task_id)).tasks[task_id].status == "completed"
        assert "task:completed" in await kinds(engine, f"task/{task_id}")
