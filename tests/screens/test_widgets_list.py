"""The virtual list on a screen: cursor, following, mouse, selecting, notices, and the cost of a million rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.screen import Screen

from tui import theme
from tui.text import label, literal
from tui.widgets.columns import Column, lay_out
from tui.widgets.rows import Notice, table
from tui.widgets.spans import Span
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from textual.app import ComposeResult
    from textual.pilot import Pilot


@dataclass(frozen=True)
class Log:
    """Rows as long as it is, none of which exists."""

    length: int

    def __len__(self) -> int:
        return self.length

    def key(self, index: int) -> int:
        return index

    def row(self, index: int) -> int:
        return index

    def find(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and key < self.length else None


class Lines(VirtualList[int]):
    FOLLOWS = True
    drawn = 0

    def render_row(self, row: int, width: int) -> Iterable[Span]:
        self.drawn += 1
        return (Span(label(f"row {row}")), Span(literal(" ")), Span(label("x" * (row % 100)), "failed"))


class People(VirtualList[str]):
    COLUMNS = (Column(literal("NAME"), 6), Column(literal("AGE"), 4, align="right"))
    EMPTY = Notice("empty", ((Span(literal("nobody here")),), (Span(literal("n"), "key"), Span(literal(" invites")))))

    def render_row(self, row: str, width: int) -> Iterable[Span]:
        return lay_out(self.COLUMNS, (Span(label(row)), Span(label(str(len(row))))), width, self.glyphs)


class ListApp(App[None]):
    CSS_PATH = theme.STYLESHEET

    def __init__(self, widget: VirtualList[int] | VirtualList[str]) -> None:
        super().__init__()
        theme.register(self)
        self.list = widget
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.list

    def on_virtual_list_moved(self, event: VirtualList.Moved) -> None:
        self.said.append(f"moved {event.key}")

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        self.said.append(f"opened {event.key}")

    def on_virtual_list_tail_changed(self) -> None:
        self.said.append("tail")


def screen(app: ListApp) -> list[str]:
    """What the list draws, line by line."""
    return [app.list.render_line(y).text.rstrip() for y in range(app.list.size.height)]


async def logs(pilot: Pilot[None], app: ListApp, length: int) -> Lines:
    assert isinstance(app.list, Lines)
    app.list.show(Log(length))
    app.list.focus()
    await pilot.pause()
    return app.list


async def test_a_log_opens_at_its_end_and_follows() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 5)) as pilot:
        lines = await logs(pilot, app, 1_000_000)
        assert screen(app)[-1].startswith("▌row 999999 ")
        lines.show(Log(1_000_500))
        await pilot.pause()
        assert screen(app)[-1].startswith("▌row 1000499 ")
        assert (lines.follow, lines.cursor_row, lines.scroll_y) == (True, 1_000_499, 1_000_495)
        assert "".join(span.text for span in lines.badge) == "▼ follow"
        assert app.said == []


async def test_moving_up_stops_following_and_counts_what_is_new() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 5)) as pilot:
        lines = await logs(pilot, app, 100)
        lines.action_cursor_up()
        await pilot.pause()
        assert app.said == ["moved 98", "tail"]
        lines.show(Log(1304))
        await pilot.pause()
        assert lines.cursor_key == 98
        assert (lines.unseen, "".join(span.text for span in lines.badge)) == (1204, "+1,204 new")
        assert screen(app)[-1].startswith(" row 99 ")
        lines.action_last()
        await pilot.pause()
        assert (lines.follow, lines.unseen) == (True, 0)
        assert app.said[2:] == ["moved 1303", "tail"]


async def test_growing_is_no_message_and_an_equal_view_draws_nothing() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 5)) as pilot:
        lines = await logs(pilot, app, 100)
        drawn = lines.drawn
        for _ in range(50):
            lines.show(Log(100))
            await pilot.pause()
        assert (lines.drawn, app.said) == (drawn, [])


async def test_only_rows_on_the_screen_are_drawn_and_none_twice() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 1_000_000)
        lines.drawn = 0
        lines.move_to(500_000, context=4)
        await pilot.pause()
        assert lines.drawn <= 11
        assert lines.on_screen == range(499_996, 500_006)
        lines.drawn = 0
        lines.action_cursor_up()
        await pilot.pause()
        lines.action_cursor_down()
        await pilot.pause()
        assert lines.drawn <= 3  # the row above, and two rows that had or have the cursor


async def test_growth_never_lays_out_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts: list[object] = []
    original = Screen._refresh_layout
    monkeypatch.setattr(Screen, "_refresh_layout", lambda *args, **kw: (layouts.append(args), original(*args, **kw)))
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 1000)
        layouts.clear()
        for length in range(1001, 1020):
            lines.show(Log(length))
            await pilot.pause()
        assert layouts == []
        assert lines.vertical_scrollbar.window_virtual_size == 1019


@pytest.mark.parametrize(
    ("action", "row"),
    [
        ("cursor_down", 51), ("cursor_up", 49), ("half_page_down", 55), ("half_page_up", 45), ("page_down", 59),
        ("page_up", 41), ("first", 0), ("last", 99),
    ],
)  # fmt: skip
async def test_actions_move_the_cursor(action: str, row: int) -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 100)
        lines.move_to(50)
        getattr(lines, f"action_{action}")()
        await pilot.pause()
        assert lines.cursor_row == row
        assert f"▌row {row}" in "\n".join(screen(app))


async def test_follow_is_toggled() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 100)
        lines.action_toggle_follow()
        assert not lines.follow
        lines.action_toggle_follow()
        assert lines.follow
        lines.set_follow(False)
        lines.show(Log(200))
        await pilot.pause()
        assert (lines.cursor_row, lines.unseen) == (99, 100)


async def test_the_wheel_scrolls_leaves_the_cursor_and_ends_following() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 100)
        await pilot._post_mouse_events([_wheel("up")], lines, offset=(5, 5))
        await pilot.pause()
        assert (lines.follow, lines.cursor_row) == (False, 99)
        assert screen(app)[-1].split()[1] == "97"
        lines.action_cursor_up()  # the cursor returns to the screen, not the screen to the cursor
        await pilot.pause()
        assert lines.cursor_row == 97
        for _ in range(3):
            await pilot._post_mouse_events([_wheel("down")], lines, offset=(5, 5))
        await pilot.pause()
        assert (lines.follow, lines.cursor_row) == (True, 99)


def _wheel(direction: str) -> type:
    from textual import events

    return events.MouseScrollUp if direction == "up" else events.MouseScrollDown


async def test_a_click_selects_and_a_double_click_opens() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 100)
        await pilot.click(lines, offset=(5, 3))
        assert (lines.cursor_row, lines.follow) == (93, False)
        await pilot.double_click(lines, offset=(5, 4))
        await pilot.pause()
        assert app.said[-1] == "opened 94"
        assert app.screen.selections == {}  # Textual would have selected all there is
        lines.action_open()
        await pilot.pause()
        assert app.said.count("opened 94") == 2


async def test_a_click_below_the_last_row_does_nothing() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 3)
        await pilot.click(lines, offset=(5, 8))
        assert lines.cursor_row == 2


async def test_text_is_selected_with_the_mouse_and_copied_as_shown() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 1_000_000)
        await pilot.mouse_down(lines, offset=(5, 2))
        await pilot.hover(lines, offset=(10, 3))
        await pilot.mouse_up(lines, offset=(10, 3))
        await pilot.pause()
        assert app.screen.get_selected_text() == "999992 " + "x" * 26 + "…\nrow 999993"
        assert not lines.follow
        assert any(segment.style and segment.style.bgcolor == _selected(lines) for segment in lines.render_line(3))
        app.screen.clear_selection()
        await pilot.pause()
        assert not any(segment.style and segment.style.bgcolor == _selected(lines) for segment in lines.render_line(3))


def _selected(lines: Lines) -> object:
    return lines._look()[1]["selection"].bgcolor


async def test_a_selection_ends_when_other_rows_take_its_place() -> None:
    app = ListApp(People())
    people = app.list
    assert isinstance(people, People)
    async with app.run_test(size=(20, 5)) as pilot:
        people.show(table(("ada", "bob"), key=str))
        await pilot.pause()
        await pilot.mouse_down(people, offset=(1, 1))
        await pilot.hover(people, offset=(3, 1))
        await pilot.mouse_up(people, offset=(3, 1))
        people.show(table(("ada", "bob", "cyril"), key=str))
        assert app.screen.get_selected_text() == "ada"
        people.show(table(("zoe", "ada"), key=str))
        assert app.screen.get_selected_text() is None


async def test_selecting_everything_copies_a_bounded_amount() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 10)) as pilot:
        lines = await logs(pilot, app, 1_000_000)
        lines.text_select_all()
        await pilot.pause()
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.count("\n") == 9_999


async def test_long_rows_are_cut_and_say_so() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(20, 4)) as pilot:
        await logs(pilot, app, 100)
        assert screen(app)[-1] == "▌row 99 xxxxxxxxxx…"
        await pilot.resize_terminal(12, 4)
        await pilot.pause()
        assert screen(app)[-1] == "▌row 99 xx…"


async def test_following_survives_every_size() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 20)) as pilot:
        lines = await logs(pilot, app, 100)
        for height in (5, 30, 1, 150, 12):
            await pilot.resize_terminal(40, height)
            await pilot.pause()
            assert lines.follow
            assert "▌row 99 " in "\n".join(screen(app))


async def test_a_table_has_fixed_titles_and_its_cursor_on_a_key() -> None:
    app = ListApp(People())
    people = app.list
    assert isinstance(people, People)
    async with app.run_test(size=(20, 4)) as pilot:
        people.show(table(("ada", "bob", "cyril", "d"), key=str))
        await pilot.pause()
        assert screen(app) == [" NAME    AGE", "▌ada       3", " bob       3", " cyril     5"]
        people.move_to_key("d")
        await pilot.pause()
        assert screen(app) == [" NAME    AGE", " bob       3", " cyril     5", "▌d         1"]
        people.show(table(("d", "zoe", "ada"), key=str))
        await pilot.pause()
        assert screen(app) == [" NAME    AGE", "▌d         1", " zoe       3", " ada       3"]
        assert not people.move_to_key("nobody")
        await pilot.click(people, offset=(3, 0))
        assert people.cursor_key == "d"


async def test_no_rows_is_said_in_three_ways() -> None:
    app = ListApp(People())
    people = app.list
    assert isinstance(people, People)
    async with app.run_test(size=(30, 4)) as pilot:
        await pilot.pause()
        assert [line.strip() for line in screen(app)] == ["", "◐ loading", "", ""]
        people.show(table((), key=str))
        await pilot.pause()
        assert [line.strip() for line in screen(app)] == ["", "nobody here", "n invites", ""]
        people.show(Notice("error", ((Span(literal("the log is gone")),), (Span(literal("run cw doctor")),))))
        await pilot.pause()
        assert [line.strip() for line in screen(app)] == ["", "✗ the log is gone", "run cw doctor", ""]
        people.show(table(("ada",), key=str))
        await pilot.pause()
        assert screen(app)[1] == "▌ada       3"


async def test_the_cursor_looks_different_without_the_focus_and_in_another_theme() -> None:
    app = ListApp(Lines())
    async with app.run_test(size=(40, 4)) as pilot:
        lines = await logs(pilot, app, 10)
        focused = lines.render_line(3)
        app.set_focus(None)
        await pilot.pause()
        blurred = lines.render_line(3)
        app.theme = theme.LIGHT.name
        await pilot.pause()
        assert len({str(list(strip)) for strip in (focused, blurred, lines.render_line(3))}) == 3


async def test_a_list_can_be_shown_before_it_is_on_the_screen() -> None:
    lines = Lines()
    lines.show(Log(50))
    app = ListApp(lines)
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.pause()
        assert screen(app)[-1].startswith("▌row 49")
