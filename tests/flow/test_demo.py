"""The demo: what is made, and that its plan goes as it says it will."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from fakes.acp_stage import until_asked
from fakes.hurried_demo import hurry
from fakes.stage import payloads, until, until_over

from core.engine import Desk, Engine
from core.errors import UsageError
from core.events import AgentStopped, PermissionDenied, PermissionGranted, PlanUpdated, StepFailed
from core.plan import Plan
from core.projections import Task
from core.settings import Settings, load_config
from tui.cli.demonstrating import run_demo
from tui.demo import MEANT_TO_FAIL, demo_plan, make_demo


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_demo(tmp_path)


def call(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8")


def git(project: Path, *arguments: str) -> str:
    done = call(project, "git", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- the project --------------------------------------------------------------------------------------------------


def test_it_is_a_clean_repository_with_a_release_in_its_history(project: Path) -> None:
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "branch", "--show-current") == "main"
    assert git(project, "tag") == "v0.1.0"
    git(project, "fsck", "--strict")


def test_everything_of_the_template_is_in_it(project: Path) -> None:
    template = Path(str(files("tui.demo") / "project"))
    carried = {str(path.relative_to(template)) for path in template.rglob("*") if path.is_file()}
    assert set(git(project, "ls-files").splitlines()) == {name.removesuffix(".txt") for name in carried}
    assert not [name for name in carried if name.endswith(".py")], "our own tools would take them for ours"


def test_the_release_passes_its_tests_and_the_newest_commit_does_not(project: Path) -> None:
    assert call(project, "./py", "-m", "unittest").returncode == 1
    git(project, "checkout", "--quiet", "v0.1.0")
    assert call(project, "./py", "-m", "unittest").returncode == 0


def test_the_fix_mends_the_tests_and_is_committed(project: Path) -> None:
    hurry(project)
    assert call(project, "./py", "-m", "tools.apply", "precedence").returncode == 0
    assert call(project, "./py", "-m", "unittest").returncode == 0
    assert git(project, "log", "-1", "--format=%s") == "Fix operator precedence"
    assert git(project, "status", "--porcelain") == ""


def test_a_change_that_was_interrupted_is_finished(project: Path) -> None:
    hurry(project)
    call(project, "./py", "-m", "tools.apply", "precedence")
    git(project, "apply", "--include=calc/lexer.py", "patches/power.patch")
    assert call(project, "./py", "-m", "tools.apply", "power").returncode == 0
    assert call(project, "./py", "-m", "calc", "2^3^2").stdout == "512\n"
    assert git(project, "log", "-1", "--format=%s") == "Add a power operator"
    assert git(project, "status", "--porcelain") == ""


def test_staging_wakes_at_the_third_call_and_stays_awake(project: Path) -> None:
    hurry(project)
    assert [call(project, "./py", "-m", "tools.staging").returncode for _ in range(4)] == [1, 1, 0, 0]


def test_the_users_own_git_changes_nothing_and_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    hooks = home / "hooks"
    settings = home / ".gitconfig"
    text = f"[commit]\ngpgSign = true\n[core]\nhooksPath = {hooks}\nexcludesFile = {home}/ignore\n[user]\nname = Me\n"
    settings.write_text(text)
    (home / "ignore").write_text("*\n")
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(home / "elsewhere"))
    project = make_demo(tmp_path)
    monkeypatch.delenv("GIT_DIR")
    assert set(git(project, "log", "--format=%an").splitlines()) == {"Codewalkers demo"}
    assert settings.read_text() == text
    assert sorted(entry.name for entry in home.iterdir()) == [".gitconfig", "hooks", "ignore"]


def test_an_empty_home_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "LANG", "LC_"))]:
        monkeypatch.delenv(name)
    assert git(make_demo(tmp_path), "log", "-1", "--format=%ae") == "demo@codewalkers.invalid"
    assert not list((tmp_path / "home").iterdir())


def test_without_git_it_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs git") as caught:
        make_demo(tmp_path)
    assert caught.value.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_place_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no place to write to"):
        make_demo(tmp_path / "nowhere")


# -- the plan -----------------------------------------------------------------------------------------------------


def test_the_plan_can_run_here(project: Path) -> None:
    plan, config = demo_plan(project), load_config(project)
    plan.check_against(config)
    assert len(plan.tasks) >= 18
    assert config.max_agents == 4
    assert config.retry.backoff >= 2_000, "shorter ones are not seen"


def test_every_script_the_plan_names_exists(project: Path) -> None:
    profiles = load_config(project).profiles
    for task in demo_plan(project).tasks:
        line = task.run or " ".join(task.command or profiles[task.profile].command)
        assert line.startswith("./py -m ")
        tool = re.match(r"\./py -m (tools\.\w+)", line)
        if tool:
            assert (project / f"{tool[1].replace('.', '/')}.py").is_file(), line
        for patch in re.findall(r"tools\.apply (\w+)", line):
            assert (project / "patches" / f"{patch}.patch").is_file(), line


@pytest.mark.timeout(90)
def test_the_plan_goes_as_it_is_meant_to(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hurry(project)
    plan, crowd = demo_plan(project), {name: {"max": 8} for name in load_config(project).profiles}
    settings = Settings(project, max_agents=16, profiles=crowd)  # nobody waits for his turn
    assert asyncio.run(run_demo(project, settings, plan)) == 0
    assert "3 did not, and were meant not to" in capsys.readouterr().out
    check_states(plan, asyncio.run(tasks_by_title(project)))
    assert git(project, "tag").splitlines() == ["v0.1.0", "v0.2.0"]
    assert git(project, "status", "--porcelain") == ""
    assert call(project, "./py", "dist/calc.pyz", "1+2*3").stdout == "7\n"


async def tasks_by_title(project: Path) -> dict[str, Task]:
    async with Desk.observe(project) as desk:
        return {task.title: task for task in desk.queries.state.tasks.values()}


def check_states(plan: Plan, found: dict[str, Task]) -> None:
    tasks = {task.id: found[task.title] for task in plan.tasks}
    for task in plan.tasks:
        assert (tasks[task.id].status == "completed") == (MEANT_TO_FAIL not in task.labels), task.id
    assert tasks["staging"].attempt == 3
    assert tasks["test-parser"].attempt > 1
    assert (tasks["fuzz"].status, tasks["fuzz"].attempt) == ("dead-lettered", 2)
    assert "SIGSEGV" in tasks["fuzz"].error
    assert tasks["fuzz-report"].status == "blocked"
    assert "timed out" in tasks["prove"].error
    assert tasks["review"].attempt == 2
    assert tasks["upgrading"].cost_usd_micros > 0


@pytest.mark.parametrize("yes", [True, False])
async def test_the_page_for_those_who_upgrade_needs_a_yes(project: Path, yes: bool) -> None:
    hurry(project, {"codewalkers.toml": {'deadline = "300ms"': 'deadline = "5m"'}})
    for patch in ("precedence", "power"):
        assert call(project, "./py", "-m", "tools.apply", patch).returncode == 0
    async with Engine.open(project) as engine:
        task_id = await engine.commands.enqueue(prompt="Explain how to upgrade", profile="assistant")
        (asked,) = await until_asked(engine)
        question = await engine.queries.question(asked.id)
        assert "tools.git import commit" in str(question.input)
        await engine.commands.answer_permission(asked.id, kind="allow" if yes else "deny")
        await until_over(engine, task_id)
        decisions = [granted.by for granted in await payloads(engine, PermissionGranted)]
        assert decisions == ["policy", "user"] if yes else ["policy"]
        (plan, *_, last) = await payloads(engine, PlanUpdated)
        assert len(plan.entries) == 4
        assert [entry.status for entry in last.entries].count("completed") == (4 if yes else 3)
    page = project / "docs" / "upgrading.md"
    assert page.exists() == yes
    assert (git(project, "log", "-1", "--format=%s") == "Explain how to upgrade") == yes
    assert git(project, "status", "--porcelain") == ""
    assert not yes or "`2 ^ 10` is 1024" in page.read_text()


async def test_what_must_not_be_done_is_not_asked_about(project: Path) -> None:
    hurry(project)
    async with Engine.open(project) as engine:
        task_id = await engine.commands.enqueue(prompt="Is the issue gone?", profile="assistant")
        await until_over(engine, task_id)
        (denied,) = await payloads(engine, PermissionDenied)
        assert denied.by == "policy"
        assert engine.journal.state.tasks[task_id].status == "completed"


async def test_the_agent_can_be_spoken_with_and_interrupted(project: Path) -> None:
    async with Engine.open(project) as engine:
        agent_id = await engine.commands.spawn("assistant")
        await until(engine, lambda state: state.agents[agent_id].status == "idle")
        await engine.commands.send(agent_id, "What can you do?")
        await until(engine, lambda state: any(one.messages == 2 for one in state.executions.values()))
        await engine.commands.send(agent_id, "Then review, please.")
        await until(engine, lambda state: any(one.messages == 3 for one in state.executions.values()))
        await engine.commands.stop_agent(agent_id)
        await until(engine, lambda state: state.agents[agent_id].status == "terminated")
        (failed,) = await payloads(engine, StepFailed)
        assert failed.error == "cancelled"
        (stopped,) = await payloads(engine, AgentStopped)
        assert stopped.exit_code == 0


def test_a_failure_that_was_not_meant_is_told_and_counts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hurry(project)
    shutil.rmtree(project / "issues")
    plan = Plan(tasks=tuple(task for task in demo_plan(project).tasks if task.id in {"survey", "reproduce"}))
    assert asyncio.run(run_demo(project, Settings(project), plan)) == 1
    said = capsys.readouterr().out
    assert "This was not meant to happen" in said
    assert "Reproduce issue 12" in said
