"""What a start imports: libraries that take most of a second have to wait until somebody needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LATER = ("acp", "httpx2", "mcp", "starlette", "uvicorn")

FIRST_FRAME = """
import asyncio
import sys

from core.engine import Engine
from tui.app import CodewalkersApp


async def main():
    async with Engine.open(sys.argv[1]) as engine:
        app = CodewalkersApp(engine)
        async with app.run_test() as pilot:
            await pilot.pause()
            assert "Queue" in "".join(strip.text for strip in app.screen._compositor.render_strips(app.size))
            print(sorted(set(sys.argv[2:]) & set(sys.modules)))


asyncio.run(main())
"""

CALL = """
import contextlib
import sys

from tui.entry import main

_, argument, *later = sys.argv
sys.argv = ["cw", argument]
with contextlib.suppress(SystemExit):
    main()
print(sorted(set(later) & set(sys.modules)))
"""


def last_line(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return done.stdout.splitlines()[-1]


def test_the_first_frame_comes_without_what_only_agents_need(tmp_path: Path) -> None:
    assert last_line(FIRST_FRAME, str(tmp_path), *LATER) == "[]"


def test_the_version_is_told_without_anything_else() -> None:
    assert last_line(CALL, "--version", *LATER, "core.engine", "pydantic", "textual", "typer") == "[]"


def test_the_help_is_told_without_what_only_agents_need() -> None:
    assert last_line(CALL, "--help", *LATER, "watchfiles") == "[]"
