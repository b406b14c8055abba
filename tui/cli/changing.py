"""Commands that change the queue or the fleet, by ourselves or through the `cw` that owns the project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from core.durations import parse_ms
from core.engine import Desk
from core.errors import UsageError
from tui.cli.desks import change
from tui.cli.invocation import current
from tui.cli.names import agent_named, any_named, request_named, task_named
from tui.cli.printing import say, say_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskArgument = Annotated[str, typer.Argument(metavar="TASK")]
AgentArgument = Annotated[str, typer.Argument(metavar="AGENT")]
RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="As `cw events` shows it, like T-3.1.p1.")]
NameArgument = Annotated[str, typer.Argument(metavar="TASK|AGENT")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (add, cancel, retry, priority, pause, resume, stop, kill, message, approve, deny):
        app.command()(command)


def add(
    title: Annotated[str, typer.Argument(help="What it is called; the command itself when left out.")] = "",
    prompt: Annotated[str, typer.Option("--prompt", help="What to tell the agent.")] = "",
    run: Annotated[str, typer.Option("--run", help="A shell line to run.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="The kind of agent that does it.")] = "shell",
    priority: Annotated[int, typer.Option("--priority", help="Higher runs first.")] = 0,
    after: Annotated[list[str] | None, typer.Option("--after", metavar="TASK", help="Wait for this task.")] = None,
    delay: Annotated[str, typer.Option("--delay", metavar="5m", help="Not before so long from now.")] = "0s",
    attempts: Annotated[int, typer.Option("--attempts", help="How often it may be tried.")] = 1,
    timeout: Annotated[str | None, typer.Option("--timeout", metavar="2m", help="End it after so long.")] = None,
    idempotent: Annotated[bool, typer.Option("--idempotent", help="A lost attempt may be repeated.")] = False,
    json: Json = False,
) -> None:
    """Add a task: `cw add TITLE --prompt TEXT`, or `cw add TITLE -- COMMAND ARGUMENT…`."""
    if sum([bool(prompt), bool(run), current.has_rest]) != 1:
        raise UsageError("a task needs one of --prompt TEXT, --run LINE, or a command behind --")

    async def act(desk: Desk) -> str:
        return await desk.commands.enqueue(
            title=title, prompt=prompt, command=run or current.rest, profile=profile, priority=priority,
            depends_on=[task_named(desk.queries.state, name) for name in after or ()], delay_ms=_ms(delay, "--delay"),
            max_attempts=attempts, timeout_ms=None if timeout is None else _ms(timeout, "--timeout"),
            idempotent=idempotent,
        )  # fmt: skip

    _act(act, json, "added")


def cancel(
    task: TaskArgument,
    force: Annotated[bool, typer.Option("--force", help="Kill what runs at once.")] = False,
    json: Json = False,
) -> None:
    """Cancel a task."""
    _act(lambda desk: desk.commands.cancel_task(task_named(desk.queries.state, task), force=force), json, "cancelled")


def retry(task: TaskArgument, json: Json = False) -> None:
    """Queue a task again that failed, was lost or was cancelled."""
    _act(lambda desk: desk.commands.retry_task(task_named(desk.queries.state, task)), json, "queued again")


def priority(task: TaskArgument, value: Annotated[int, typer.Argument(metavar="N")], json: Json = False) -> None:
    """Move a task in the queue; higher runs first."""
    _act(lambda desk: desk.commands.set_priority(task_named(desk.queries.state, task), value), json, "moved")


def pause(name: NameArgument, json: Json = False) -> None:
    """Hold a task back, or freeze an agent."""
    _act(lambda desk: desk.commands.pause(any_named(desk.queries.state, name)), json, "paused")


def resume(name: NameArgument, json: Json = False) -> None:
    """The opposite of pause."""
    _act(lambda desk: desk.commands.resume(any_named(desk.queries.state, name)), json, "resumed")


def stop(agent: AgentArgument, json: Json = False) -> None:
    """Stop an agent gently."""
    _act(lambda desk: desk.commands.stop_agent(agent_named(desk.queries.state, agent)), json, "stopped")


def kill(agent: AgentArgument, json: Json = False) -> None:
    """Kill an agent now."""
    _act(lambda desk: desk.commands.kill_agent(agent_named(desk.queries.state, agent)), json, "killed")


def message(
    name: NameArgument,
    text: Annotated[str, typer.Argument(help="What to say; it becomes the agent's next turn.")],
    json: Json = False,
) -> None:
    """Say something to an agent that holds a conversation."""
    _act(lambda desk: desk.commands.send(any_named(desk.queries.state, name), text), json, "was told")


def approve(
    request: RequestArgument,
    always: Annotated[bool, typer.Option("--always", help="For the rest of the conversation.")] = False,
    option: Annotated[str | None, typer.Option("--option", help="One of the agent's own options, by its id.")] = None,
    json: Json = False,
) -> None:
    """Allow what an agent asks for."""
    _answer(request, "allow_always" if always else "allow", option, json, "allowed")


def deny(
    request: RequestArgument,
    always: Annotated[bool, typer.Option("--always", help="For the rest of the conversation.")] = False,
    json: Json = False,
) -> None:
    """Refuse what an agent asks for."""
    _answer(request, "reject_always" if always else "deny", None, json, "refused")


def _answer(request: str, kind: str, option: str | None, json: bool, word: str) -> None:
    async def act(desk: Desk) -> str:
        named = request_named(desk.queries.state, request)
        return await desk.commands.answer_permission(named, kind=kind, option_id=option)

    _act(act, json, word)


def _ms(text: str, option: str) -> int:
    try:
        return parse_ms(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _act(act: Callable[[Desk], Awaitable[str]], json: bool, word: str) -> None:
    """Carry the command out, and say which id it was about."""
    name = change(act)
    say_json({"id": name}) if json else say(f"{name} {word}")
