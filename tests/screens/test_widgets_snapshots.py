"""How the widgets look together: live and past, dark and light, wide, narrow and in ASCII.

After a change that is meant to be seen: `pytest tests/screens --snapshot-update`, and look at the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.containers import Horizontal

from tui import theme
from tui.text import ago, clock_time, count, label, literal, money, pad, sparkline
from tui.theme.ink import status_ink
from tui.widgets.columns import Column, lay_out
from tui.widgets.oneline import OneLine
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice, table
from tui.widgets.spans import Span
from tui.widgets.strip_chart import StripChart
from tui.widgets.strip_layout import Gap, Mark, StripView, Tick
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from textual.app import ComposeResult
    from textual.pilot import Pilot

    Compare = Callable[..., bool]

START = datetime(2026, 1, 2, 14, 32, 5, tzinfo=UTC)
SPACE = Span(literal(" "))
LIVE, PAST = literal("LIVE"), literal("14:32:05")


@dataclass(frozen=True)
class Agent:
    name: str
    status: str
    doing: str
    since_ms: int
    cost: int


AGENTS = (
    Agent("reviewer", "waiting-permission", "rm -rf build", 9_000, 120_000),
    Agent("tester-1", "failed", "pytest -q tests/test_parser.py", 134_000, 3_100),
    Agent("coder-1", "busy", "edit src/parser.py +42 -7", 41_000, 4_180_000),
    Agent("coder-2", "idle", "", 3_720_000, 990_000),
    Agent("docs", "paused", "README usage section", 274_000_000, 12_000),
    Agent("漢字", "unknown", "[@click=app.bell] is text", 0, 0),
)


class Agents(VirtualList[Agent]):
    COLUMNS = (
        Column(literal("AGENT"), 9),
        Column(literal("STATUS"), 10),
        Column(literal("DOING"), 8, grow=1),
        Column(literal("SINCE"), 6, align="right"),
        Column(literal("COST"), 7, align="right", from_width=50),
    )

    def render_row(self, row: Agent, width: int) -> Iterable[Span]:
        ink = status_ink(row.status)
        cells = (
            (Span(self.glyphs.busy, ink), SPACE, Span(label(row.name))),
            Span(label(row.status), ink),
            Span(label(row.doing)),
            Span(ago(row.since_ms), "muted"),
            Span(money(row.cost), "muted"),
        )
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


class Queue(VirtualList[str]):
    EMPTY = Notice(
        "empty",
        ((Span(literal("no task waits"), "strong"),), (Span(literal("n"), "key"), Span(literal(" new task"), "muted"))),
    )


@dataclass(frozen=True)
class Log:
    length: int

    def __len__(self) -> int:
        return self.length

    def key(self, index: int) -> int:
        return index

    def row(self, index: int) -> int:
        return index

    def find(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) else None


class Events(VirtualList[int]):
    FOLLOWS = True

    def render_row(self, row: int, width: int) -> Iterable[Span]:
        kind = ("tool:called", "agent:output", "task:created", "task:failed", "file:changed")[row % 5]
        return (
            Span(clock_time(START + timedelta(milliseconds=37 * row), "millis"), "muted"),
            SPACE,
            Span(pad(label(f"coder-{row % 4}"), 9), "accent"),
            Span(pad(label(kind), 13), "failed" if kind == "task:failed" else "plain"),
            SPACE,
            Span(label(f"t_{row // 7:04} position {row} of a log that never ends " * 2)),
        )


STRIP = StripView(
    buckets=tuple((index * 7919) % 997 ** (index % 3) for index in range(240)),
    marks=(
        Mark(40, "failure", 3),
        Mark(90, "checkpoint"),
        Mark(130, "fork"),
        Mark(170, "bookmark"),
        Mark(210, "failure"),
    ),
    gaps=(Gap(120, literal("3h")),),
    ticks=(*(Tick(40 * index, label(f"{9 + index}:00")) for index in range(6)), Tick(239, literal("now"))),
)


class Dashboard(App[None]):
    CSS_PATH = theme.STYLESHEET
    CSS = "Horizontal { height: 10; } Horizontal Panel { width: 1fr; } #timeline { height: auto; }"
    past = False

    def __init__(self) -> None:
        super().__init__()
        theme.register(self)
        self.agents, self.queue, self.events = Agents(), Queue(), Events()
        self.header, self.strip = OneLine(), StripChart()

    def compose(self) -> ComposeResult:
        yield self.header
        with Horizontal():
            yield Panel(self.agents, frame=Frame(literal("Agents"), 1), id="agents")
            yield Panel(self.queue, frame=Frame(literal("Queue"), 2), id="queue")
        yield Panel(self.events, frame=Frame(literal("Events"), 3), id="events")
        yield Panel(self.strip, frame=Frame(literal("Timeline"), 5), id="timeline")

    def on_mount(self) -> None:
        self.agents.show(table(AGENTS, key=lambda agent: agent.name))
        self.queue.show(table((), key=str))
        self.events.show(Log(1_285_003))
        self.strip.show(replace(STRIP, playhead=150.0, playhead_label=PAST) if self.past else STRIP)
        self.frames()
        self.events.focus()

    def frames(self) -> None:
        when = Span(PAST, "past") if self.past else Span(LIVE, "live")
        rate = (Span(sparkline([3, 5, 2, 8, 9, 7, 12, 10], 8), "good"), SPACE, Span(money(4_180_000), "muted"))
        self.header.show((SPACE, Span(literal("CODEWALKERS"), "title")), (when, SPACE, *rate, SPACE))
        note = (Span(count(1_285_003), "muted"), SPACE, *self.events.badge)
        for name, number, right in (("agents", 1, ()), ("queue", 2, ()), ("events", 3, note), ("timeline", 5, ())):
            frame = Frame(label(name.title()), number, right, PAST if self.past else None)
            self.query_one(f"#{name}", Panel).show_frame(frame)

    def on_virtual_list_tail_changed(self) -> None:
        self.frames()

    def key_k(self) -> None:
        self.events.action_cursor_up()


def test_live(snap_compare: Compare) -> None:
    assert snap_compare(Dashboard(), terminal_size=(120, 36))


def test_scrolled_up_on_a_small_screen(snap_compare: Compare) -> None:
    app = Dashboard()

    async def look_back(pilot: Pilot[None]) -> None:
        app.screen.add_class("-narrow")
        await pilot.pause()
        app.events.action_page_up()
        app.events.show(Log(1_286_207))
        app.frames()

    assert snap_compare(app, terminal_size=(80, 24), run_before=look_back)


@pytest.mark.parametrize("name", ["codewalkers-dark", "codewalkers-light"])
def test_past(snap_compare: Compare, name: str) -> None:
    app = Dashboard()
    app.theme = name
    app.past = True
    assert snap_compare(app, press=["k", "k"], terminal_size=(120, 36))


def test_ascii(snap_compare: Compare) -> None:
    app = Dashboard()
    app.add_class(theme.ASCII_CLASS)
    app.past = True
    assert snap_compare(app, terminal_size=(80, 24))
