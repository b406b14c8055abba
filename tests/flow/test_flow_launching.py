"""How a task's process is started: its prompt, its environment, its directory, and why it could not be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fakes.stage import opened, payloads, printed, until_over

from core.agents.command import CommandAdapter
from core.agents.decoding import Outcome
from core.agents.recording import Recording
from core.config import Config, Profile
from core.errors import PlanError
from core.events import TaskFailed
from core.processes import Run

EVIL = '\'; touch pwned; echo "$(touch pwned)" `touch pwned` $HOME && touch pwned #\nsecond line ✓'
SAY_ARGUMENT = ("/bin/sh", "-c", 'printf "%s|" "$1"', "sh", "{prompt}")


async def answer(project: Path, profile: Profile, prompt: str, **settings: object) -> list[str]:
    async with opened(project, talker=profile, **settings) as engine:
        task_id = await engine.commands.enqueue(prompt=prompt, profile="talker")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", state.tasks[task_id].error
        return await printed(engine, task_id)


async def failure(project: Path, *, workspace: str = "", command: object = "true", **profile: object) -> TaskFailed:
    async with opened(project, doomed=Profile.model_validate(profile)) as engine:
        task_id = await engine.commands.enqueue(command=command, workspace=workspace, profile="doomed", max_attempts=5)
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "dead-lettered"
        (failed,) = await payloads(engine, TaskFailed)
        assert not failed.retryable
        other = await engine.commands.enqueue(command="true")
        assert (await until_over(engine, other)).task_outcome(other) == "completed", "nobody else is harmed"
        return failed


@pytest.mark.parametrize(
    "command",
    [SAY_ARGUMENT, 'printf "%s|" "$CW_PROMPT"', 'printf "%s|" "$(cat)"'],
    ids=["argument", "variable", "standard input"],
)
async def test_a_prompt_arrives_whole_and_runs_no_command(project: Path, command: object) -> None:
    lines = await answer(project, Profile(command=command), EVIL)
    assert "\n".join(lines) == EVIL + "|"
    assert not (project / "pwned").exists()


async def test_a_prompt_is_not_pasted_into_a_shell_line(project: Path) -> None:
    lines = await answer(project, Profile(command="echo '{prompt}'; cat"), "from standard input")
    assert lines == ["{prompt}", "from standard input"]


def test_a_profile_that_would_paste_its_prompt_into_a_shell_line_is_refused() -> None:
    for shell in ("sh", "/bin/bash", "zsh"):
        with pytest.raises(ValueError, match=r"\$CW_PROMPT"):
            Config(profiles={"open": Profile(command=(shell, "-c", "agent {prompt}"))})
    Profile(command=("sh", "-c", 'agent "$1"', "sh", "{prompt}"))
    Profile(command=("agent", "-c", "{prompt}"))


async def test_a_program_that_reads_no_prompt_and_ends_is_completed(project: Path) -> None:
    assert await answer(project, Profile(command="echo deaf"), "x" * 200_000) == ["deaf"]


async def test_a_prompt_too_long_for_a_variable_still_arrives_on_standard_input(project: Path) -> None:
    assert await answer(project, Profile(command=("wc", "-c")), "y" * 200_000) == ["200000"]


async def test_a_prompt_with_a_character_no_variable_can_hold_still_arrives_on_standard_input(project: Path) -> None:
    assert await answer(project, Profile(command=("wc", "-c")), "nul\0nul") == ["7"]


async def test_without_a_prompt_standard_input_is_at_its_end(project: Path) -> None:
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command="cat; echo end")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == ["end"]


async def test_a_tasks_own_command_comes_before_its_profiles(project: Path) -> None:
    async with opened(project, talker=Profile(command="echo profile")) as engine:
        task_id = await engine.commands.enqueue(command="echo own", profile="talker")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == ["own"]


async def test_a_prompt_for_a_profile_without_a_command_is_refused_before_anything_is_stored(project: Path) -> None:
    async with opened(project) as engine:
        with pytest.raises(PlanError, match="has no command to give a prompt to"):
            await engine.commands.enqueue(prompt="hello")
        assert not engine.journal.state.tasks


async def test_only_named_variables_of_our_environment_reach_an_agent(project: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MINE": "yes", "PASSED": "handed on", "PYTHONPATH": "x"}
    async with opened(
        project,
        environment=environment | {"PLAIN": "no secret"},
        dressed=Profile(env={"SET": "by profile"}, pass_env=("PASSED", "ABSENT"), plain_env=("PLAIN", "ABSENT")),
    ) as engine:
        task_id = await engine.commands.enqueue(command=("/usr/bin/env",), profile="dressed")
        state = await until_over(engine, task_id)
        agent_id = next(iter(state.agents))
        lines = await printed(engine, task_id)
        log_id = engine.journal.log.log_id
    assert dict(line.split("=", 1) for line in lines) == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "SET": "[REDACTED:SET]",
        "PASSED": "[REDACTED:PASSED]",
        "PLAIN": "no secret",
        "CW_TASK_ID": task_id,
        "CW_EXECUTION_ID": f"{task_id}.1",
        "CW_AGENT_ID": agent_id,
        "CW_PROJECT": str(project),
        "CW_RUN_ID": f"{log_id}/{agent_id}/{task_id}.1",
    }


async def test_a_task_works_in_the_project_or_in_a_directory_of_it(project: Path) -> None:
    (project / "inner").mkdir()
    async with opened(project, deep=Profile(workspace="inner")) as engine:
        tasks = [
            await engine.commands.enqueue(command="pwd"),
            await engine.commands.enqueue(command="pwd", workspace="inner"),
            await engine.commands.enqueue(command="pwd", profile="deep"),
        ]
        await until_over(engine, *tasks)
        assert [await printed(engine, task_id) for task_id in tasks] == [
            [str(project)], [str(project / "inner")], [str(project / "inner")],
        ]  # fmt: skip


async def test_a_project_that_is_reached_through_a_link_works(project: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    async with opened(link) as engine:
        task_id = await engine.commands.enqueue(command="true")
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed", state.tasks[task_id].error


@pytest.mark.parametrize("workspace", ["..", "/etc", "inner/../..", "exit", "exit/deeper"])
async def test_a_workspace_outside_the_project_is_refused(project: Path, workspace: str) -> None:
    (project / "inner").mkdir()
    (project / "exit").symlink_to("/tmp")
    failed = await failure(project, workspace=workspace)
    assert failed.error == f"workspace {workspace!r} is outside the project"


async def test_a_workspace_that_is_a_sibling_with_the_same_beginning_is_outside(project: Path, tmp_path: Path) -> None:
    (tmp_path / "project-two").mkdir()
    failed = await failure(project, workspace="../project-two")
    assert "is outside the project" in failed.error


@pytest.mark.parametrize(
    ("workspace", "reason"),
    [
        ("missing", "does not exist"),
        ("file", "is not a directory"),
        ("loop", "cannot be used"),
        ("nul\0nul", "cannot be used"),
        ("x" * 300, "File name too long"),
    ],
    ids=["missing", "no directory", "loop", "NUL", "too long"],
)
async def test_a_workspace_that_cannot_be_entered_fails_the_task_with_the_reason(
    project: Path, workspace: str, reason: str
) -> None:
    (project / "file").touch()
    (project / "loop").symlink_to("loop")
    failed = await failure(project, workspace=workspace)
    assert reason in failed.error


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("no-such-program-anywhere",), "there is no such program in PATH"),
        (("./missing",), "there is no such file"),
        (("./plain",), "it is not executable"),
        (("./lost",), "the interpreter its first line names does not exist"),
        (("",), "no program was named"),
        (("echo", "a\0b"), "contains a NUL character"),
        (("echo", "x" * 200_000), "larger than this system allows"),
        (("/" + "\x01" * 30_000,), "cannot start"),
    ],
    ids=["program", "file", "mode", "interpreter", "nothing", "NUL", "size", "name"],
)
async def test_a_program_that_cannot_be_started_fails_the_task_with_the_reason(
    project: Path, command: tuple[str, ...], reason: str
) -> None:
    (project / "plain").write_text("no program")
    (project / "lost").write_text("#!/no/such/interpreter\n")
    (project / "lost").chmod(0o755)
    failed = await failure(project, command=command)
    assert reason in failed.error


async def test_what_a_task_starts_dies_with_it_and_its_output_is_kept(project: Path) -> None:
    script = "import os; print('parent', flush=True); os.fork() or os.execlp('sleep', 'sleep', '1000')"
    async with opened(project) as engine:
        task_id = await engine.commands.enqueue(command=(sys.executable, "-c", script))
        state = await until_over(engine, task_id)
        assert state.tasks[task_id].status == "completed"
        assert await printed(engine, task_id) == ["parent"]


async def test_a_mistake_of_ours_costs_one_attempt_and_not_the_fleet(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = CommandAdapter.talk

    async def fall(self: CommandAdapter, run: Run, recording: Recording) -> Outcome | None:
        monkeypatch.setattr(CommandAdapter, "talk", talk)
        raise ZeroDivisionError("the secret is s3cret")

    monkeypatch.setattr(CommandAdapter, "talk", fall)
    failed = await failure(project, command="sleep 600")
    assert "a mistake of ours, ZeroDivisionError" in failed.error
    assert "s3cret" not in failed.error
    kept = project / ".codewalkers" / "run" / "crash.txt"
    assert str(kept) in failed.error
    assert "s3cret" in kept.read_text()
