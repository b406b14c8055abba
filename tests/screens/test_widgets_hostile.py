"""Whatever agents print, names included, no widget hands it to the terminal as anything but text."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.hostile import HARMFUL, HOSTILE
from fakes.terminal import Terminal
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from tui import theme
from tui.text import SafeText, label, sanitize
from tui.widgets.columns import Column, lay_out
from tui.widgets.oneline import OneLine
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice, table
from tui.widgets.spans import Span, fit, text_of
from tui.widgets.strip_chart import StripChart
from tui.widgets.strip_layout import Gap, Mark, StripView, Tick
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.app import ComposeResult


class Rows(VirtualList[SafeText]):
    COLUMNS = (
        Column(label(HOSTILE[0]), 8),
        Column(label(HOSTILE[6]), 10, grow=1),
        Column(label(HOSTILE[8]), 6, align="right"),
    )

    def render_row(self, row: SafeText, width: int) -> Iterable[Span]:
        return lay_out(self.COLUMNS, (Span(row, "failed"), (Span(row), Span(row, "muted")), Span(row)), width)


class HostileApp(App[None]):
    """Every widget, showing one text wherever a text can be shown."""

    CSS_PATH = theme.STYLESHEET

    def __init__(self) -> None:
        super().__init__()
        theme.register(self)
        self.rows, self.notes, self.strip, self.line = Rows(), Rows(), StripChart(), OneLine()
        self.panel = Panel(self.rows, self.notes, frame=Frame(label(""), 1))
        self.bells = 0

    def compose(self) -> ComposeResult:
        yield self.line
        yield self.panel
        yield self.strip

    def action_bell(self, *_: object) -> None:
        self.bells += 1

    def attack(self, text: SafeText) -> None:
        self.rows.show(table((text, SafeText(text + "2")), key=str))
        self.notes.show(Notice("error", ((Span(text),), (Span(text, "muted"),))))
        self.panel.show_frame(Frame(text, 1, (Span(text),), past=text))
        self.line.show((Span(text),), (Span(text, "bad"),))
        marks, gaps, ticks = (Mark(3, "failure", 2),), (Gap(5, text),), (Tick(0, text), Tick(9, text))
        self.strip.show(StripView((1, 5, 9, 2, 0, 1, 7, 7, 3, 1), 4.0, text, marks, gaps, ticks))

    def drawn(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips(self.size)]


def harmful(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs"}]


@pytest.mark.parametrize("cleaned", [True, False], ids=["as promised", "promise broken"])
async def test_no_widget_draws_a_harmful_character_or_loses_count(cleaned: bool) -> None:
    """Also when somebody casts unclean text to `SafeText`."""
    app = HostileApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for text in HOSTILE:
            app.attack(label(text, 200) if cleaned else SafeText(text))
            await pilot.pause()
            for line in app.drawn():
                assert harmful(line) == []
                assert cell_len(line) == 60


async def test_markup_is_text_and_no_action() -> None:
    app = HostileApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.attack(label("[@click=app.bell]click[/]"))
        await pilot.pause()
        assert "[@click=app.bell]" in "".join(app.drawn())
        places = [y for y, line in enumerate(app.drawn()) if "@click" in line]
        for y in places:
            await pilot.click(offset=(app.drawn()[y].index("@click") + 2, y))
        assert len(places) > 3
        assert app.bells == 0
        assert all("@click" not in segment.style.meta for y in range(24) for segment in _line(app, y) if segment.style)


def _line(app: HostileApp, y: int) -> list[object]:
    return list(app.screen._compositor.render_strips(app.size)[y])


async def test_copied_text_is_as_clean_as_shown_text() -> None:
    app = HostileApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.attack(SafeText(HOSTILE[0] + HOSTILE[8]))
        await pilot.pause()
        app.rows.text_select_all()
        await pilot.pause()
        copied = app.screen.get_selected_text()
        assert copied
        assert harmful(copied.replace("\n", "")) == []


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE[:-2]) | st.text(max_size=6), max_size=5), st.integers(0, 40))
def test_no_span_gets_through_unclean(texts: list[str], width: int) -> None:
    for spans in ([Span(SafeText(text)) for text in texts], [Span(sanitize(text)) for text in texts]):
        line = text_of(fit(spans, width))
        assert harmful(line) == []
        assert cell_len(line) == width


class Victim(HostileApp):
    """Shows one text after the other with every key, as promised and with the promise broken."""

    turn = -1

    def compose(self) -> ComposeResult:
        yield OneLine(id="turn")
        yield from super().compose()

    def on_mount(self) -> None:
        self.next()

    def on_key(self, event: events.Key) -> None:
        if event.key == "q":
            self.exit()
        else:
            self.next()

    def next(self) -> None:
        self.turn += 1
        text = HOSTILE[self.turn // 2 % len(HOSTILE)]
        self.attack(SafeText(text) if self.turn % 2 else label(text, 200))
        self.query_one("#turn", OneLine).show((Span(label(f"turn {self.turn:03}")),))


def test_no_hostile_byte_reaches_a_real_terminal() -> None:
    here = Path(__file__).parent
    terminal = Terminal(
        [sys.executable, "-c", "from test_widgets_hostile import Victim; Victim().run()"],
        size=(60, 24),
        environment={"PYTHONPATH": os.pathsep.join(map(str, (here, here.parent, here.parent.parent)))},
    )
    try:
        for turn in range(2 * len(HOSTILE)):
            terminal.wait_for(f"turn {turn:03}")
            terminal.press("n")
        terminal.press("q")
        output = terminal.rest()
    finally:
        terminal.close()
    assert b"[@click=app.bell]" in output
    assert [bytes_ for bytes_ in (*HARMFUL, b"PWNED", b"UFdORUQ") if bytes_ in output] == []
