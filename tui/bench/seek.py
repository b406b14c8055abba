"""Time travel over a long log: folding all of it, opening it, getting to any moment of it, and what that weighs."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from core.engine import Desk
from core.history import Timeline
from core.history.index import FAILURES
from core.log import EventLog
from core.project import Project
from tui.bench.figures import Figure, Section, at_least, at_most, beside, figure
from tui.bench.looking import Looks, connected
from tui.bench.rounds import Effort, clock, in_thread, take_turns
from tui.bench.weighing import Weight
from tui.bench.workload import long_log

REPLAYED = at_least(250_000)
OPENED_MS = at_most(300)
JUMP_MS = at_most(3), at_most(8)
STEP_MS = at_most(0.05), None
FAILURE_MS = at_most(1), None
DENSITY_MS = at_most(2)
FILLED_MS = at_most(2_000)
MEMORY_MIB = at_most(400)
FEW_ROUNDS = 3  # for what takes seconds
BUCKETS = 200
STRETCH = "SELECT type, payload FROM events WHERE position > :at - 500 AND position <= :at"
ROW = "SELECT type, payload FROM events WHERE position = :at"
FAILED = f"type IN {tuple(sorted(FAILURES))}"
NEXT = f"SELECT position FROM events WHERE position > :at AND {FAILED} ORDER BY position LIMIT 1"  # noqa: S608  constants
PREVIOUS = f"SELECT position FROM events WHERE position < :at AND {FAILED} ORDER BY position DESC LIMIT 1"  # noqa: S608  constants
DENSITY = "SELECT (position - 1) * :buckets / :head AS bucket, count(*) FROM events GROUP BY bucket"


async def measure(effort: Effort) -> Section:
    """From folding everything to one step."""
    began = clock.monotonic()
    project = await long_log(effort)
    figures = (
        await _replayed(project.log, effort),
        await _opened(project, effort),
        *await _looked(project.log, effort),
        await _weighed(project.log),
    )
    about = (
        f"A log of {effort.events:,} events: mostly output, tasks with their tool calls and costs, some failures. "
        "Bare sqlite3 reads the rows that a moment needs and makes nothing of them"
    )
    return Section(name="seek", about=about, seconds=clock.monotonic() - began, figures=figures)


async def _replayed(path: Path, effort: Effort) -> Figure:
    async def ours() -> float:
        async with EventLog.open(path, read_only=True) as log:
            head = await log.head()
            began = clock.monotonic()
            await Timeline(log).state_at(head, cold=True)
            return head / (clock.monotonic() - began)

    def bare() -> float:
        with closing(connected(path)) as connection:
            began = clock.monotonic()
            rows = connection.execute("SELECT position, stream, type, payload FROM events ORDER BY position")
            return sum(1 for _ in rows) / (clock.monotonic() - began)

    values = await take_turns({"ours": ours, "bare": in_thread(bare)}, min(effort.rounds, FEW_ROUNDS))
    base = beside("bare sqlite3, every row read", values["ours"], values["bare"])
    return figure("replay, one core", "events/s", values["ours"], base, floor=REPLAYED)


async def _opened(project: Project, effort: Effort) -> Figure:
    """Opening for writing, beside folding everything."""
    async with Desk.open(project.root) as desk:  # what is kept for the next time is kept by now
        truth = (await desk.timeline.state_at(await desk.journal.log.head(), cold=True)).to_json()

    async def opened() -> float:
        began = clock.monotonic()
        async with Desk.open(project.root) as desk:
            took = clock.monotonic() - began
            if desk.journal.state.to_json() != truth:
                raise AssertionError("it was opened in another state than all events fold to")
        return 1000 * took

    async def folded() -> float:
        async with EventLog.open(project.log, read_only=True) as log:
            began = clock.monotonic()
            await Timeline(log).state_at(await log.head(), cold=True)
            return 1000 * (clock.monotonic() - began)

    values = await take_turns({"opened": opened, "folded": folded}, min(effort.rounds, FEW_ROUNDS))
    base = beside("folding every event", values["opened"], values["folded"])
    return figure("opened, in the correct state", "ms", values["opened"], base, floor=OPENED_MS)


async def _looked(path: Path, effort: Effort) -> list[Figure]:
    async with EventLog.open(path, read_only=True) as log:
        timeline, head = Timeline(log), await log.head()
        await timeline.index()
        began = clock.monotonic()
        await timeline.fill()
        filled = 1000 * (clock.monotonic() - began)
        looks = Looks(path, head, effort.rounds)
        return [
            figure("all keyframes brought into memory", "ms", [filled], floor=FILLED_MS),
            *await looks.compare(
                "jump anywhere", timeline.state_at, ("bare sqlite3, 500 rows read", STRETCH), floors=JUMP_MS
            ),
            *await looks.compare(
                "one step on", timeline.state_at, ("bare sqlite3, one row read", ROW), walk=+1, floors=STEP_MS
            ),
            *await looks.compare(
                "one step back", timeline.state_at, ("bare sqlite3, one row read", ROW), walk=-1, floors=STEP_MS
            ),
            *await looks.compare(
                "next failure", lambda at: timeline.find("failure", after=at), ("bare sqlite3, read on", NEXT),
                floors=FAILURE_MS,
            ),
            *await looks.compare(
                "previous failure", lambda at: timeline.find("failure", after=at, direction="previous"),
                ("bare sqlite3, read back", PREVIOUS), floors=FAILURE_MS,
            ),
            await _density(timeline, path, effort),
        ]  # fmt: skip


async def _density(timeline: Timeline, path: Path, effort: Effort) -> Figure:
    async def ours() -> float:
        began = clock.monotonic()
        await timeline.density(BUCKETS)
        return 1000 * (clock.monotonic() - began)

    def bare() -> float:
        with closing(connected(path)) as connection:
            began = clock.monotonic()
            connection.execute(DENSITY, {"buckets": BUCKETS, "head": effort.events}).fetchall()
            return 1000 * (clock.monotonic() - began)

    values = await take_turns({"ours": ours, "bare": in_thread(bare)}, effort.rounds)
    base = beside("bare sqlite3, every row counted", values["ours"], values["bare"])
    return figure(f"density of {BUCKETS} buckets", "ms", values["ours"], base, floor=DENSITY_MS)


async def _weighed(path: Path) -> Figure:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui.bench.weighing", path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await program.communicate()
    weight = msgspec.json.decode(out, type=Weight)
    base = beside("the program with the log read", [weight.timeline_mib], [weight.base_mib])
    return figure("memory of the timeline", "MiB", [weight.timeline_mib], base, floor=MEMORY_MIB)
