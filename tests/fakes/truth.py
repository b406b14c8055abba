"""What the screen shows of random past moments, against a fold of the log from its first event, without keyframes.

.venv/bin/python tests/fakes/truth.py [EVENTS] [MOMENTS]      1,000,000 events and 500 moments when not said
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.long_history import PassingClock, write_history
from fakes.recorded import engine_on
from fakes.screen import Session, looking, settled

from core.engine import Engine
from core.log import EventLog
from core.project import Project
from core.projections import State, fold
from tui.widgets.virtual_list import VirtualList

SIZE = (160, 60)


@dataclass(frozen=True)
class Shown:
    """A moment: its state and the one before it as digests, and what the panels show of it."""

    state: bytes
    before: bytes
    panels: tuple[str, ...]


@asynccontextmanager
async def long_project(directory: Path, events: int) -> AsyncIterator[Engine]:
    """An engine on a project with a history of so many events."""
    clock, project = PassingClock(), Project(directory)
    await asyncio.to_thread(project.prepare)
    async with EventLog.open(project.log, clock=clock) as log:
        await write_history(log, clock, events)
    async with engine_on(directory) as engine:
        yield engine


async def differences(session: Session, positions: list[int], seed: int = 3) -> list[str]:
    """What is not as it was: visits the positions in any order, then goes live."""
    cold: dict[int, Shown] = {}
    async for before, state in _cold_states(session.screen.engine.journal.log, positions):
        cold[state.position] = await _shown(session, state, before)
    wrong: list[str] = []
    for position in random.Random(seed).sample(positions, len(positions)):
        wrong += await _visit(session, position, cold[position])
    await session.press("end")
    engine = session.screen.engine
    at_head = [state async for _, state in _cold_states(engine.journal.log, [session.head])]
    if session.position is not None or session.screen.look.state.to_json() != at_head[0].to_json():
        wrong.append("live is not the fold of everything")
    return wrong


async def _visit(session: Session, position: int, cold: Shown) -> list[str]:
    await session.screen.travel.jump(position)
    await settled(session.pilot)
    queries, look = session.screen.engine.queries, session.screen.look
    if look.position != position:
        return [f"{position}: the screen is at {look.position}"]
    travelled = await _shown(session, look.state, await queries.state_at(position - 1))
    wrong = [f"{position}: another state"] if travelled.state != cold.state else []
    wrong += [f"{position}: another state before it"] if travelled.before != cold.before else []
    for was, now in zip(cold.panels, travelled.panels, strict=True):
        if was != now:
            wrong.append(f"{position}: not\n{was}\nbut\n{now}")
    return wrong


async def _shown(session: Session, state: State, before: State) -> Shown:
    """Show a state as what is there, and read every panel that is made of one, from its first row on."""
    screen = session.screen
    screen.playhead.step_to(state.position)  # else the next frame shows what is now
    screen.look = screen.looks.past(state, state.position, before=None)
    screen.paint()
    for rows in (screen.agents.list, screen.queue.list):
        assert isinstance(rows, VirtualList)
        rows.move_to(0)
    await settled(session.pilot)
    panels = tuple(session.text(panel) for panel in (screen.agents, screen.queue))
    return Shown(_digest(state), _digest(before), panels)


def _digest(state: State) -> bytes:
    return sha256(state.to_json()).digest()


async def _cold_states(log: EventLog, positions: list[int]) -> AsyncIterator[tuple[State, State]]:
    """The state before each position and the one at it, in order, event by event from the first one on."""
    wanted, before = set(positions), State.empty()
    async for event in log.read(up_to=max(positions)):
        state = fold(before, event)
        if event.position in wanted:
            yield before, state
        before = state


async def main(events: int, moments: int) -> int:
    """Print what is different; 1 when anything is."""
    with tempfile.TemporaryDirectory() as directory:
        async with long_project(Path(directory), events) as engine, looking(engine, SIZE) as session:
            positions = sorted(random.Random(events).sample(range(1, session.head), moments))
            wrong = await differences(session, positions)
    for line in wrong:
        print(line)
    print(f"{len(wrong)} differences at {moments} of {events:,} positions")
    return int(bool(wrong))


if __name__ == "__main__":
    numbers = [int(argument.replace(",", "").replace("_", "")) for argument in sys.argv[1:]]
    sys.exit(asyncio.run(main(*[*numbers, *(1_000_000, 500)[len(numbers) :]])))
