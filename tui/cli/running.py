"""Commands that run the fleet: run in its three forms, spawn, wait."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer

from core.config import Config, load_config
from core.engine import Engine
from core.errors import UsageError
from core.plan import Plan
from core.project import Project
from core.projections import in_order
from core.projections.moves import FINAL
from tui.cli.dashboard import has_terminal, open_dashboard
from tui.cli.headless import Headless, Narrator, Plain
from tui.cli.invocation import current

HeadlessOption = Annotated[bool, typer.Option("--headless", help="No dashboard: stream readable lines.")]
MaxAgents = Annotated[int | None, typer.Option("--max-agents", metavar="N", min=1, help="At most so many agents.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (run, spawn):
        app.command()(command)


def run(
    plan: Annotated[Path | None, typer.Argument(metavar="[PLAN.toml]", help="Enqueue this plan, always anew.")] = None,
    headless: HeadlessOption = False,
    max_agents: MaxAgents = None,
) -> None:
    """Run a plan, one command (`cw run -- COMMAND ARGUMENT…`), or what is queued; without a terminal: headless."""
    project = current.project
    config = configured(project, max_agents)
    if current.has_rest:
        if plan is not None:
            raise UsageError("give either a plan or a command behind --, not both")
        if not current.rest:
            raise UsageError("there is no command behind --")
        if shutil.which(current.rest[0]) is None:
            raise UsageError(f"there is no program {current.rest[0]!r}")
        raise typer.Exit(asyncio.run(_run_command(project, config, current.rest)))
    checked = None if plan is None else Plan.load(plan)
    if not headless and has_terminal():
        raise typer.Exit(open_dashboard(config=config, plan=checked))
    raise typer.Exit(asyncio.run(run_headless(project, config, checked)))


def configured(project: Project, max_agents: int | None) -> Config:
    """The project's configuration, with the number of agents the call asks for."""
    config = load_config(project.root)
    return config if max_agents is None else config.model_copy(update={"max_agents": max_agents})


async def run_headless(project: Project, config: Config, plan: Plan | None) -> int:
    """Run a plan, or whatever is not over yet, and stream it; the exit code."""
    if plan is not None:
        plan.check_against(config)
    async with Engine.open(project.root, config=config) as engine:
        narrator = Narrator()
        async with Headless(engine, narrator) as headless:
            if plan is None:
                ids = [task.id for task in in_order(engine.queries.state.tasks) if task.status not in FINAL]
            else:
                ids = list((await engine.commands.enqueue_plan(plan)).values())
            return await headless.until_over(ids)


async def _run_command(project: Project, config: Config, argv: list[str]) -> int:
    async with Engine.open(project.root, config=config) as engine, Headless(engine, Plain()) as headless:
        return await headless.until_over([await engine.commands.enqueue(command=argv)])


def spawn(
    profile: Annotated[str, typer.Argument(metavar="PROFILE")],
    name: Annotated[str, typer.Option("--name", help="What the agent is called.")] = "",
    max_agents: MaxAgents = None,
) -> None:
    """Run an agent of a profile that has a command of its own, here, until it ends or is interrupted."""
    project = current.project
    config = configured(project, max_agents)
    raise typer.Exit(asyncio.run(_spawn(project, config, profile, name)))


async def _spawn(project: Project, config: Config, profile_name: str, name: str) -> int:
    profile = config.profile(profile_name)
    if profile is None:
        raise UsageError(f"there is no profile {profile_name!r}; there are {', '.join(sorted(config.profiles))}")
    if not profile.command:
        raise UsageError(f"profile {profile_name!r} has no command of its own; its agents come with their tasks")
    if profile.needs_prompt:
        raise UsageError(f"profile {profile_name!r} runs only with a prompt; give it one with `cw add`")
    async with Engine.open(project.root, config=config) as engine, Headless(engine, Narrator()) as headless:
        return await headless.until_gone(await engine.commands.spawn(profile_name, name=name))
