"""Agents that hold conversations, on the command line: what is told of them, and what can be said to them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.acp_stage import AGENT

if TYPE_CHECKING:
    from conftest import Cw

CONFIG = f"""
[profiles.agent]
adapter = "acp"
command = [{json.dumps(sys.executable)}, {json.dumps(AGENT)}]
permissions = {{ policy = "deny", allow = ["make *"] }}
"""


@pytest.fixture
def asked(cw: Cw, project: Path) -> str:
    """What was told of an agent that asked for something and was refused."""
    (project / "codewalkers.toml").write_text(CONFIG)
    assert cw("add", "clean", "--profile", "agent", "--prompt", "ask rm -rf build").code == 0
    answer = cw("run")
    assert answer.code == 0
    return answer.out


def test_a_run_tells_what_was_said_and_asked_and_not_how_it_was_sent(asked: str) -> None:
    assert "| rm -rf build: id-reject_once" in asked
    assert "asks whether it may: rm -rf build" in asked
    assert "must not do it, says policy" in asked
    assert "jsonrpc" not in asked


def test_the_log_of_a_task_is_what_was_said(cw: Cw, asked: str) -> None:
    assert asked
    assert cw("log", "1").out == "rm -rf build: id-reject_once\n"


def test_the_wire_can_be_looked_up(cw: Cw, asked: str) -> None:
    assert asked
    raw = cw("events", "--type", "agent:output", "--json").out
    assert '"session/request_permission' in raw.replace("\\", "")


def test_what_was_answered_cannot_be_answered_again(cw: Cw, asked: str) -> None:
    assert asked
    for command in ("approve", "deny"):
        answer = cw(command, "t-1.1.P1")
        assert answer.code == 2
        assert answer.sentence == "permission request T-1.1.p1 is denied and cannot be answered again"
    assert cw("approve", "T-1.1.p7").sentence == "there is no permission request 'T-1.1.p7'"


def test_nobody_listens_when_nothing_runs(cw: Cw, asked: str) -> None:
    assert asked
    assert cw("message", "1", "hello").sentence == "task T-1 is completed and cannot be sent a message"
    assert cw("message", "agent-1", "hello").sentence == "agent agent-1 is gone and cannot be sent a message"


def test_a_wrong_policy_is_one_sentence_with_its_line(cw: Cw, project: Path) -> None:
    (project / "codewalkers.toml").write_text(CONFIG.replace('"deny"', '"perhaps"'))
    answer = cw("run")
    assert answer.code == 2
    assert "codewalkers.toml:5: profiles.agent.permissions.policy" in answer.sentence
