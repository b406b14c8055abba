"""A conversation laid out: rows that stay where they are, and work done only where something changed."""

from __future__ import annotations

from msgspec.structs import replace

from core.events import PermissionOption, PlanEntry
from tui.text import label, literal
from tui.transcript.blocks import Paragraph, broken, plain
from tui.transcript.drawing import draw
from tui.transcript.entries import Call, Entry, Message, Plan, Question, Thought
from tui.transcript.layout import EARLIER, READABLE_CELLS, TranscriptRows, Typesetter, text_of_all
from tui.transcript.scene import Scene
from tui.widgets.spans import Span, text_of, width_of

SECOND = 1_000_000
NOW = Scene(100 * SECOND, live=True)
OPTIONS = (
    PermissionOption(option_id="1", name="Yes", kind="allow_once"),
    PermissionOption(option_id="2", name="Yes, and tests", kind="allow_once"),
    PermissionOption(option_id="3", name="No", kind="reject_once"),
)
TALK: tuple[Entry, ...] = (
    Message(key="1", text="First.\n\nSecond."),
    Thought(key="2", text="a\nb\nc"),
    Call(key="3", at_us=97 * SECOND, tool_call_id="c", name="Read", input={"path": "a.py"}, output="one\ntwo"),
)


def rows(entries: tuple[Entry, ...] = TALK, typesetter: Typesetter | None = None, width: int = 60) -> TranscriptRows:
    return (typesetter or Typesetter()).lay_out(entries, NOW, width)


def lines(laid: TranscriptRows) -> list[str]:
    return [text_of(laid.row(index)).rstrip() for index in range(len(laid))]


def drawn(entry: Entry, *, is_open: bool = False, scene: Scene = NOW) -> list[str]:
    return [text_of(line).rstrip() for line in broken(draw(entry, scene, is_open=is_open), 60)]


def test_entries_stand_apart_and_terse_ones_together() -> None:
    assert lines(rows()) == [
        "First.", "", "Second.", "", "▸ thought · 3 lines",
        "▸ ● Read  a.py                                    running 3s",
    ]  # fmt: skip


def test_a_row_is_found_by_its_entry_and_line_wherever_it_is_now() -> None:
    before, after = rows(), rows((Message(key="0", text="Earlier."), *TALK))
    for index in range(len(before)):
        found = after.find(before.key(index))
        assert found is not None
        assert after.row(found)[-1:] == before.row(index)[-1:]
    assert after.find(("gone", 0)) is None
    assert after.find("nonsense") is None
    assert after.last_of("3") == len(after) - 1


def test_a_key_of_a_line_that_folding_took_away_is_the_entrys_last() -> None:
    laid = rows()
    assert laid.find(("2", 99)) == laid.last_of("2")


def test_opening_shows_all_of_one_entry_and_folding_hides_it() -> None:
    typesetter = Typesetter()
    typesetter.toggle(TALK[1])
    assert lines(rows(typesetter=typesetter))[4:8] == ["▾ thought · 3 lines", "  a", "  b", "  c"]
    typesetter.toggle(TALK[1])
    assert lines(rows(typesetter=typesetter)) == lines(rows())


def test_everything_is_opened_and_folded_at_once() -> None:
    typesetter = Typesetter()
    typesetter.set_all(TALK, is_open=True)
    assert all(typesetter.is_open(entry) for entry in TALK[1:])
    typesetter.set_all(TALK, is_open=False)
    assert not any(typesetter.is_open(entry) for entry in TALK)


def test_only_what_changed_is_laid_out_again() -> None:
    typesetter = Typesetter()
    first = typesetter.lay_out(TALK, NOW, 60)
    more = (*TALK, Message(key="4", text="Fourth."))
    second = typesetter.lay_out(more, replace_second(NOW, 101), 60)
    assert [a is b for a, b in zip(first.laid, second.laid, strict=False)] == [True, True, False]  # the call still runs
    again = typesetter.lay_out(more, replace_second(NOW, 101), 60)
    assert again == second
    assert all(a is b for a, b in zip(again.laid, second.laid, strict=True))


def replace_second(scene: Scene, second: int) -> Scene:
    return Scene(second * SECOND, live=scene.live)


def test_what_came_before_is_announced_above_and_makes_room_for_it() -> None:
    typesetter = Typesetter()
    before = typesetter.lay_out(TALK, NOW, 60, EARLIER)
    assert before.row(0) == EARLIER
    after = typesetter.lay_out((Message(key="0", text="Earlier."), *TALK), NOW, 60, EARLIER)
    found = after.find(before.key(0))
    assert found is not None
    assert text_of(after.row(found + 1)) == "First."
    assert lines(after)[2] == "Earlier."


def test_running_text_is_no_wider_than_one_can_read() -> None:
    laid = rows((Message(key="1", text="word " * 200), Thought(key="2", text="x")), width=250)
    widths = [width_of(laid.row(index)) for index in range(len(laid))]
    assert max(widths[:-1]) <= READABLE_CELLS
    assert widths[-1] == 250


def test_deep_nesting_in_a_narrow_panel_gives_up_its_place_before_its_words() -> None:
    deep = Paragraph((Span(literal("words")),), (Span(label("> " * 12)),), (Span(label("> " * 12)),))
    assert plain(broken([deep], 12)) == "words"


def test_all_of_it_as_text_is_unfolded() -> None:
    assert "  c" in text_of_all(TALK, NOW, 60)
    assert "two" in text_of_all(TALK, NOW, 60)


# -- how entries look -------------------------------------------------------------------------------------------------


def test_a_call_says_its_state_in_a_word_unless_it_went_well() -> None:
    call = Call(key="1", at_us=97 * SECOND, tool_call_id="c", name="Read")
    for status, word in (("error", "failed"), ("denied", "denied"), ("abandoned", "abandoned"), ("ok", "")):
        ended = replace(call, status=status, ended_us=99_500_000)
        (line,) = drawn(ended)
        assert line.endswith(f"{word} 2.5s")


def test_an_open_call_shows_what_went_in_and_what_came_out() -> None:
    assert drawn(TALK[2], is_open=True)[1:] == ["    given", "    path: a.py", "    answer", "    one", "    two"]


def test_a_call_without_input_or_output_has_nothing_to_open() -> None:
    assert drawn(Call(key="1", at_us=0, tool_call_id="c", name="Think"))[0].startswith("  ●")


def test_a_change_is_counted_on_the_calls_own_line() -> None:
    change = {"path": "a", "oldText": "1\n", "newText": "1\n2\n"}
    (line,) = drawn(Call(key="1", at_us=99 * SECOND, tool_call_id="c", name="Edit", input=change))
    assert "+1 -0" in line


def test_a_plan_counts_what_is_done_and_folded_names_what_is_being_done() -> None:
    steps = tuple(PlanEntry(content=name, status=status) for name, status in (("a", "completed"), ("b", "in_progress")))
    assert drawn(Plan(key="1", steps=steps)) == ["▸ plan 1/2  ▰▱  b"]
    assert drawn(Plan(key="1", steps=steps), is_open=True) == ["▾ plan 1/2  ▰▱", "  ● a", "  ◐ b"]


QUESTION = Question(
    key="ask p", at_us=90 * SECOND, request_id="p", tool_name="Bash", input={"command": "ls"}, options=OPTIONS,
    deadline_us=165 * SECOND,
)  # fmt: skip


def test_a_pending_question_shows_what_it_is_about_its_answers_their_keys_and_the_time_left() -> None:
    keyed = Scene(NOW.now_us, live=True, keys=(("allow_once", "a"), ("reject_once", "d")))
    assert drawn(QUESTION, scene=keyed) == [
        "◐ asks for  Bash                                  1m05s left",
        "▌ $ ls",
        "▌ a allow once  Yes",
        "▌   allow once  Yes, and tests",
        "▌ d deny  No",
    ]


def test_in_the_past_a_question_names_no_keys() -> None:
    past = Scene(NOW.now_us, live=False, keys=(("allow_once", "a"),))
    assert "▌ allow once  Yes" in drawn(QUESTION, scene=past)


def test_after_the_deadline_it_is_too_late() -> None:
    assert drawn(QUESTION, scene=Scene(200 * SECOND, live=True))[0].endswith("too late")


def test_an_answered_question_says_who_and_how_and_after_how_long() -> None:
    granted = replace(QUESTION, answer="granted", kind="allow_always", by="user", decided_us=102 * SECOND)
    assert drawn(granted) == ["▸ ○ allowed always by user  Bash                   after 12s"]
    denied = replace(QUESTION, answer="denied", by="user", reason="no", decided_us=102 * SECOND)
    assert drawn(denied)[0].startswith("▸ ✗ denied by user  Bash · no")
