"""Commands that change the queue, and those that look at it: what they print, and how they exit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cw


def test_the_first_command_that_writes_makes_the_project(cw: Cw, project: Path) -> None:
    assert cw("add", "Sweep", "--run", "true").out == "T-1 added\n"
    assert (project / ".codewalkers" / "events.db").exists()


def test_a_project_is_found_from_the_directories_in_it(cw: Cw, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cw("add", "Sweep", "--run", "true")
    inner = project / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert cw("add", "Mop", "--run", "true").out == "T-2 added\n"
    assert not (inner / ".codewalkers").exists()


def test_another_directory_may_be_named_before_or_after_the_command(cw: Cw, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert cw("-C", other, "add", "Sweep", "--run", "true").out == "T-1 added\n"
    assert cw("add", "Mop", "--run", "true", "-C", other).out == "T-2 added\n"
    assert cw(f"-C{other}", "tasks").out.count("queued") == 2


def test_everything_about_a_task_can_be_said_on_the_command_line(cw: Cw) -> None:
    cw("add", "first", "--run", "true")
    cw("add", "second", "--priority", "7", "--after", "1", "--attempts", "3", "--timeout", "10m", "--", "echo", "a b")
    (_, second) = cw("tasks", "--json").json
    assert (second["title"], second["priority"], second["max_attempts"]) == ("second", 7, 3)
    assert (second["status"], second["depends_on"]) == ("blocked", ["T-1"])
    (created,) = cw("events", "--task", "2", "--type", "task:created", "--json").json
    assert (created["payload"]["command"], created["payload"]["timeout_ms"]) == (["echo", "a b"], 600_000)
    assert created["actor"] == "user"


def test_a_task_needs_exactly_one_thing_to_do(cw: Cw) -> None:
    for arguments in ([], ["--run", "true", "--prompt", "x"], ["--run", "true", "--", "true"]):
        answer = cw("add", "Sweep", *arguments)
        assert answer.code == 2
        assert "needs one of --prompt TEXT, --run LINE, or a command behind --" in answer.sentence


def test_cancel_and_retry_take_a_task_by_id_or_number(cw: Cw) -> None:
    cw("add", "Sweep", "--run", "true")
    assert cw("cancel", "t-1").out == "T-1 cancelled\n"
    assert cw("tasks", "--status", "cancelled", "--json").json[0]["id"] == "T-1"
    assert cw("retry", "1", "--json").json == {"id": "T-1"}
    assert cw("tasks", "--json").json[0]["status"] == "queued"


def test_priority_pause_and_resume(cw: Cw) -> None:
    cw("add", "Sweep", "--run", "true")
    cw("priority", "1", "5")
    cw("pause", "1")
    (task,) = cw("tasks", "--json").json
    assert (task["priority"], task["status"]) == (5, "paused")
    cw("resume", "1")
    assert cw("tasks", "--json").json[0]["status"] == "queued"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cancel", "T-9"], "there is no task 'T-9'"),
        (["stop", "bob"], "there is no agent 'bob'"),
        (["log", "bob"], "there is no task or agent 'bob'"),
        (["retry", "1"], "T-1 is queued and cannot be"),
        (
            ["spawn", "nobody"],
            "there is no profile 'nobody'; there are aider, claude",
        ),
        (["spawn", "shell"], "profile 'shell' has no command of its own"),
        (["spawn", "codex"], "profile 'codex' runs only with a prompt; give it one with `cw add`"),
        (["add", "x", "--prompt", "hello"], "has no command to give a prompt to"),
        (["add", "x", "--run", "true", "--delay", "soon"], "--delay: "),
        (["add", "x", "--run", "true", "--after", "T-7"], "there is no task 'T-7'"),
        (["add", "x", "--run", "true", "--profile", "ghost"], "there is no profile 'ghost'"),
        (["run", "--", "no-such-program-anywhere"], "there is no program 'no-such-program-anywhere'"),
        (["run", "--"], "there is no command behind --"),
        (["events", "--since", "ages"], "--since: "),
        (["state", "--at", "never"], "'never' is no moment"),
        (["state", "--branch", "twig"], "there is no branch 'twig'"),
        (["frobnicate"], "No such command 'frobnicate'; `cw --help` lists what there is"),
        (["tasks", "--frob"], "No such option"),
        (["priority", "1", "high"], "Invalid value for 'N'"),
        (["-C"], "-C needs a directory"),
        (["-C", "/no/such/place", "tasks"], "there is no such directory"),
        (["run", "missing.toml"], "missing.toml"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_mistake_is_one_sentence_and_changes_nothing(cw: Cw, arguments: list[str], sentence: str) -> None:
    cw("add", "Sweep", "--run", "true")
    before = cw("events", "--json").out
    answer = cw(*arguments)
    assert answer.code == 2
    assert sentence in answer.sentence
    assert cw("events", "--json").out == before


def test_without_a_terminal_the_dashboard_says_what_works_instead(cw: Cw) -> None:
    answer = cw()
    assert answer.code == 2
    assert "needs a terminal; `cw run` works without one" in answer.sentence


def test_looking_at_a_project_nobody_used_says_how_to_begin(cw: Cw, project: Path) -> None:
    for command in ("tasks", "agents", "events", "state", "verify", "sessions", "stats"):
        answer = cw(command)
        assert answer.code == 3
        assert "`cw add`" in answer.sentence
    assert list(project.iterdir()) == []


def test_init_makes_a_configuration_that_can_be_loaded_and_keeps_the_one_there_is(cw: Cw, project: Path) -> None:
    assert "was written" in cw("init").out
    config = project / "codewalkers.toml"
    uncommented = config.read_text().replace("# [", "[")
    config.write_text(uncommented)
    assert "is there already" in cw("init").out
    assert config.read_text() == uncommented
    assert cw("add", "x", "--run", "true").code == 0


def test_doctor_finds_nothing_bad_in_a_good_project(cw: Cw) -> None:
    cw("add", "Sweep", "--run", "true")
    answer = cw("doctor", "--json")
    found = {finding["what"]: finding["state"] for finding in answer.json}
    assert answer.code == 0
    assert found["config"] == found["log"] == found["owner"] == found["project"] == "good"


def test_doctor_lists_the_agents_that_are_installed(
    cw: Cw, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "goose").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (project / "codewalkers.toml").write_text('[profiles.own]\ncommand = ["nowhere"]\n')
    out = cw("doctor").out
    assert "ok    agents       goose on PATH; not there: aider, claude, codex, gemini, mini, opencode" in out
    assert "warn  profile      own: nowhere is not on PATH" in out


def test_doctor_says_what_is_bad_and_exits_with_one(cw: Cw, project: Path) -> None:
    (project / "codewalkers.toml").write_text("max_agents = 'many'\n")
    answer = cw("doctor")
    assert answer.code == 1
    assert "BAD   config" in answer.out
