"""Frames, one-line displays, spans, columns and inks."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App
from textual.color import Color
from textual.containers import Horizontal

from core.projections import records
from tui import theme
from tui.text import UNICODE, label, literal, sanitize
from tui.theme.ink import INKS, Ink, palette, status_ink
from tui.widgets.columns import Column, arrange, header, lay_out
from tui.widgets.oneline import OneLine, one_line
from tui.widgets.panel import Frame, Panel, title_line
from tui.widgets.rows import table
from tui.widgets.spans import Span, content_of, fit, text_of, width_of
from tui.widgets.virtual_list import VirtualList
from tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.theme import Theme

texts = st.text(max_size=12).map(sanitize)
spans = st.lists(st.builds(Span, texts, st.sampled_from(["plain", "failed"])), max_size=6)
EDGE = literal("─")


class Names(VirtualList[str]):
    def render_row(self, row: str, width: int) -> Iterable[Span]:
        return (Span(label(row)),)


class PanelApp(App[None]):
    CSS_PATH = theme.STYLESHEET

    def __init__(self) -> None:
        super().__init__()
        theme.register(self)
        self.agents = Panel(Names(), frame=Frame(literal("Agents"), 1, (Span(literal("6")),)))
        self.queue = Panel(Names(), frame=Frame(literal("Queue"), 2))
        self.line = OneLine()

    def compose(self) -> ComposeResult:
        yield self.line
        with Horizontal():
            yield self.agents
            yield self.queue

    def on_mount(self) -> None:
        for names in self.query(Names):
            names.show(table(("ada", "bob"), key=str))


def drawn(app: PanelApp) -> list[str]:
    """The whole screen, as a terminal would get it."""
    return [strip.text for strip in app.screen._compositor.render_strips(app.size)]


async def test_the_frame_has_name_left_counts_right_and_a_heavy_edge_around_the_focus() -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        app.agents.focus_inside()
        await pilot.pause()
        assert drawn(app)[1] == "┏━ 1 Agents ━━━━━ 6 ━┓╭─ 2 Queue ──────────╮"
        assert drawn(app)[2] == "┃▌ada                ┃│▌ada                │"
        app.queue.focus_inside()
        await pilot.pause()
        assert drawn(app)[1] == "╭─ 1 Agents ───── 6 ─╮┏━ 2 Queue ━━━━━━━━━━┓"


async def test_the_past_is_in_the_title_and_in_the_colour_of_the_frame() -> None:
    app = PanelApp()
    async with app.run_test(size=(64, 6)) as pilot:
        await pilot.pause()
        live = app.agents.styles.border_top
        app.agents.show_frame(Frame(literal("Agents"), 1, (Span(literal("6")),), past=literal("14:32:05")))
        await pilot.pause()
        assert drawn(app)[1].startswith("┏━ 1 Agents PAST 14:32:05 ━ 6 ━┓")
        assert app.agents.styles.border_top[1] != live[1]
        app.agents.show_frame(Frame(literal("Agents"), 1))
        await pilot.pause()
        assert drawn(app)[1].startswith("┏━ 1 Agents ━━━")
        assert app.agents.styles.border_top == live


async def test_the_title_fits_whatever_the_size() -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        for width in (80, 30, 16, 8, 4, 44):
            await pilot.resize_terminal(width, 6)
            await pilot.pause()
            assert all(cell_len(line) == width for line in drawn(app))


async def test_a_click_on_the_frame_focuses_what_is_inside() -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        app.set_focus(None)
        await pilot.click(app.queue, offset=(0, 3))
        assert app.queue.has_pseudo_class("focus-within")


async def test_ascii_terminals_get_ascii_alone() -> None:
    app = PanelApp()
    app.add_class(theme.ASCII_CLASS)
    async with app.run_test(size=(44, 6)) as pilot:
        await pilot.pause()
        assert "".join(drawn(app)).isascii()
        assert drawn(app)[1] == "+- >1 Agents ---- 6 -++- 2 Queue ----------+"


@settings(max_examples=200, deadline=None)
@given(st.builds(Frame, texts, st.none() | st.integers(1, 9), spans.map(tuple), st.none() | texts), st.integers(1, 60))
def test_titles_never_exceed_their_room(frame: Frame, room: int) -> None:
    assert width_of(title_line(frame, room, EDGE)) <= room


@settings(max_examples=200, deadline=None)
@given(spans, st.integers(0, 30))
def test_fitted_spans_are_exactly_as_wide_as_asked_and_a_cut_shows(line: list[Span], cells: int) -> None:
    fitted = fit(line, cells)
    assert width_of(fitted) == cells
    if width_of(line) > cells > 0:
        assert UNICODE.ellipsis in text_of(fitted)


def test_a_line_break_cannot_break_a_line() -> None:
    assert text_of(fit([Span(sanitize("a\nb"))], 5)) == "a↵b  "
    assert content_of([Span(sanitize("a\nb"))]).plain == "a↵b"


COLUMNS = (
    Column(literal("NAME"), 6, grow=2),
    Column(literal("AGE"), 4, align="right"),
    Column(literal("NOTE"), 4, grow=1, from_width=30),
)


def test_columns_have_fixed_places_and_share_what_is_left() -> None:
    row = (Span(label("ada")), Span(label("42")), (Span(label("a")), Span(label("bcdefghij"), "failed")))
    assert text_of(header(COLUMNS, 31)) == "NAME              AGE NOTE     "
    assert text_of(lay_out(COLUMNS, row, 31)) == "ada                42 abcdefgh…"
    assert text_of(lay_out(COLUMNS, row, 20)) == "ada               42"
    assert text_of(lay_out(COLUMNS, row, 8)) == "ada     "
    assert text_of(fit(lay_out(COLUMNS, row, 3), 3)) == "ad…"


@settings(deadline=None)
@given(st.integers(1, 200))
def test_columns_fill_the_table_exactly(width: int) -> None:
    places = arrange(COLUMNS, width)
    used = sum(cells for _, cells in places) + len(places) - 1
    assert used == width or len(places) == 1


@settings(max_examples=100, deadline=None)
@given(spans.map(tuple), spans.map(tuple), st.integers(0, 60))
def test_a_line_is_exactly_as_wide_as_its_widget(left: tuple[Span, ...], right: tuple[Span, ...], width: int) -> None:
    assert width_of(one_line(left, right, width)) == width


def test_the_left_end_of_a_line_gives_way() -> None:
    left, right = (Span(label("CODEWALKERS")),), (Span(label("LIVE")),)
    assert [text_of(one_line(left, right, width)) for width in (20, 12, 5, 4)] == [
        "CODEWALKERS     LIVE", "CODEWA… LIVE", "CODE…", "COD…",
    ]  # fmt: skip


async def test_a_line_is_drawn_and_an_equal_one_is_not() -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        app.line.show((Span(label("CODEWALKERS")),), (Span(label("LIVE")),))
        await pilot.pause()
        assert drawn(app)[0] == "CODEWALKERS" + " " * 29 + "LIVE"


@settings(max_examples=300, deadline=None)
@given(spans.map(tuple), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(line: tuple[Span, ...], width: int) -> None:
    line = tuple(Span(literal("").join(one.text.split("\n")), one.ink) for one in line)  # spans are one line
    wrapped = wrap(line, width)
    assert all(width_of(part) <= width for part in wrapped)
    assert "".join(map(text_of, wrapped)).replace(" ", "") == text_of(line).replace(" ", "")


def test_lines_break_between_words_across_spans_and_keep_their_inks() -> None:
    line = (Span(label("one tw")), Span(label("o three"), "failed"), Span(label("  verylongword x")))
    assert wrap(line, 8) == (
        (Span(label("one tw")), Span(label("o"), "failed")),
        (Span(label("three"), "failed"),),
        (Span(label("verylong")),),
        (Span(label("word x")),),
    )
    assert [text_of(part) for part in wrap((Span(sanitize("    indented")),), 9)] == ["    inden", "ted"]
    assert wrap((Span(label("漢字")),), 1) == ((), ())


def test_every_ink_has_a_look_and_every_status_an_ink() -> None:
    assert set(get_args(Ink)) == set(INKS)
    for status in (*get_args(records.AgentStatus), *get_args(records.TaskStatus)):
        assert (status_ink(status) == "unknown") == (status == "unknown")
    assert status_ink("a status of the future") == "unknown"


@pytest.mark.parametrize("name", ["codewalkers-dark", "codewalkers-light", "textual-dark", "nord", "ansi-dark"])
async def test_every_theme_draws_every_ink(name: str) -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        app.theme = name
        await pilot.pause()
        inks = palette(app.agents)
        assert set(inks) == set(INKS)
        assert inks["cursor"].bgcolor is not None
        assert inks["failed"].bgcolor is None


def contrast(one: Color, other: Color) -> float:
    """As https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio has it."""

    def luminance(color: Color) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("own", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
async def test_text_of_our_own_themes_is_readable(own: Theme) -> None:
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        app.theme = own.name
        await pilot.pause()
        background = app.agents.background_colors[1]
        for ink, style in palette(app.agents).items():
            if style.color is not None and ink not in {"ahead", "density-ahead", "faint", "stopped", "cancelled"}:
                assert contrast(Color.from_rich_color(style.color), background) >= (3 if ink == "density" else 4.5), ink


async def test_without_colours_everything_is_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = PanelApp()
    async with app.run_test(size=(44, 6)) as pilot:
        await pilot.pause()
        for strip in app.screen._compositor.render_strips(app.size):
            for segment in strip:
                for color in (segment.style and segment.style.color, segment.style and segment.style.bgcolor):
                    assert not color or not color.triplet or len(set(color.triplet)) == 1
