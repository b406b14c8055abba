"""A terminal that stalls, or goes away, while agents run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from fakes.terminal import PATIENCE_S, Terminal

from core.engine import Desk
from core.events import TaskCompleted
from core.projections import State

CW = Path(sys.executable).with_name("cw")


def running(project: Path, command: str, *, controlling: bool = True) -> Terminal:
    plan = project / "plan.toml"
    plan.write_text(f'[[task]]\nid = "it"\nrun = "{command}"\n')
    return Terminal([CW, "-C", project, "run", plan], size=(200, 50), controlling=controlling)


async def state_of(project: Path) -> State:
    async with Desk.observe(project) as desk:
        return desk.queries.state


async def completed(project: Path) -> None:
    async with Desk.observe(project) as desk, asyncio.timeout(PATIENCE_S):
        async for _ in desk.journal.log.subscribe(types=[TaskCompleted.type]):
            return


@pytest.mark.parametrize("controlling", [True, False], ids=["with a hangup", "silently"])
def test_when_the_terminal_is_gone_the_session_ends_and_its_task_is_queued_again(
    tmp_path: Path, controlling: bool
) -> None:
    terminal = running(tmp_path, "sleep 600", controlling=controlling)
    try:
        terminal.wait_for("running 1")
        terminal.unplug()
        assert terminal.process.wait(PATIENCE_S) == 130
    finally:
        terminal.close()
    state = asyncio.run(state_of(tmp_path))
    assert state.tasks["T-1"].status == "queued"
    assert state.sessions["S-1"].status == "closed"


def test_a_terminal_that_stalls_holds_nobody_up_and_is_drawn_anew_when_it_goes_on(tmp_path: Path) -> None:
    terminal = running(tmp_path, "for i in $(seq 150); do echo $i $i $i; sleep 0.05; done")
    try:
        terminal.wait_for("running 1")
        asyncio.run(completed(tmp_path))  # nobody reads what the terminal shows meanwhile
        terminal.wait_for("done 1 ")
        terminal.wait_until_quiet()
        assert "100%" in terminal.text
        assert all(panel in terminal.text for panel in ("1 Agents", "2 Queue", "3 Events", "4 Detail", "5 Timeline"))
        assert "150 150 150" in terminal.text
    finally:
        terminal.close()
