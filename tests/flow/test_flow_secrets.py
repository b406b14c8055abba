"""Secrets: what a profile hands to its agents never reaches the disk, however an agent prints it."""

from __future__ import annotations

import base64
from pathlib import Path

from fakes.stage import opened, printed, until, until_over

from core.config import Profile

CANARY = "canary-3f9c6e1d7b"
PASSED = "passed-91b2c8e4aa"
KEY = "-----BEGIN THING-----\nMIIEowIBAAKCAQEA7\nq4cVbM2xPnTtWv9s\n-----END THING-----"
QUOTED = 'say "canary" \\ and more'
GUARDED = Profile(
    env={"TOKEN": CANARY, "KEY": KEY, "QUOTED": QUOTED}, pass_env=("PASSED",), restart={"when": "on-failure"}
)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PASSED": PASSED}


def spilled(project: Path, *secrets: str) -> list[str]:
    """Files of ours that have one of these in them, as raw bytes; the log while it is open, its journal and all."""
    files = [path for path in (project / ".codewalkers").rglob("*") if path.is_file()]
    assert "events.db-wal" in {path.name for path in files}, "look while the log is open"
    return [f"{secret} in {path.name}" for path in files for secret in secrets if secret.encode() in path.read_bytes()]


async def test_no_secret_reaches_the_disk_whatever_an_agent_does_with_it(project: Path) -> None:
    commands = [
        'echo "the token is $TOKEN"; echo "$PASSED" >&2',
        'printf "%s" "$TOKEN" | fold -w 5 | tr -d "\\n"',
        'for i in 1 2 3 4 5 6 7 8; do printf "%s" "${TOKEN}${PASSED}"; done',
        'printf "%s" "$TOKEN" | base64; echo "$PASSED" | base64',
        'echo "$KEY"',
        'echo "last words: $TOKEN" >&2; exit 3',
        "env",
        '"$TOKEN"',
        'cd "$TOKEN"',
    ]
    async with opened(project, environment=ENVIRONMENT, guarded=GUARDED) as engine:
        tasks = [await engine.commands.enqueue("spill", command=line, profile="guarded") for line in commands]
        await until_over(engine, *tasks)
        assert await printed(engine, tasks[0]) == ["the token is [REDACTED:TOKEN]"]
        assert await printed(engine, tasks[0], "stderr") == ["[REDACTED:PASSED]"]
        encoded = [base64.b64encode(secret.encode()).decode()[:-4] for secret in (CANARY, PASSED)]
        assert spilled(project, CANARY, PASSED, *encoded, "MIIEowIBAAKCAQEA7", "q4cVbM2xPnTtWv9s") == []


async def test_a_secret_with_quotes_is_known_again_in_json(project: Path) -> None:
    command = """printf '{"value": "say \\\\"canary\\\\" \\\\\\\\ and more"}\\n'; echo "$QUOTED" """
    async with opened(project, environment=ENVIRONMENT, guarded=GUARDED) as engine:
        task_id = await engine.commands.enqueue("json", command=command, profile="guarded")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == ['{"value": "[REDACTED:QUOTED]"}', "[REDACTED:QUOTED]"]


async def test_a_secret_that_is_cut_by_reads_is_found(project: Path) -> None:
    command = "i=0; while [ $i -lt 400 ]; do printf '%s' \"some filler $TOKEN\"; i=$((i+1)); done; sleep 0; echo"
    async with opened(project, environment=ENVIRONMENT, guarded=GUARDED) as engine:
        task_id = await engine.commands.enqueue("cut", command=command, profile="guarded")
        await until_over(engine, task_id)
        (line,) = await printed(engine, task_id)
        assert line.count("[REDACTED:TOKEN]") == 400
        assert spilled(project, CANARY) == []


async def test_a_services_secrets_stay_out_of_its_failures_too(project: Path) -> None:
    profile = GUARDED.model_copy(update={"command": 'echo "$TOKEN" >&2; exit 4'})
    async with opened(project, environment=ENVIRONMENT, leaky=profile) as engine:
        agent_id = await engine.commands.spawn("leaky")
        state = await until(engine, lambda state: state.agents[agent_id].error)
        assert state.agents[agent_id].error == "exit code 4: [REDACTED:TOKEN]"
        assert spilled(project, CANARY) == []


async def test_why_a_program_could_not_be_started_gives_no_secret_away(project: Path) -> None:
    profile = Profile(env={"PATH": "/opt/canary-3f9c6e1d7b/bin"})
    async with opened(project, guarded=profile) as engine:
        task_id = await engine.commands.enqueue(command=("no-such-program",), profile="guarded")
        state = await until_over(engine, task_id)
        assert "[REDACTED:PATH]" in state.tasks[task_id].error
        assert spilled(project, CANARY) == []


async def test_shapes_of_well_known_secrets_are_taken_out_wherever_they_come_from(project: Path) -> None:
    key, token = "sk-ant-" + "a1B2" * 8, "ghp_" + "Z9y8" * 10
    async with opened(project) as engine:
        (project / "leak").write_text(f"key={key}\nhttps://me:{'pw' * 6}@host/\n{token}\n")
        task_id = await engine.commands.enqueue(command="cat leak")
        await until_over(engine, task_id)
        assert await printed(engine, task_id) == [
            "key=[REDACTED:key]",
            "https://[REDACTED:url-password]@host/",
            "[REDACTED:token]",
        ]
        assert spilled(project, key, token, "pw" * 6) == []
