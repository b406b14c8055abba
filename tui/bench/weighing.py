"""What the timeline of a long log takes in memory: a program of its own, so that nothing else is weighed.

python -m tui.bench.weighing EVENTS_DB
"""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from core.history import Timeline
from core.log import EventLog
from core.log.filters import Span

MOMENTS = 200
MIB = 1 << 20


class Weight(Struct, frozen=True):
    """Resident memory in MiB."""

    base_mib: float
    """With the log open, and SQLite's own cache full."""
    timeline_mib: float
    """More than that, once the timeline was at moments all over the log."""


async def weigh(path: Path) -> Weight:
    """Open the log and travel through it."""
    async with EventLog.open(path, read_only=True) as log:
        head = await log.head()
        async for _ in log.reader.labels(branch="main", span=Span(0, head)):
            pass
        base = _resident_mib()
        timeline = Timeline(log)
        await timeline.index()
        for number in range(MOMENTS + 1):
            await timeline.state_at(head * number // MOMENTS)
        return Weight(base, _resident_mib() - base)


def _resident_mib() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / MIB


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(weigh(Path(sys.argv[1])))))
