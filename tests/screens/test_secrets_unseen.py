"""Secrets of agents are on no screen: not in a conversation, unfolded and word for word, in a question or an event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.acp_stage import acp, prompted, until_asked
from fakes.screen import Session, looking
from fakes.stage import opened, until_over

from core.config import Profile
from core.engine import Engine

CONFIGURED, SHAPED = "canary-3f9c6e1d7b", "sk-ant-" + "a1B2" * 8
ENV = {"TOKEN": CONFIGURED, "SHAPED": SHAPED}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """Agents did with their secrets what they should not, and one asks for something with them in it."""
    async with opened(tmp_path / "webshop", agent=acp(env=ENV), guarded=Profile(env=ENV)) as engine:
        over = [
            await engine.commands.enqueue("print", command='echo "$TOKEN $SHAPED"', profile="guarded"),
            await engine.commands.enqueue("fail", command='echo "$TOKEN" >&2; exit 3', profile="guarded"),
            await prompted(engine, "env TOKEN"),
            await prompted(engine, "env SHAPED"),
        ]
        await until_over(engine, *over)
        await prompted(engine, "ask-with TOKEN")
        await until_asked(engine)
        yield engine


def spilled(session: Session) -> list[str]:
    shown = "".join(line.strip(" │┃▌╭╮╰╯┏┓┗┛") for line in session.lines)
    shown += session.screen.detail.text + session.screen.detail.text_here
    return [secret for secret in (CONFIGURED, SHAPED) if secret in shown]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_no_screen_shows_a_secret(engine: Engine, size: tuple[int, int]) -> None:
    redacted = False
    async with looking(engine, size) as session:
        for keys in (("w",), ("z", "O"), ("R",), ("pageup",), ("pageup",), ("z", "i"), ("escape", "dollar_sign")):
            await session.press(*keys)
            assert spilled(session) == [], keys
            redacted = redacted or "[REDACTED:" in session.screen.detail.text
        for number in range(1, 5):
            session.screen.queue.list.move_to_key(f"T-{number}")
            await session.press("2", "enter", "O")
            assert spilled(session) == [], number
        await session.press("1", "comma")
        while session.position:
            await session.press("3", "comma")
            assert spilled(session) == [], session.position
            await session.press(*["("] * 5)
    assert redacted, "it was looked for where it had been"
