"""Secrets of agents, configured or looking like one: no command tells them, and no file of ours has them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from fakes.acp_stage import AGENT
from typer.core import TyperGroup

from tui.cli import _build

if TYPE_CHECKING:
    from conftest import Answer, Cw

CONFIGURED, PASSED, SERVERS = "canary-3f9c6e1d7b", "passed-91b2c8e4aa", "server-7d2e51c09f"
SHAPED = "sk-ant-" + "a1B2" * 8
SECRETS = (CONFIGURED, PASSED, SERVERS, SHAPED)
CONFIG = f"""
[profiles.guarded]
env = {{ TOKEN = "{CONFIGURED}" }}
pass_env = ["PASSED"]

[profiles.agent]
adapter = "acp"
command = [{json.dumps(sys.executable)}, {json.dumps(AGENT)}]
env = {{ TOKEN = "{CONFIGURED}", SHAPED = "{SHAPED}" }}
pass_env = ["PASSED"]
permissions = {{ policy = "deny" }}

[profiles.agent.conversation.mcp_servers.notes]
command = ["notes-server"]
env = {{ NOTES_KEY = "{SERVERS}" }}
"""
COMMANDS = (
    'echo "the token is $TOKEN and $PASSED"; echo "$PASSED" >&2',
    f"printf 'key={SHAPED[:7]}'; echo {SHAPED[7:]}",
    'echo "last words: $TOKEN" >&2; exit 3',
    '"$TOKEN"',
    "env",
)
LOOKS = (
    ("tasks",), ("agents",), ("sessions",), ("events",), ("events", "--type", "agent:output"), ("stats",), ("verify",),
    ("doctor",), ("config",), ("config", "show", "--all"), ("config", "check"), ("state",), ("state", "--at", "50%"),
    *((command, f"T-{number}") for command in ("log", "why") for number in range(1, 9)),
    ("search", "token"), ("search", CONFIGURED), ("search", "REDACTED"), ("diff", "1", "100%"),
    ("config",), ("config", "show", "--all"), ("config", "check"),
)  # fmt: skip


def spilled(*texts: str) -> list[str]:
    return [secret for secret in SECRETS for text in texts if secret in text]


@pytest.fixture
def worked(cw: Cw, project: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Agents did with their secrets what they should not."""
    monkeypatch.setenv("PASSED", PASSED)
    (project / "codewalkers.toml").write_text(CONFIG)
    for line in COMMANDS:
        assert cw("add", "spill", "--profile", "guarded", "--", "sh", "-c", line).code == 0
    for name in ("TOKEN", "PASSED", "SHAPED"):
        assert cw("add", f"tell {name}", "--profile", "agent", "--prompt", f"env {name}").code == 0
    return cw("run")


def test_no_command_tells_a_secret_to_people_or_to_programs(cw: Cw, worked: Answer) -> None:
    assert spilled(worked.out, worked.err) == []
    assert "[REDACTED:TOKEN]" in worked.out
    for look in LOOKS:
        told = [cw(*look), cw(*look, "--json")]
        assert {answer.code for answer in told} <= {0, 1}, look
        words = [word for word in SECRETS if word in look]  # what was asked for may be repeated
        assert [secret for answer in told for secret in spilled(answer.out, answer.err) if secret not in words] == []
    for number in (1, 2, 3, 6, 7, 8):
        assert "[REDACTED:" in cw("log", f"T-{number}").out, "it was looked for where it had been"


def test_every_command_that_shows_something_is_among_them() -> None:
    command = typer.main.get_command(_build())
    assert isinstance(command, TyperGroup)
    names = set(command.commands)
    acting = {
        "demo", "run", "spawn", "add", "cancel", "retry", "priority", "pause", "resume", "stop", "kill", "message",
        "approve", "deny", "decode", "init", "recover", "keys", "bench",
    }  # fmt: skip
    assert names - acting == {look[0] for look in LOOKS}


@pytest.mark.usefixtures("worked")
def test_no_file_of_the_project_has_a_secret_in_it(project: Path) -> None:
    files = [path for path in (project / ".codewalkers").rglob("*") if path.is_file()]
    assert {"events.db"} <= {path.name for path in files}
    found = [(path.name, secret) for path in files for secret in SECRETS if secret.encode() in path.read_bytes()]
    assert found == []


@pytest.mark.parametrize(
    "wrong",
    [
        f'env = {{ TOKEN = ["{CONFIGURED}"] }}',
        f'env = "{CONFIGURED}"',
        f'max = "{CONFIGURED}"',
        f'env = {{ TOKEN = "{CONFIGURED}" }}\nmaximum = 3',
        f'env = {{ TOKEN = "{CONFIGURED}"',
        f'[profiles.guarded.conversation.mcp_servers.a]\nheaders = {{ K = "{CONFIGURED}" }}',
    ],
)
def test_a_wrong_configuration_is_refused_without_telling_its_secrets(cw: Cw, project: Path, wrong: str) -> None:
    (project / "codewalkers.toml").write_text(f"[profiles.guarded]\n{wrong}\n")
    for call in (
        ("add", "x", "--profile", "guarded", "--", "true"), ("doctor",), ("doctor", "--json"),
        ("config",), ("config", "check"), ("config", "check", "--json"),
    ):  # fmt: skip
        answer = cw(*call)
        assert answer.code in {1, 2}
        assert spilled(answer.out, answer.err) == []
