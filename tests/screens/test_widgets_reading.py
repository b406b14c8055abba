"""A reading keeps its place while rows come, go and change places."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.widgets.reading import Reading
from tui.widgets.rows import TableRows, table

keys = st.lists(st.integers(0, 40), unique=True, max_size=30)
moves = st.one_of(
    st.tuples(st.just("replace"), keys),
    st.tuples(st.just("grow"), st.integers(1, 20)),
    st.tuples(st.just("resize"), st.integers(1, 12)),
    st.tuples(st.just("scroll"), st.integers(0, 40)),
    st.tuples(st.just("go"), st.integers(-5, 45)),
    st.tuples(st.just("step"), st.sampled_from([-1, 1])),
    st.tuples(st.just("leap"), st.integers(-8, 8)),
    st.tuples(st.just("set_follow"), st.booleans()),
)


def rows(*keys: int) -> TableRows[int]:
    return table(keys, key=lambda row: row)


def reading(total: int, lines: int = 5, *, follows: bool = False) -> Reading[int]:
    made: Reading[int] = Reading(follows=follows)
    made.resize(lines)
    made.replace(rows(*range(total)))
    return made


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(moves, max_size=20))
def test_whatever_happens_the_reader_is_somewhere(follows: bool, steps: list[tuple[str, object]]) -> None:
    read, fresh = reading(0, follows=follows), 1000
    for name, value in steps:
        key = read.key
        if name == "grow":
            assert isinstance(value, int)
            assert isinstance(read.rows, TableRows)
            read.replace(rows(*read.rows.rows, *range(fresh, fresh + value)))
            fresh += value
        elif name == "replace":
            assert isinstance(value, list)
            read.replace(rows(*value))
            if not read.follow and (wanted := read.meant if read.meant in value else key) in value:
                assert read.key == wanted
        else:
            getattr(read, name)(value)
        if read.last < 0:
            continue
        assert 0 <= read.cursor <= read.last
        assert read.rows.key(read.cursor) == read.key
        assert 0 <= read.top <= max(0, len(read.rows) - read.lines)
        assert 0 <= read.unseen <= len(read.rows)
        assert not read.follow or (follows and read.cursor == read.last and read.on_screen(read.last))
        if name in {"go", "step", "leap"}:
            assert read.on_screen(read.cursor)


def test_the_cursor_stays_on_its_row_when_rows_change_places() -> None:
    read = reading(10)
    read.go(3)
    read.replace(rows(9, 3, 1, 2))
    assert (read.cursor, read.key) == (1, 3)


def test_the_cursor_stays_where_it_was_when_its_row_goes() -> None:
    read = reading(10)
    read.go(3)
    read.replace(rows(0, 1, 2, 4, 5))
    assert (read.cursor, read.key) == (3, 4)
    read.replace(rows(0))
    assert (read.cursor, read.key) == (0, 0)


def test_the_row_is_found_again_after_there_was_nothing() -> None:
    read = reading(10)
    read.go(7)
    read.replace(rows())
    assert read.key == 7
    read.replace(rows(*range(5, 15)))
    assert (read.cursor, read.key) == (2, 7)


def test_what_is_on_the_screen_stays_when_a_log_forgets_its_head() -> None:
    read = reading(100, follows=True)
    read.scroll(50)
    read.replace(rows(*range(20, 130)))
    assert read.rows.row(read.top) == 50
    assert read.unseen == 29 + 1


def test_at_the_very_top_news_push_down() -> None:
    read = reading(20)
    read.replace(rows(99, *range(20)))
    assert (read.top, read.key) == (0, 0)
    assert read.on_screen(read.cursor)


def test_a_log_starts_at_its_end_and_sticks_to_it() -> None:
    read = reading(100, follows=True)
    assert (read.follow, read.cursor, read.top, read.unseen) == (True, 99, 95, 0)
    read.replace(rows(*range(250)))
    assert (read.cursor, read.top, read.unseen) == (249, 245, 0)


def test_any_move_up_ends_following_and_the_end_resumes_it() -> None:
    for leave in (lambda r: r.step(-1), lambda r: r.leap(-4), lambda r: r.go(0), lambda r: r.scroll(r.top - 1)):
        read = reading(100, follows=True)
        leave(read)
        assert not read.follow
        read.replace(rows(*range(140)))
        assert read.unseen == 40
        read.set_follow(True)
        assert (read.follow, read.cursor, read.unseen) == (True, 139, 0)


def test_scrolling_down_to_the_end_resumes_following() -> None:
    read = reading(100, follows=True)
    read.scroll(50)
    read.scroll(95)
    assert (read.follow, read.cursor) == (True, 99)


def test_seeing_more_of_the_news_counts_them_down() -> None:
    read = reading(100, follows=True)
    read.go(50)
    read.replace(rows(*range(200)))
    read.scroll(120)
    assert read.unseen == 200 - 125


def test_a_table_goes_to_its_end_without_following() -> None:
    read = reading(100)
    read.set_follow(True)
    assert (read.cursor, read.follow) == (99, False)


def test_a_cursor_left_behind_by_scrolling_returns_to_the_screen() -> None:
    read = reading(100)
    read.scroll(60)
    assert read.cursor == 0
    read.step(1)
    assert read.cursor == 60
    read.scroll(0)
    read.step(-1)
    assert read.cursor == 4
    read.scroll(40)
    read.leap(3)
    assert read.cursor == 43


def test_a_jump_shows_what_is_around_its_goal() -> None:
    read = reading(100, lines=9)
    read.go(50, context=3)
    assert (read.top, read.cursor) == (45, 50)
    read.go(20, context=99)
    assert (read.top, read.cursor) == (16, 20)
    read.go(0, context=3)
    assert (read.top, read.cursor) == (0, 0)


def test_a_smaller_screen_keeps_the_cursor_on_it() -> None:
    read = reading(100, lines=20)
    read.go(15)
    read.resize(4)
    assert read.on_screen(15)


def test_a_million_rows_are_asked_about_a_handful() -> None:
    asked: list[int] = []

    class Log:
        def __init__(self, length: int) -> None:
            self.length = length

        def __len__(self) -> int:
            return self.length

        def key(self, index: int) -> int:
            asked.append(index)
            return index

        def row(self, index: int) -> int:
            return index

        def find(self, key: object) -> int | None:
            raise AssertionError(key)

    read: Reading[int] = Reading(follows=True)
    read.resize(50)
    read.replace(Log(1_000_000))
    read.step(-1)
    for extra in range(100):
        read.replace(Log(1_000_000 + extra))
    assert len(asked) < 1000


def test_the_cursor_returns_to_the_row_it_was_put_on_once_that_is_there_again() -> None:
    read = reading(10)
    read.go(7)
    read.replace(rows(0, 1))
    assert read.key == 1
    read.replace(rows(*range(10)))
    assert (read.cursor, read.key) == (7, 7)


def test_a_steady_reader_at_the_very_top_stays_where_they_are_when_rows_come_above() -> None:
    reading: Reading[str] = Reading(steady=True)
    reading.resize(3)
    reading.replace(table("cdefg", key=str))
    reading.go(0)
    reading.replace(table("abcdefg", key=str))
    assert (reading.top, reading.key) == (2, "c")
