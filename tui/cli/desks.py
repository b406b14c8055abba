"""Opening the project a command is about, for as long as the command takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.control import owners_commands
from core.engine import Desk
from core.errors import LogOwned
from core.project import Project
from tui.cli.invocation import current

T = TypeVar("T")


def look(act: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something with a project that only reads it; another process may own it.

    Raises:
        CodewalkersError: there is no log yet or it cannot be read, or whatever `act` raises.
    """
    root = current.project.root

    async def run() -> T:
        async with Desk.observe(root) as desk:
            return await act(desk)

    return asyncio.run(run())


def change(act: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something with a project: while owning it, or through the `cw` that owns it; it is made when there is none.

    Raises:
        CodewalkersError: it cannot be opened, who owns it takes no orders, or whatever `act` raises.
    """
    project = current.project

    async def run() -> T:
        try:
            return await _owning(project, act)
        except LogOwned:
            commands = await asyncio.to_thread(owners_commands, project)
            if commands is None:
                raise
        async with Desk.observe(project.root) as desk:
            desk.commands = commands
            return await act(desk)

    return asyncio.run(run())


def own(act: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something with a project while owning it; it is made when there is none.

    Raises:
        CodewalkersError: it cannot be opened or somebody else owns it, or whatever `act` raises.
    """
    return asyncio.run(_owning(current.project, act))


async def _owning(project: Project, act: Callable[[Desk], Awaitable[T]]) -> T:
    async with Desk.open(project.root) as desk:
        return await act(desk)
