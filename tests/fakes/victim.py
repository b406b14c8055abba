"""An engine in a process of its own, which says on its output what it knows to be stored, until somebody kills it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from fakes import evidence

from core.config import Config, Retry
from core.engine import Engine
from core.scheduling.policy import after_loss

NOTE = f"{evidence.NOTE} >> runs"
CHAT = "i=0; while [ $i -lt 40 ]; do echo line $i of $CW_TASK_ID; echo warning $i >&2; i=$((i+1)); done"
REST = "sleep 0.1"

PLAN = [
    {"id": "build", "run": f"{NOTE}; {CHAT}; {REST}"},
    *({"id": f"chat{n}", "run": f"{NOTE}; {CHAT}; {REST}; {CHAT}", "depends_on": ["build"]} for n in range(4)),
    *({"id": f"again{n}", "run": f"{NOTE}; {REST}; {CHAT}", "idempotent": True} for n in range(4)),
    {"id": "moody", "run": f"{NOTE}; test -e moody || {{ touch moody; exit 1; }}; {REST}", "max_attempts": 3},
    {"id": "deaf", "run": f"{NOTE}; trap '' INT; {CHAT}; {REST}; {REST}; {CHAT}", "depends_on": ["moody"]},
    {"id": "family", "run": f"{NOTE}; (setsid sleep 1000 &); {CHAT}; {REST}", "depends_on": ["chat0", "again0"]},
    {"id": "end", "run": f"{NOTE}; {CHAT}", "depends_on": ["family", "deaf", "chat3"]},
]  # fmt: skip


async def main(project: Path) -> None:
    config = Config(max_agents=3, retry=Retry(backoff="50ms", max_backoff="50ms"))
    async with Engine.open(project, config=config) as engine:
        if not engine.journal.state.tasks:
            await engine.commands.enqueue_plan(PLAN)
        async for events in engine.journal.follow(0):
            for event in events:
                os.write(1, f"{event.position} {event.event_id_bytes.hex()}\n".encode())
            tasks = engine.journal.state.tasks.values()
            if all(task.status == "completed" or (task.status == "lost" and not after_loss(task)) for task in tasks):
                return


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
