"""Output of every kind: what is kept, what is counted, and that nobody is harmed by it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
from fakes.stage import history, opened, payloads, printed, until_over
from fakes.traces import left_of

from core.agents.output import BUDGET_BYTES
from core.events import AgentOutput, TaskCompleted
from core.events.registry import MAX_PAYLOAD_BYTES

MIB = 1024 * 1024


async def output_of(project: Path, command: str, channel: str = "stdout") -> list[str]:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=command)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", state.tasks[task_id].error
        return await printed(engine, task_id, channel)


async def test_a_hundred_megabytes_in_one_line_are_cut_and_counted(project: Path) -> None:
    process = psutil.Process()
    async with opened(project) as engine:
        await until_over(engine, await engine.commands.enqueue(command="true"))
        before = process.memory_info().rss
        task_id = await engine.commands.enqueue(command="head -c 100000000 /dev/zero | tr '\\0' x; echo; echo done")
        state = await until_over(engine, task_id)
        lines = await printed(engine, task_id)
        stats = await engine.journal.log.stats()
    assert state.tasks[task_id].status == "completed"
    assert len(lines) == 2
    assert lines[0].endswith("…[truncated 99,934,464 bytes]")
    assert lines[1] == "done"
    assert process.memory_info().rss - before < 150 * MIB
    assert stats.size_bytes < MIB


async def test_a_flood_is_stored_up_to_its_budget_and_then_counted_and_its_end_is_kept(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="seq 1 3000000; echo the very end")
        state = await until_over(engine, task_id)
        outputs = await payloads(engine, AgentOutput)
        lines = [line for output in outputs for line in output.lines]
        (completed,) = await payloads(engine, TaskCompleted)
        stats = await engine.journal.log.stats()
        events = await history(engine, types=[AgentOutput.type])
    assert state.tasks[task_id].status == "completed"
    assert completed.result == lines[-1] == "the very end"
    kept = lines[:-200]
    assert kept == [str(number) for number in range(1, len(kept) + 1)], "without a gap up to the budget"
    assert lines[-200:-1] == [str(number) for number in range(3_000_001 - 199, 3_000_001)]
    assert sum(output.dropped_lines for output in outputs) + len(lines) == 3_000_001
    assert sum(len(line) + 1 for line in kept) <= BUDGET_BYTES
    assert stats.size_bytes < 3 * BUDGET_BYTES
    assert len(events) < 100


async def test_a_hundred_thousand_short_lines_are_all_kept(project: Path) -> None:
    assert await output_of(project, "seq 1 100000") == [str(number) for number in range(1, 100_001)]


async def test_bytes_that_are_no_text_become_replacement_characters(project: Path) -> None:
    lines = await output_of(project, r"printf 'a\377b\303(\n\303\251\n'")
    assert lines == ["a\ufffdb\ufffd(", "é"]


async def test_control_characters_and_nul_are_kept_as_they_are(project: Path) -> None:
    lines = await output_of(project, r"printf '\033[31mred\033[0m\001\177\n\000x\000\n\r\n'")
    assert lines == ["\x1b[31mred\x1b[0m\x01\x7f", "\x00x\x00", ""]


async def test_a_line_of_control_characters_that_swells_in_json_is_cut_to_fit(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="head -c 60000 /dev/zero | tr '\\0' '\\001'; echo; echo next")
        await until_over(engine, task_id)
        outputs = await payloads(engine, AgentOutput)
        assert [output.truncated for output in outputs if output.lines[0].startswith("\x01")] == [True]
        assert (await printed(engine, task_id))[-1] == "next"


async def test_random_bytes_harm_nobody(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="head -c 3000000 /dev/urandom")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        raw = await engine.journal.log.reader.run(
            lambda connection: connection.execute("SELECT max(length(CAST(payload AS BLOB))) FROM events").fetchone()
        )
        assert raw[0] <= MAX_PAYLOAD_BYTES


async def test_output_that_ends_without_a_newline_is_kept(project: Path) -> None:
    assert await output_of(project, "echo whole; printf half") == ["whole", "half"]


async def test_no_output_is_no_event(project: Path) -> None:
    assert await output_of(project, "true") == []


async def test_the_two_channels_are_kept_apart_and_each_in_order(project: Path) -> None:
    command = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=command)
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == ["out 1", "out 2", "out 3"]
        assert await printed(engine, task_id, "stderr") == ["err 1", "err 2", "err 3"]


async def test_a_process_that_closes_its_output_and_goes_on_is_waited_for(project: Path) -> None:
    assert await output_of(project, "echo before; exec >&- 2>&-; touch after; test -e after") == ["before"]
    assert (project / "after").exists()


async def test_a_grandchild_that_holds_the_output_holds_nobody_up(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="echo mine; (trap '' INT TERM; exec sleep 1000) & exit 0")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        assert await printed(engine, task_id) == ["mine"]
        assert await left_of(engine.journal.log.log_id) == []


async def test_a_progress_bar_is_kept_as_what_it_showed_last(project: Path) -> None:
    lines = await output_of(project, r"for i in 1 2 3; do printf '\r%s %%' $i; done; echo; echo done")
    assert lines == ["3 %", "done"]


async def test_several_floods_at_once_are_kept_apart(project: Path) -> None:
    async with opened(project) as engine:
        tasks = {
            await engine.commands.enqueue(command=("sh", "-c", f"yes {word} | head -n 5000")): word
            for word in ("one", "two", "three", "four")
        }
        await until_over(engine, *tasks)
        for task_id, word in tasks.items():
            assert await printed(engine, task_id) == [word] * 5000


async def test_a_python_program_that_prints_unflushed_to_its_end_loses_nothing(project: Path) -> None:
    script = "for n in range(30000): print('line', n)"
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=(sys.executable, "-c", script))
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == [f"line {number}" for number in range(30_000)]
