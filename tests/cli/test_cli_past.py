"""The past as it was: what the screen showed while the demo ran, and what is told of that moment afterwards.

`CW_MOMENTS` raises the number of moments that are looked at, `CW_SEED` chooses others.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.hurried_demo import hurry

from core.engine import Desk, Engine
from core.events import StoredEvent
from core.projections import State, Task
from core.settings import load_config
from tui.cli.headless import Headless
from tui.cli.printing import escaped
from tui.demo import demo_plan, make_demo

if TYPE_CHECKING:
    from conftest import Cw

MOMENTS = int(os.environ.get("CW_MOMENTS", "12"))
SEED = int(os.environ.get("CW_SEED", "20260102"))

Live = dict[int, State]


class Witness:
    """Sees what a reader sees, whenever something happens."""

    def __init__(self) -> None:
        self.live: Live = {}

    def tell(self, event: StoredEvent, state: State) -> None:
        self.live[state.position] = state

    def sum_up(self, tasks: Sequence[Task]) -> None:
        """It has seen enough."""


async def play(project: Path) -> Live:
    """Run the demo; every state that was seen, and the last one, by position."""
    config = load_config(project)
    crowd = {name: profile.model_copy(update={"max": 8}) for name, profile in config.profiles.items()}
    config = config.model_copy(update={"max_agents": 16, "profiles": crowd})
    witness = Witness()
    async with Engine.open(project, config=config) as engine, Headless(engine, witness) as headless:
        await headless.until_over([*(await engine.commands.enqueue_plan(demo_plan(project))).values()])
        last = engine.queries.state
    return witness.live | {last.position: last}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Live]:
    """A project in which the demo ran, and what was seen of it."""
    project = make_demo(tmp_path_factory.mktemp("demo"))
    hurry(project)
    return project, asyncio.run(play(project))


@pytest.fixture
def project(demo: tuple[Path, Live]) -> Path:
    return demo[0]


@pytest.fixture
def live(demo: tuple[Path, Live]) -> Live:
    return demo[1]


def told_of(state: State) -> str:
    return escaped(state.to_json().decode()) + "\n"


def some(moments: list[int]) -> list[int]:
    return random.Random(SEED).sample(moments, min(MOMENTS, len(moments)))


def test_a_moment_is_told_the_same_with_and_without_keyframes(cw: Cw, live: Live) -> None:
    for moment in some([*range(1, max(live) + 1)]):
        told = cw("state", "--at", str(moment))
        assert told.code == 0
        assert told.json["position"] == moment
        assert cw("state", "--at", str(moment), "--cold").out == told.out, f"at {moment}"


async def test_a_jump_over_keyframes_shows_what_a_fold_from_the_beginning_shows(
    project: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("keyframes", "stretch", "timeline"):
        monkeypatch.setattr(f"core.history.{module}.KEYFRAME_EVENTS", 25)
    async with Desk.observe(project) as desk:
        for moment in some([*range(1, max(live) + 1)]):
            jumped = await desk.timeline.state_at(moment)
            cold = await desk.timeline.state_at(moment, cold=True)
            assert jumped.to_json() == cold.to_json(), f"at {moment}"
        assert len(desk.timeline.keyframes), "there was something to jump over"


def test_what_was_seen_live_is_what_is_told_of_that_moment_afterwards(cw: Cw, live: Live) -> None:
    for moment in some([*live]):
        assert cw("state", "--at", str(moment)).out == told_of(live[moment]), f"at {moment}"


def test_the_state_at_the_head_is_the_last_one_that_was_live(cw: Cw, live: Live) -> None:
    assert cw("state").out == cw("state", "--cold").out == told_of(live[max(live)])
