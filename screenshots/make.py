"""Make the pictures in this directory from the running program: `python screenshots/make.py`, about two minutes.

Runs the demo on the real engine, presses keys, and saves what the dashboard shows as SVG, and as PNG where
`resvg-py` is installed (`pip install -e '.[pictures]'`; the font is Fira Code when the machine has it).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from core.engine import Engine
from core.projections import State
from core.settings import load_config
from tui.app import CodewalkersApp
from tui.demo import demo_plan, make_demo

HERE = Path(__file__).parent
WIDE, SMALL = (120, 36), (80, 24)
PNG_WIDTH = 1600  # pixels


async def main() -> None:
    """Run the demo far enough to be worth looking at, and take the pictures."""
    with TemporaryDirectory() as directory:
        project = make_demo(Path(directory))
        async with Engine.open(project, config=load_config(project)) as engine:
            await engine.commands.enqueue_plan(demo_plan(project))
            app = CodewalkersApp(engine)
            async with app.run_test(size=WIDE) as pilot:
                await take_all(pilot, app, engine)


async def take_all(pilot: Pilot[int], app: CodewalkersApp, engine: Engine) -> None:
    """Every picture, in the order a newcomer would see them."""
    await until(engine, lambda state: state.task_counts.get("completed", 0) >= 12)
    await pilot.press("2", "j", "j")
    await save(pilot, app, "live")
    await pilot.resize_terminal(*SMALL)
    await save(pilot, app, "80x24")
    await pilot.resize_terminal(*WIDE)
    await pilot.press("n", *"Check the links", "tab", *"./check-links docs", "tab", "tab", "tab", "5")
    await save(pilot, app, "task-form")
    await pilot.press("escape", "question_mark")
    await save(pilot, app, "help")
    await pilot.press("escape", "t", "home", "e", "e", "e", "comma", "full_stop")
    await save(pilot, app, "past")
    await pilot.press("d", "e", "e", "d")
    await save(pilot, app, "diff")
    await pilot.press("escape", "escape", "slash", *"commit", "enter")
    await save(pilot, app, "search")
    await pilot.press("escape", "end")
    await until(engine, asks)
    await pilot.pause(1.0)  # until it is on the screen, too
    await pilot.press("w", "4", "z")
    await save(pilot, app, "question")
    await pilot.press("z")


def asks(state: State) -> bool:
    """Whether an agent waits for an answer."""
    return any(asked.status == "pending" for asked in state.permissions.values())


async def until(engine: Engine, reached: Callable[[State], bool]) -> None:
    """Return as soon as the state is so far."""
    async for _ in engine.journal.follow(0):
        if reached(engine.journal.state):
            return


async def save(pilot: Pilot[int], app: CodewalkersApp, name: str) -> None:
    """Write the picture once nothing moves but time."""
    await pilot.pause(1.0)
    svg = app.export_screenshot(title="cw", simplify=True)
    svg = re.sub(r"terminal-\d+", f"cw-{name}", svg)  # else every picture differs from the one before in every line
    await asyncio.to_thread((HERE / f"{name}.svg").write_text, svg, encoding="utf-8")
    png = await asyncio.to_thread(drawn, svg)
    if png is not None:
        await asyncio.to_thread((HERE / f"{name}.png").write_bytes, png)


def drawn(svg: str) -> bytes | None:
    """The picture as PNG; None without `resvg-py`."""
    try:
        import resvg_py
    except ImportError:
        return None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=PNG_WIDTH, monospace_family="Fira Code"))


if __name__ == "__main__":
    asyncio.run(main())
