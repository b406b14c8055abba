"""Our tools for agents that are told of them when they are started: by an argument and by their environment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from msgspec.structs import replace

from core.agents.recording import Recording
from core.agents.tools import ToolServer
from core.config import TOOLS_URL
from core.processes import RunSpec

Offer = Callable[[RunSpec], AbstractAsyncContextManager[RunSpec]]
"""What to start instead, for the length of an `async with`."""


def offer_of(tools: ToolServer, recording: Recording, agent_id: str, execution_id: str, *, in_arguments: bool) -> Offer:
    """Lets a process use our tools while it runs.

    It finds the address in `CW_TOOLS_URL` and its token in `CW_TOOLS_TOKEN`, and the address in its arguments when
    these are ours to change. Entering it raises LaunchFailed when nothing can be served.
    """

    @asynccontextmanager
    async def offered(spec: RunSpec) -> AsyncGenerator[RunSpec, None]:
        access = tools.admit(agent_id, execution_id)
        try:
            await tools.until_served()
            recording.learn("CW_TOOLS_TOKEN", access.token)
            env = {**spec.env, "CW_TOOLS_URL": access.url, "CW_TOOLS_TOKEN": access.token}
            argv = spec.argv
            if in_arguments:
                argv = tuple(argument.replace(TOOLS_URL, access.url) for argument in argv)
            yield replace(spec, argv=argv, env=env)
        finally:
            tools.dismiss(access.token)

    return offered
