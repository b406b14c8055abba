"""The whole program in a real terminal, its agents doing their worst."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil
import pytest
from fakes.hostile import HARMFUL, HOSTILE
from fakes.terminal import Terminal

MEMORY = 250_000_000
"""Bytes; a dashboard that held on to the flood would need more."""
FLOOD = 100_000_000

PRINTER = f"""
import re
import sys
out = sys.stdout.buffer
for text in {HOSTILE!r}:
    out.write(text.encode("utf-8", "surrogatepass") + b"\\n")
out.write(b"\\xff\\xfe\\x80 invalid \\xc3\\x28\\n")
out.flush()
"""
FLOODER = f"""
import re
import sys
for _ in range({FLOOD} // 1_000_000):
    sys.stdout.write("[/]x" * 250_000)
"""
PLAN = """
[[task]]
id = "said"
title = "prints \\u001b]52;c;UFdORUQ=\\u0007 [@click=app.bell]click[/]"
run = "'{python}' printer.py # \\u202e"

[[task]]
id = "died"
run = "'{python}' printer.py >&2; exit 3"

[[task]]
id = "flood"
title = "[/] flood"
depends_on = ["said"]
run = "'{python}' flooder.py"

[[task]]
id = "over"
title = "everything \\u001b]0;PWNED\\u0007 said"
depends_on = ["flood"]
run = "echo done"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "printer.py").write_text(PRINTER)
    (tmp_path / "flooder.py").write_text(FLOODER)
    (tmp_path / "plan.toml").write_text(PLAN.format(python=sys.executable))
    return tmp_path


def test_nothing_agents_print_reaches_the_terminal_raw_and_keys_still_answer(project: Path) -> None:
    cw = Path(sys.executable).with_name("cw")
    terminal = Terminal([cw, "-C", project, "run", project / "plan.toml"], size=(120, 36))
    try:
        terminal.wait_for("[/] flood")
        terminal.press("?")
        terminal.wait_for("TIME TRAVEL")
        terminal.press(ESCAPE)
        terminal.wait_for(without("TIME TRAVEL"))
        terminal.wait_for("done 3")
        memory = psutil.Process(terminal.process.pid).memory_info().rss
        for keys, answer in WALK:
            terminal.press(keys)
            terminal.wait_for(answer)
            terminal.wait_until_quiet()
        terminal.press("q")
        output = terminal.rest()
        assert terminal.process.wait() == 0
    finally:
        terminal.close()
    assert [bytes_ for bytes_ in HARMFUL if bytes_ in output] == []
    assert b"[@click=app.bell]" in output
    assert memory < MEMORY


def without(text: str) -> re.Pattern[str]:
    """A screen that does not show this: an escape is over before the next key, which it would else be taken for."""
    return re.compile(rf"\A(?![\s\S]*{re.escape(text)})")


ESCAPE, HOME, END = "\x1b", "\x1b[H", "\x1b[F"
WALK = (
    ("1", "┏━ 1 Agents"),
    ("2", "┏━ 2 Queue"),
    ("w", "── T-2 died"),
    ("\r", "┏━ 4 Detail"),
    ("3", "┏━ 3 Events"),
    ("g", "#1 "),
    ("\r", "┏━ 4 Detail"),
    (ESCAPE, "┏━ 3 Events"),
    ("t", "┏━ 5 Timeline PAST"),
    ("e", "task:failed  task/"),
    (HOME, "session:started  session/S-1"),
    ("..", "#3  2"),
    (END, "● LIVE"),
    ("/", "list only such events"),
    ("type:agent:output\r", " found  "),
    (ESCAPE, re.compile(r"━ \d+ ▼ follow")),
    ("2", "T-2 died"),
    ("n", "New task"),
    (ESCAPE, without("New task")),
    ("s", "Spawn"),
    (ESCAPE, without("Spawn")),
    (":", "T-17"),
    (ESCAPE, without("T-17")),
)
