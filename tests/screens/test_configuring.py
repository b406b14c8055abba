"""The configuration is changed while the dashboard runs: it says so, and uses the keys that are configured now."""

from __future__ import annotations

from pathlib import Path

from fakes.screen import ROUNDS, Session, looking

from core.config import CONFIG_NAME
from core.engine import Engine
from tui.screens.dashboard import FRAME_S


async def until_shown(session: Session, text: str, *, shown: bool = True) -> None:
    """Return when the screen shows this text, or does so no more."""
    for _ in range(ROUNDS):
        if (text in "\n".join(session.lines)) is shown:
            return
        await session.pilot.pause(FRAME_S)
    raise AssertionError("\n".join(session.lines))


async def test_a_change_is_said_and_a_mistake_until_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / CONFIG_NAME
    said = "codewalkers.toml was read, and is in force from here on"
    async with Engine.open(tmp_path) as engine, looking(engine) as session:
        file.write_text('[keys]\nquit = ["f9"]\n')
        await until_shown(session, said)
        assert "f9" in session.lines[-1], "the footer has the new key"
        file.write_text("max_agent = 3\n")
        wrong = "CONFIGURATION codewalkers.toml:1: max_agent: there is no such key; what was in force stays so"
        await until_shown(session, wrong)
        session.screen.status._left = 1  # time passes
        await until_shown(session, said, shown=False)
        assert wrong in "\n".join(session.lines)
        file.write_text("max_agents = 3\n")
        await until_shown(session, said)
        await until_shown(session, "CONFIGURATION", shown=False)


async def test_keys_that_cannot_be_leave_the_old_ones(tmp_path: Path) -> None:
    async with Engine.open(tmp_path) as engine, looking(engine) as session:
        (tmp_path / CONFIG_NAME).write_text('[keys]\nquit = ["x"]\n')
        await until_shown(session, "CONFIGURATION keys.quit: 'x' would mean both cancel and quit; the keys stay")
        await session.press("?")
        assert session.app.screen is not session.screen
