"""`cw config`: what is in force, from where, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from conftest import Cw


def written(project: Path, text: str) -> Path:
    file = project / "codewalkers.toml"
    file.write_text(text)
    return file


def test_a_good_file_has_nothing_wrong(cw: Cw, project: Path) -> None:
    file = written(project, "max_agents = 3\n")
    answer = cw("config", "check")
    assert (answer.code, answer.out, answer.err) == (0, f"{file}: nothing is wrong\n", "")


def test_no_file_is_needed(cw: Cw) -> None:
    answer = cw("config", "check")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "there is no codewalkers.toml, and none is needed\n"


def test_all_mistakes_are_named_one_a_line(cw: Cw, project: Path) -> None:
    file = written(project, "max_agent = 3\n[profiles.a]\nmin = -1\n")
    answer = cw("config", "check")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines() == [
        f"cw: {file}:1: max_agent: there is no such key",
        f"cw: {file}:3: profiles.a.min: Input should be greater than or equal to 0",
    ]
    again = cw("config", "check", "--json")
    assert again.code == 2
    assert cast("dict[str, object]", again.json)["mistakes"] == [
        {"file": str(file), "line": 1, "key": "max_agent", "message": "there is no such key"},
        {
            "file": str(file),
            "line": 3,
            "key": "profiles.a.min",
            "message": "Input should be greater than or equal to 0",
        },
    ]


def test_keys_of_the_dashboard_are_checked_too(cw: Cw, project: Path) -> None:
    file = written(project, '[keys]\nexplode = ["f9"]\nquit = ["x"]\n')
    answer = cw("config", "check")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        f"cw: {file}:2: keys.explode: there is no action 'explode'; `?` in the dashboard lists them",
        f"cw: {file}:3: keys.quit: 'x' would mean both cancel and quit",
    ]


def test_what_is_in_force_is_shown_with_where_it_comes_from(
    cw: Cw, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(
        project, 'max_agents = 3\n[profiles.crew]\ncommand = ["crew", "--key", "sk-ant-0123456789abcdefghijklmn"]\n'
    )
    monkeypatch.setenv("CW_TENANT", "team")
    monkeypatch.setenv("CW_PROFILES__CREW__ENV", '{"TOKEN": "s3cret"}')
    answer = cw("config")
    assert answer.code == 0
    lines = {line.split("  ")[0]: line.split() for line in answer.out.splitlines()}
    assert lines["max_agents"][1:] == ["codewalkers.toml:1", "3"]
    assert lines["tenant"][1:] == ["CW_TENANT", '"team"']
    assert lines["retry.backoff"][1:] == ["default", '"1s"']
    assert lines["profiles.crew.env.TOKEN"][1:] == ["CW_PROFILES__CREW__ENV", '"[secret]"']
    assert "[REDACTED:key]" in answer.out
    assert "s3cret" not in answer.out
    assert "sk-ant-" not in answer.out
    for_programs = cw("config", "--json").out
    assert "[REDACTED:key]" in for_programs
    assert "s3cret" not in for_programs
    assert "sk-ant-" not in for_programs
    assert "profiles.crew.max" not in lines
    assert "profiles.crew.max" in cw("config", "show", "--all").out


def test_programs_get_everything(cw: Cw, project: Path) -> None:
    written(project, "max_agents = 3\n")
    answer = cw("config", "show", "--json")
    found = {one["key"]: one for one in cast("list[dict[str, object]]", answer.json)}
    assert found["max_agents"] == {"key": "max_agents", "value": 3, "from": "codewalkers.toml:1"}
    assert found["profiles.shell.idle_timeout"] == {
        "key": "profiles.shell.idle_timeout", "value": "5m", "from": "default",
    }  # fmt: skip


def test_what_cannot_be_read_is_a_sentence(cw: Cw, project: Path) -> None:
    file = written(project, "max_agent = 3\nmin = 2\n")
    answer = cw("config", "show")
    assert answer.code == 2
    assert answer.sentence == f"{file}:1: max_agent: there is no such key (and 1 more: `cw config check` names all)"


def test_another_word_is_refused(cw: Cw) -> None:
    answer = cw("config", "chekc")
    assert answer.code == 2
    assert "'chekc'" in answer.sentence
