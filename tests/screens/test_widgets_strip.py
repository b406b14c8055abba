"""The strip: nothing is lost between buckets and cells, failures are seen, and the mouse finds its moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from tui import theme
from tui.text import ASCII, UNICODE, Glyphs, label, literal
from tui.widgets.spans import text_of
from tui.widgets.strip_chart import StripChart
from tui.widgets.strip_layout import Gap, Mark, StripView, Tick, arrange, bucket_at, cell_of, draw

if TYPE_CHECKING:
    from textual.app import ComposeResult

HOURS = literal("3h")
bucket = st.integers(-2, 90)
views = st.builds(
    StripView,
    buckets=st.lists(st.integers(0, 10**7), max_size=80).map(tuple),
    playhead=st.none() | st.floats(-5, 100),
    playhead_label=st.none() | st.just(literal("14:32:05")),
    marks=st.lists(
        st.builds(Mark, bucket, st.sampled_from(["failure", "checkpoint", "fork", "bookmark"]), st.integers(1, 5000)),
        max_size=12,
    ).map(tuple),
    gaps=st.lists(st.integers(0, 80), unique=True, max_size=6).map(
        lambda places: tuple(Gap(place, HOURS) for place in sorted(places))
    ),
    ticks=st.lists(st.builds(Tick, bucket, st.sampled_from([label("14:00"), label("now")])), max_size=6).map(tuple),
)


def lines(view: StripView, width: int, rows: int = 3, glyphs: Glyphs = UNICODE) -> list[str]:
    return [text_of(line) for line in draw(view, width, rows, glyphs)]


@settings(max_examples=400, deadline=None)
@given(views, st.integers(0, 130), st.integers(0, 4), st.sampled_from([UNICODE, ASCII]))
def test_every_row_is_exactly_as_wide_as_asked(view: StripView, width: int, rows: int, glyphs: Glyphs) -> None:
    drawn = lines(view, width, rows, glyphs)
    assert len(drawn) == min(rows, 3) or not view.buckets or not width
    assert all(cell_len(line) == width for line in drawn)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 300), st.lists(st.integers(1, 300), unique=True, max_size=5), st.integers(1, 130))
def test_every_bucket_has_a_cell_and_is_found_from_it(buckets: int, gaps: list[int], width: int) -> None:
    cells = arrange(buckets, tuple(Gap(place, HOURS) for place in sorted(gaps)), width)
    assert len(cells) == width
    covered = [index for cell in cells if not cell.gap for index in range(cell.first, cell.last)]
    assert set(covered) == set(range(buckets))
    if not gaps and width <= buckets:
        assert len(covered) == buckets  # events are counted once
    for index in range(buckets):
        cell = cells[cell_of(cells, index)]
        assert not cell.gap
        assert cell.first <= index < cell.last
    for index, cell in enumerate(cells):
        if not cell.gap:
            assert cell_of(cells, bucket_at(cells, index)) == index


@settings(max_examples=200, deadline=None)
@given(views, st.integers(20, 130), st.integers(1, 3))
def test_a_failure_is_never_hidden(view: StripView, width: int, rows: int) -> None:
    if view.buckets:
        drawn = lines(replace(view, marks=(*view.marks, Mark(len(view.buckets) // 2, "failure"))), width, rows)
        assert rows == 1 or "✗" in drawn[1]
        assert rows > 1 or "✗" in drawn[0]


VIEW = StripView(
    buckets=(1, 10, 100, 1000, 0, 0, 1000, 100, 10, 1),
    gaps=(Gap(5, HOURS),),
    ticks=(Tick(0, label("14:00")), Tick(9, label("now"))),
)


def test_live() -> None:
    assert lines(VIEW, 24) == [
        "▁▁▃▃▆▆██  ┊3h┊  ██▆▆▃▃▁▁",
        "├─────────┊3h┊────────┼●",
        "14:00                now",
    ]


def test_the_past_marks_the_playhead_and_draws_what_is_ahead_differently() -> None:
    past = replace(VIEW, playhead=3.0, playhead_label=label("14:32:05"))
    assert lines(past, 24) == [
        "▁▁▃▃▆▆██  ┊3h┊  ██▆▆▃▃▁▁",
        "├─────▲╌╌╌┊3h┊╌╌╌╌╌╌╌╌┼┤",
        "  14:32:05           now",
    ]
    density = draw(past, 24, 3)[0]
    assert [span.ink for span in density] == ["density", "playhead", "density-ahead", "faint", "density-ahead"]


def test_marks_share_cells_by_rank_and_failures_are_counted_where_there_is_room() -> None:
    marks = (
        Mark(0, "checkpoint"), Mark(2, "failure", 2), Mark(2, "failure"), Mark(2, "bookmark"), Mark(6, "fork"),
        Mark(6, "checkpoint"), Mark(8, "bookmark"), Mark(9, "failure", 1204),
    )  # fmt: skip
    marked = replace(VIEW, marks=marks)
    assert lines(marked, 24)[1] == "◆───✗3────┊3h┊──⑂───⚑─✗●"
    assert lines(marked, 24, 1) == ["◆▁▃▃✗3██  ┊3h┊  ⑂█▆▆⚑▃✗●"]
    assert lines(marked, 24, 3, ASCII)[1] == "c---x3----:3h:--Y---b-x*"


def test_a_fresh_failure_flashes() -> None:
    spans = draw(replace(VIEW, marks=(Mark(2, "failure", fresh=True), Mark(2, "failure"))), 24, 1)[0]
    assert [span.text for span in spans if span.ink == "flash"] == ["✗"]


def test_a_mark_under_the_playhead_stays_readable() -> None:
    spans = draw(replace(VIEW, playhead=2.0, marks=(Mark(2, "failure", 3),)), 24, 1)[0]
    assert [span.text for span in spans if span.ink == "playhead"] == ["✗"]


def test_one_event_is_seen_beside_a_million() -> None:
    assert lines(StripView((1, 0, 1_000_000)), 3, 1) == ["▁ ●"]


def test_too_many_gaps_shrink_and_then_go() -> None:
    gaps = tuple(Gap(place, HOURS) for place in range(1, 9))
    assert lines(replace(VIEW, gaps=gaps), 40)[0].count("3h") == 0
    assert lines(replace(VIEW, gaps=gaps), 40)[0].count("┊") == 8
    assert "┊" not in lines(replace(VIEW, gaps=gaps), 20)[0]


class StripApp(App[None]):
    CSS_PATH = theme.STYLESHEET

    def __init__(self) -> None:
        super().__init__()
        theme.register(self)
        self.strip = StripChart()
        self.said: list[tuple[float, float, bool, bool]] = []

    def compose(self) -> ComposeResult:
        yield self.strip

    def on_strip_chart_scrubbed(self, event: StripChart.Scrubbed) -> None:
        self.said.append((event.bucket, event.fraction, event.end, event.final))


async def test_the_mouse_scrubs_also_outside_the_strip() -> None:
    app = StripApp()
    async with app.run_test(size=(24, 5)) as pilot:
        app.strip.show(VIEW)
        await pilot.mouse_down(app.strip, offset=(4, 0))
        await pilot.hover(app.strip, offset=(5, 4))
        await pilot.hover(app.strip, offset=(23, 1))
        await pilot.mouse_up(app.strip, offset=(23, 1))
        await pilot.hover(app.strip, offset=(1, 1))
        await pilot.pause()
        assert app.said == [
            (2.0, 0.2, False, False),
            (2.5, 0.25, False, False),
            (9.5, 0.95, True, False),
            (9.5, 0.95, True, True),
        ]


async def test_scrubbing_nothing_says_nothing() -> None:
    app = StripApp()
    async with app.run_test(size=(24, 5)) as pilot:
        await pilot.click(app.strip, offset=(4, 0))
        assert app.said == []


async def test_the_widget_knows_columns_and_is_as_high_as_its_styles() -> None:
    app = StripApp()
    async with app.run_test(size=(24, 5)) as pilot:
        app.strip.show(VIEW)
        await pilot.pause()
        assert [app.strip.render_line(y).text for y in range(3)] == lines(VIEW, 24)
        assert (app.strip.playhead_cell, app.strip.bucket_at(4), app.strip.bucket_at(99)) == (23, 2.0, 9.5)
        app.strip.show(replace(VIEW, playhead=3.0))
        assert app.strip.playhead_cell == 6
        app.screen.add_class("-narrow")
        await pilot.pause()
        assert app.strip.size.height == 1
        assert app.strip.render_line(0).text == "▁▁▃▃▆▆▲█  ┊3h┊  ██▆▆▃▃▁▁"
        app.add_class(theme.ASCII_CLASS)
        await pilot.pause()
        assert app.strip.render_line(0).text.isascii()
