"""The tool server of an engine: an address from the first agent that is admitted, until the engine ends.

The address is taken at once, so that an agent can be told of it; whoever calls before the libraries are imported waits
in the socket. A fleet whose agents want no tools never has one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from core.agents.tools import ToolAccess
from core.api.diagnostics import written_to
from core.api.limits import Allowance
from core.api.reception import Reception
from core.api.toolbox import House
from core.artifacts import Artifacts
from core.commands import Commands
from core.concurrency import task_group
from core.config import Config
from core.errors import LaunchFailed
from core.journal import Journal
from core.project import Project

HOST = "127.0.0.1"
PATH = "/mcp"
WAITING_CONNECTIONS = 128


class AgentTools:
    """Our tools for the agents of one engine: the `ToolServer` of `core.agents.tools`."""

    def __init__(
        self,
        journal: Journal,
        commands: Commands,
        config: Callable[[], Config],
        project: Project,
        environment: Mapping[str, str],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._journal, self._config, self._environment = journal, config, environment
        self._project, self._tasks = project, tasks
        house = House(commands, config, Artifacts(project.artifacts), project.root, Allowance())
        self._reception = Reception(journal, house, tasks)
        self._listener: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None
        self._served, self._over = asyncio.Event(), asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def ready(
        cls,
        journal: Journal,
        commands: Commands,
        config: Callable[[], Config],
        project: Project,
        environment: Mapping[str, str],
    ) -> AsyncGenerator[AgentTools, None]:
        """Ready to admit agents for the length of an `async with`; nothing is left of it afterwards."""
        async with task_group() as tasks:
            tools = cls(journal, commands, config, project, environment, tasks)
            try:
                yield tools
            finally:
                await tools._end()

    def admit(self, agent_id: str, execution_id: str) -> ToolAccess:
        if self._listener is None:
            self._listener = _listener()
            self._serving = self._tasks.create_task(self._serve(self._listener), name="serve our tools")
        port = self._listener.getsockname()[1]
        token = self._reception.admit(agent_id, execution_id, self._secrets(agent_id))
        return ToolAccess(f"http://{HOST}:{port}{PATH}", token)

    async def until_served(self) -> None:
        await self._served.wait()

    def dismiss(self, token: str) -> None:
        self._reception.dismiss(token)

    async def dismiss_all(self) -> None:
        """No token is worth anything any more; returns when every call is over and recorded."""
        await self._reception.close()

    def _secrets(self, agent_id: str) -> Mapping[str, str]:
        """What the agent was given in its environment."""
        agent = self._journal.state.agents.get(agent_id)
        profile = None if agent is None else self._config().profile(agent.profile)
        if profile is None:
            return {}
        passed = {name: self._environment[name] for name in profile.pass_env if name in self._environment}
        return passed | profile.env

    async def _serve(self, listener: socket.socket) -> None:
        try:
            serve = await asyncio.to_thread(_imported)
            async with written_to(self._project.api_log):
                await serve(self._reception, listener, PATH, self._served, self._over)
        finally:
            listener.close()

    async def _end(self) -> None:
        await self._reception.close()
        self._over.set()
        if self._serving is not None:
            await asyncio.wait([self._serving])


def _listener() -> socket.socket:
    listener = socket.socket()
    try:
        listener.bind((HOST, 0))
        listener.listen(WAITING_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise LaunchFailed(f"our tools cannot be served on {HOST}: {error.strerror or error}") from error
    return listener


def _imported() -> Callable[[Reception, socket.socket, str, asyncio.Event, asyncio.Event], Awaitable[None]]:
    from core.api.serving import serve

    return serve
