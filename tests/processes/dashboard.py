"""A dashboard in small: starts the agent it is given as JSON, shows what it prints, and lives until killed."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from core.processes import RunSpec
from core.processes.local import LocalRunner


async def main(spec: RunSpec) -> None:
    async with LocalRunner() as runner:
        run = await runner.start(spec)
        while chunk := await run.stdout.read(1 << 16):
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
        await run.wait()


asyncio.run(main(msgspec.json.decode(sys.argv[1], type=RunSpec)))
