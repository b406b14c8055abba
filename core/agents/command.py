"""The `command` adapter: any program or shell line. The exit code decides.

A task's own command runs as it is. A prompt goes to the profile's command: as `{prompt}` in an argument, as the
variable `CW_PROMPT`, and on standard input when neither is asked for. It is never pasted into a shell line. A prompt
that no variable can hold comes on standard input alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from core.agents.context import Context
from core.agents.recording import Recording
from core.concurrency import task_group
from core.config import PASSED_ENVIRONMENT, PROMPT, RECORDS, Profile
from core.errors import LaunchFailed
from core.events import Command, StoredEvent, TaskCreated
from core.processes import Run, RunExit, RunSpec

ERROR_CHARACTERS = 2_000
LONGEST_VARIABLE_BYTES = 128 * 1024
"""Linux takes no longer string in an environment, `NAME=` and the final NUL included (execve(2))."""


class CommandAdapter:
    """Feeds standard input and records standard output."""

    def __init__(self, stdin: bytes | None) -> None:
        self._stdin = stdin

    async def talk(self, run: Run, recording: Recording) -> None:
        async with task_group() as tasks:
            tasks.create_task(feed(run, self._stdin), name="feed standard input")
            await recording.stdout(run.stdout)

    def leave(self) -> bool:
        return False

    def react(self, event: StoredEvent) -> bool:  # noqa: ARG002  it hears nothing but its standard input
        return False


async def feed(run: Run, stdin: bytes | None) -> None:
    """Write to the process's standard input, if it has one, and close it."""
    if run.stdin is None or stdin is None:
        return
    with suppress(ConnectionError):  # it may end without reading: its exit says what that means
        run.stdin.write(stdin)
        await run.stdin.drain()
        run.stdin.close()


class Prepared(Struct, frozen=True):
    """Everything that is needed to start."""

    spec: RunSpec
    stdin: bytes | None
    secrets: Mapping[str, str]
    """What must not be recorded, by name."""


def prepare(
    context: Context,
    profile: Profile,
    *,
    agent_id: str,
    marker: str,
    task: TaskCreated | None,
    names: Mapping[str, str],
    spoken_to: bool = False,
    records: str = "",
) -> Prepared:
    """What to start for a task, or for the profile's own command when there is none. Looks at the disk.

    A process that is `spoken_to` hears its prompt through a protocol on its standard input, and in no other way.
    `records` is the file for a program that writes its records into one.

    Raises:
        LaunchFailed: the profile has no command, or its workspace is outside the project.
    """
    own = task.command if task is not None else ()
    command = own or profile.command
    if not command:
        raise LaunchFailed("its profile has no command to give a prompt to; set `command` in codewalkers.toml")
    prompt = task.prompt if task is not None and not own and not spoken_to else ""
    secrets = {name: context.environment[name] for name in profile.pass_env if name in context.environment}
    secrets |= profile.env
    plain = (*PASSED_ENVIRONMENT, *profile.plain_env)
    env = {name: context.environment[name] for name in plain if name in context.environment}
    env |= {**secrets, **names, "CW_AGENT_ID": agent_id, "CW_PROJECT": str(context.project)}
    stdin = prompt.encode() if prompt and not _mentions_prompt(command) else None
    if prompt and (stdin is None or _fits_a_variable(prompt)):
        env["CW_PROMPT"] = prompt
    workspace = (task.workspace if task is not None else "") or profile.workspace
    cwd = str(_directory(context.project, workspace))
    argv = _argv(command, prompt, records)
    spec = RunSpec(argv=argv, cwd=cwd, env=env, marker=marker, stdin=spoken_to or stdin is not None)
    return Prepared(spec, stdin, secrets)


def _mentions_prompt(command: Command) -> bool:
    text = command if isinstance(command, str) else " ".join(command)
    return "CW_PROMPT" in text or (not isinstance(command, str) and PROMPT in text)


def _fits_a_variable(prompt: str) -> bool:
    return "\0" not in prompt and len(f"CW_PROMPT={prompt}".encode()) < LONGEST_VARIABLE_BYTES


def _argv(command: Command, prompt: str, records: str) -> tuple[str, ...]:
    if isinstance(command, str):
        return ("/bin/sh", "-c", command)
    return tuple(part.replace(RECORDS, records).replace(PROMPT, prompt) for part in command)


def _directory(project: Path, workspace: str) -> Path:
    try:
        root = project.resolve()
        path = (root / workspace).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, or no path at all
        raise LaunchFailed(f"workspace {workspace!r} cannot be used: {error}") from error
    if not path.is_relative_to(root):
        raise LaunchFailed(f"workspace {workspace!r} is outside the project")
    return path


def failure_of(end: RunExit, last_line: str) -> str | None:
    """What went wrong, in a sentence; None when the exit code says success."""
    if end.exit_code == 0:
        return None
    how = f"ended by {end.signal}" if end.signal else f"exit code {end.exit_code}"
    return f"{how}: {last_line[:ERROR_CHARACTERS]}" if last_line.strip() else how
