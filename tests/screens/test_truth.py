"""The past is true, a bug is found in it, and it holds still while the run goes on; `fakes/truth.py` at full size."""

from __future__ import annotations

import random
from pathlib import Path

from fakes.recorded import Step, history, one, recorded_engine
from fakes.screen import Session, looking
from fakes.truth import SIZE, differences, long_project

from core.engine import Engine
from core.events import AgentOutput, TaskCreated, TaskQueued

QUIET_EVENTS = 20_000
BATCHES = 30


def output(lines: int) -> list[AgentOutput]:
    return [AgentOutput(lines=(f"line {number}",), task_id="T-6") for number in range(lines)]


async def test_every_panel_of_any_past_moment_is_the_fold_from_the_first_event(tmp_path: Path) -> None:
    async with long_project(tmp_path, 6_000) as engine, looking(engine, SIZE) as session:
        positions = sorted(random.Random(1).sample(range(1, session.head), 12))
        assert await differences(session, positions) == []


async def test_the_second_of_three_failures_among_many_events_is_found_with_three_keys_and_left_with_one(
    tmp_path: Path,
) -> None:
    noise: list[Step] = [(1, [one("agent/coder-1", *output(1_000))]) for _ in range(QUIET_EVENTS // 1_000)]
    recorded = history()
    steps = [*recorded[:20], *noise, *recorded[20:]]
    (tmp_path / "web").mkdir()
    async with recorded_engine(tmp_path / "web", steps) as engine, looking(engine, (120, 50)) as session:
        faults = list(session.screen.feed.index.faults)
        assert len(faults) == 3
        await session.press("t", "home")
        start = session.position
        await session.press("e", "e", "enter")
        detail = session.text(session.screen.detail)
        assert session.position == faults[1]
        assert session.screen.focus_name == "detail"
        assert f"#{faults[1]:,}" in detail
        assert "ended by SIGSEGV" in detail
        causes = detail[detail.index("WHY") :]
        for cause in ("task:created", "task:claimed", "task:started", "task:failed"):
            assert cause in causes
        await session.press("backspace")
        assert session.position == faults[0]
        await session.press("backspace")
        assert session.position == start


async def test_while_the_run_goes_on_nothing_of_the_past_moves_but_how_much_is_new(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("e")
        position, head = session.position, session.head
        before = past(session)
        for number in range(BATCHES):
            created = TaskCreated(title=f"Came later {number}", command="true")
            await engine.journal.record(
                [one(f"task/T-{100 + number}", created, TaskQueued()), one("agent/coder-1", *output(8))], actor="user"
            )
            await session.pilot.pause(0)
        await session.press("?", "escape")
        grown = engine.journal.state.position
        assert grown == head + 10 * BATCHES
        assert session.position == position
        assert past(session) == before
        assert position is not None
        assert f"+{grown - position:,} new" in session.lines[0]
        await session.press("end")
        assert session.position is None
        assert session.screen.look.position == grown
        assert session.screen.look.state.to_json() == engine.journal.state.to_json()


def past(session: Session) -> list[str]:
    """What the panels of the moment show; the frame and the scroll bar of the events tell what there is by now."""
    screen = session.screen
    events = [line[:-2] for line in session.text(screen.events).splitlines()]
    return [session.text(panel) for panel in (screen.agents, screen.queue, screen.detail)] + events[1:]
