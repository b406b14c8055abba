"""Commands that run the fleet: run in its three forms, spawn, wait."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer

from core.engine import Engine
from core.errors import UsageError
from core.plan import Plan
from core.project import Project
from core.projections import in_order
from core.projections.moves import FINAL
from core.settings import Settings
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
    settings = configured(project, max_agents)
    config = settings.read().config
    if current.has_rest:
        if plan is not None:
            raise UsageError("give either a plan or a command behind --, not both")
        if not current.rest:
            raise UsageError("there is no command behind --")
        if shutil.which(current.rest[0]) is None:
            raise UsageError(f"there is no program {current.rest[0]!r}")
        raise typer.Exit(asyncio.run(_run_command(project, settings, current.rest)))
    checked = None if plan is None else Plan.load(plan)
    if checked is not None:
        checked.check_against(config)
    if not headless and has_terminal():
        raise typer.Exit(open_dashboard(settings=settings, plan=checked))
    raise typer.Exit(asyncio.run(run_headless(project, settings, checked)))


def configured(project: Project, max_agents: int | None) -> Settings:
    """The project's settings, with the number of agents the call asks for."""
    return Settings(project.root) if max_agents is None else Settings(project.root, max_agents=max_agents)


async def run_headless(project: Project, settings: Settings, plan: Plan | None) -> int:
    """Run a plan, or whatever is not over yet, and stream it; the exit code."""
    async with Engine.open(project.root, settings=settings) as engine:
        narrator = Narrator()
        async with Headless(engine, narrator) as headless:
            if plan is None:
                ids = [task.id for task in in_order(engine.queries.state.tasks) if task.status not in FINAL]
            else:
                ids = list((await engine.commands.enqueue_plan(plan)).values())
            return await headless.until_over(ids)


async def _run_command(project: Project, settings: Settings, argv: list[str]) -> int:
    async with Engine.open(project.root, settings=settings) as engine, Headless(engine, Plain()) as headless:
        return await headless.until_over([await engine.commands.enqueue(command=argv)])


def spawn(
    profile: Annotated[str, typer.Argument(metavar="PROFILE")],
    name: Annotated[str, typer.Option("--name", help="What the agent is called.")] = "",
    max_agents: MaxAgents = None,
) -> None:
    """Run an agent of a profile that has a command of its own, here, until it ends or is interrupted."""
    settings = configured(current.project, max_agents)
    config = settings.read().config
    found = config.profile(profile)
    if found is None:
        raise UsageError(f"there is no profile {profile!r}; there are {', '.join(sorted(config.profiles))}")
    if not found.command:
        raise UsageError(f"profile {profile!r} has no command of its own; its agents come with their tasks")
    if found.needs_prompt:
        raise UsageError(f"profile {profile!r} runs only with a prompt; give it one with `cw add`")
    raise typer.Exit(asyncio.run(_spawn(current.project, settings, profile, name)))


async def _spawn(project: Project, settings: Settings, profile: str, name: str) -> int:
    async with Engine.open(project.root, settings=settings) as engine, Headless(engine, Narrator()) as headless:
        return await headless.until_gone(await engine.commands.spawn(profile, name=name))
