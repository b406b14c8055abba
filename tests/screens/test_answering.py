"""Answering agents: the questions that wait, where they are seen, and what keys may do to them and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.hostile import HOSTILE
from fakes.recorded import StillClock, one, recorded_engine
from fakes.screen import Session, looking
from fakes.talking import ASKED, ASKS, OPTIONS, WRITES, WRITTEN, begun, conversation, held_back
from rich.cells import cell_len
from test_widgets_hostile import harmful
from textual.events import Paste

from core import events as e
from core.engine import Engine
from core.events import PermissionOption
from core.projections.records import Permission
from tui.screens.approvals import Approvals
from tui.screens.message_form import MessageForm

BEGAN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """Over the recorded conversations; what is decided about them is only recorded, too."""
    async with recorded_engine(tmp_path, conversation()) as engine:
        yield engine


def permission(engine: Engine, request_id: str = "p2") -> Permission:
    return engine.journal.state.permissions[request_id]


async def look_for(session: Session, engine: Engine, seconds: float) -> None:
    """Keep looking at what is on the screen."""
    session.screen._frame()
    clock = engine.journal.clock
    assert isinstance(clock, StillClock)
    clock.slept += seconds
    await session.type("")


async def ask(engine: Engine, request_id: str, *, execution: str = WRITTEN, tool: str = "Delete") -> None:
    asked = e.PermissionRequested(request_id=request_id, tool_name=tool, options=OPTIONS, input={"path": "a.txt"})
    await engine.journal.record([one(f"execution/{execution}", asked)], actor="agent:x")


def text(session: Session) -> str:
    return "\n".join(session.lines)


# -- in the conversation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "status", "kind", "said"),
    [
        ("a", "granted", "allow_once", "allowed: Edit, for planner-1"),
        ("A", "granted", "allow_always", "allowed from now on: Edit, for planner-1"),
        ("d", "denied", "reject_once", "denied: Edit, for planner-1"),
    ],
)
async def test_w_goes_to_the_question_and_one_key_answers_it(
    engine: Engine, key: str, status: str, kind: str, said: str
) -> None:
    async with looking(engine) as session:
        await session.press("w")
        assert session.screen.question is not None
        await look_for(session, engine, 0.3)
        await session.press(key)
        answered = permission(engine)
        assert (answered.status, answered.kind, answered.by) == (status, kind, "user")
        assert said in session.message
        assert "planner-1" in session.text(session.screen.detail)


async def test_w_goes_from_question_to_question_and_b_goes_back(engine: Engine) -> None:
    await ask(engine, "p3", execution=ASKED, tool="Delete")
    async with looking(engine) as session:
        seen: list[str | None] = []
        for key in ("w", "w", "w", "b"):
            await session.press(key)
            seen.append(session.screen.question and session.screen.question.id)
        assert seen == ["p2", "p3", "p2", "p3"]


async def test_w_goes_to_a_question_nobody_has_looked_at_before_anything_else(engine: Engine) -> None:
    gave_up = [one("task/T-9", e.TaskCreated(title="Hopeless"), e.TaskDeadLettered(attempts=1, last_error="no"))]
    await engine.journal.record(gave_up, actor="supervisor")
    async with looking(engine) as session:
        await session.press("w", "w")
        assert session.screen.selection.id == "T-9"
        await ask(engine, "p3")
        session.screen._frame()
        await session.press("w")
        assert session.screen.question == permission(engine, "p3")
        await session.press("w")
        assert session.screen.selection.id == "T-9"


async def test_in_the_past_the_keys_of_answers_say_that_it_is_read_only(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w", "space")
        for key in ("a", "A", "d"):
            await session.press("?", "escape", key)
            assert "read-only in the past" in session.message
        assert permission(engine).status == "pending"


async def test_an_answer_is_refused_in_the_first_moment_a_question_is_seen(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w")
        await look_for(session, engine, 0.29)
        await session.press("a")
        assert permission(engine).status == "pending"
        assert "only just came up" in session.message
        await look_for(session, engine, 0.01)
        await session.press("a")
        assert permission(engine).status == "granted"


async def test_looking_away_begins_the_moment_anew(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w")
        await look_for(session, engine, 5)
        await session.press("1")
        await look_for(session, engine, 5)
        await session.press("4", "a")
        assert permission(engine).status == "pending"


@pytest.mark.parametrize("focus", ["1", "2", "3", "t"])
async def test_the_keys_mean_nothing_where_no_question_is_under_the_cursor(engine: Engine, focus: str) -> None:
    async with looking(engine) as session:
        await session.press("w")
        await look_for(session, engine, 5)
        await session.press(focus)
        await look_for(session, engine, 5)
        await session.press("a", "d")
        assert permission(engine).status == "pending"


async def test_on_another_line_of_the_conversation_a_key_says_what_is_needed(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w", "g")
        await look_for(session, engine, 5)
        await session.press("a")
        assert permission(engine).status == "pending"
        assert "put the cursor on a question" in session.message


async def test_the_footer_names_the_keys_while_a_question_is_under_the_cursor(engine: Engine) -> None:
    async with looking(engine) as session:
        assert "allow once" not in session.lines[-1]
        await session.press("w")
        assert session.lines[-1].strip().startswith("a allow once  A always  d deny")
        await session.press("g")
        assert "allow once" not in session.lines[-1]


async def test_a_question_answered_by_somebody_else_is_not_answered_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("w")
        await look_for(session, engine, 5)
        await engine.commands.answer_permission("p2", kind="deny", by="api:other")
        await session.press("a")
        assert permission(engine).by == "api:other"


async def test_what_the_agent_does_not_offer_is_not_given(engine: Engine) -> None:
    option = PermissionOption(option_id="n", name="No", kind="reject_once")
    asked = e.PermissionRequested(request_id="p3", tool_name="Run", options=(option,))
    await engine.journal.record([one(f"execution/{WRITTEN}", asked)], actor="agent:x")
    async with looking(engine) as session:
        await session.press("i", "j")
        await look_for(session, engine, 5)
        await session.press("A")
        assert permission(engine, "p3").status == "pending"
        assert "cannot be answered with allow_always" in text(session)


# -- the inbox --------------------------------------------------------------------------------------------------------


async def test_the_inbox_lists_what_waits_first_and_how_the_rest_was_answered(engine: Engine) -> None:
    await ask(engine, "p3")
    async with looking(engine) as session:
        await session.press("i")
        rows = [line.strip(" │┃▌").split() for line in session.lines if "planner-1  " in line or "coder-2  " in line]
        assert [(row[0], row[1], row[2:5]) for row in rows[:3]] == [
            ("planner-1", "Edit", ["◐", "waits", "for"]),
            ("coder-2", "Delete", ["◐", "waits", "for"]),
            ("planner-1", "Bash", ["✗", "denied", "by"]),
        ]


async def test_in_the_inbox_the_question_under_the_cursor_is_answered_and_the_next_one_comes(engine: Engine) -> None:
    await ask(engine, "p3")
    async with looking(engine) as session:
        await session.press("i")
        await look_for(session, engine, 5)
        await session.press("a", "a")
        assert permission(engine).status == "granted"
        assert permission(engine, "p3").status == "pending", "the next one only just came up"
        await look_for(session, engine, 5)
        await session.press("d")
        assert permission(engine, "p3").status == "denied"


async def test_a_number_gives_exactly_that_answer(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("i")
        await look_for(session, engine, 5)
        await session.press("9")
        assert "planner-1 offers 3 answers" in text(session)
        await session.press("2")
        assert permission(engine).kind == "allow_always"


async def test_the_inbox_shows_what_would_change(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("i")
        assert "-    return line.split(',')" in text(session)
        assert "+    return fields" in text(session)


async def test_what_would_change_can_be_read_to_its_end(engine: Engine) -> None:
    asked = e.PermissionRequested(request_id="p3", tool_name="Write", options=OPTIONS, input={"text": "line\n" * 90})
    await engine.journal.record([one(f"execution/{WRITTEN}", asked)], actor="agent:x")
    async with looking(engine, (80, 24)) as session:
        await session.press("i", "j")
        inbox = session.app.screen
        assert isinstance(inbox, Approvals)
        await session.press(*["pagedown"] * 20)
        assert inbox.body.cursor_row == len(inbox.body.view) - 1 > 80
        await session.press("k")
        assert inbox.body.cursor_row == 0


async def test_questions_that_come_while_the_inbox_is_open_are_listed(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("i")
        await ask(engine, "p3", tool="Launch the rocket")
        session.screen._frame()
        assert isinstance(session.app.screen, Approvals)
        session.app.screen._draw()
        await session.type("")
        assert "Launch the rocket" in text(session)


async def test_enter_in_the_inbox_goes_to_the_conversation(engine: Engine) -> None:
    await ask(engine, "p3")
    async with looking(engine) as session:
        await session.press("i", "j", "enter")
        assert session.screen.focus_name == "detail"
        assert session.screen.selection.id == WRITES


async def test_an_attempt_that_is_over_asks_nothing_any_more(engine: Engine) -> None:
    async with looking(engine) as session:
        assert "1 question waits" in session.lines[0]
        await engine.journal.record([one(f"execution/{ASKED}", e.ExecutionFailed(error="gone"))], actor="supervisor")
        session.screen._frame()
        await session.press("i")
        assert "question waits" not in session.lines[0]
        assert "never answered" in text(session)


async def test_without_questions_the_inbox_says_so(tmp_path: Path) -> None:
    async with recorded_engine(tmp_path, []) as engine, looking(engine) as session:
        await session.press("i")
        assert "No agent has asked anything" in text(session)
        await session.press("a", "1", "enter", "i")
        assert session.app.screen is session.screen


async def test_past_answers_are_seen_where_they_were_given_and_nothing_can_be_answered_there(engine: Engine) -> None:
    async with looking(engine) as session:
        denied = permission(engine, "p1")
        await session.enter(":", str(denied.position))
        await session.press("i")
        assert "waits for you" in text(session)
        assert "read-only in the past" in text(session)
        await look_for(session, engine, 5)
        await session.press("a", "1")
        assert permission(engine).status == "pending"
        await session.press("escape")
        await session.enter(":", str(denied.position + 1))
        await session.press("i")
        assert "denied by user" in text(session)


async def test_what_agents_ask_is_announced_once_however_many_ask(engine: Engine) -> None:
    async with looking(engine) as session:
        assert "planner-1 asks for Edit" in session.message
        await ask(engine, "p3")
        session.screen._frame()
        await session.type("")
        assert "coder-2 asks for Delete · w goes there" in session.message
        await ask(engine, "p4")
        await ask(engine, "p5")
        session.screen._frame()
        await session.type("")
        assert "2 questions of agents wait for you · i lists them" in session.message


# -- messages ---------------------------------------------------------------------------------------------------------


async def test_a_message_goes_to_the_selected_agent(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("1")
        session.screen.agents.list.move_to_key(ASKS)
        await session.press("m")
        await session.type("Mind the tests,")
        await session.press("ctrl+j")
        await session.type("please.")
        await session.press("enter")
        (sent,) = [
            event.payload
            for event in await engine.queries.stream(f"execution/{ASKED}", last=1)
            if isinstance(event.payload, e.MessageSent)
        ]
        assert (sent.text, sent.by) == ("Mind the tests,\nplease.", "user")
        assert "said to planner-1" in session.message
        await session.press("enter")
        assert "Mind the tests," in session.text(session.screen.detail)


async def test_a_message_that_was_left_is_still_there(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("1", "m")
        await session.type("half a thou")
        await session.press("escape", "m")
        form = session.app.screen
        assert isinstance(form, MessageForm)
        assert form.draft == "half a thou"
        await session.type("ght")
        assert form.draft == "half a thought"


async def test_what_is_pasted_stays_whole_with_its_tabs(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("1", "m")
        form = session.app.screen
        assert isinstance(form, MessageForm)
        recipe = "all:\n\tcc -o a a.c\n" + "x" * 5_000
        session.app.post_message(Paste(recipe))
        await session.type("")
        assert form.draft == recipe


async def test_nothing_is_sent_when_nothing_was_typed(engine: Engine) -> None:
    async with looking(engine) as session:
        head = engine.journal.state.position
        await session.press("1", "m", "enter", "escape")
        assert engine.journal.state.position == head


async def test_an_agent_that_takes_no_messages_says_why_and_what_was_typed_is_kept(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("1")
        session.screen.agents.list.move_to_key("shell-3")
        await session.press("m")
        await session.type("hello")
        await session.press("enter")
        assert "takes no messages" in session.message
        assert session.screen.drafts["shell-3"] == "hello"


async def test_with_nobody_selected_a_message_has_nobody_to_go_to(tmp_path: Path) -> None:
    async with recorded_engine(tmp_path, []) as engine, looking(engine) as session:
        await session.press("m")
        assert "select an agent or a task first" in session.message


# -- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 36)])
async def test_questions_are_harmless_and_fit_whatever_they_say(tmp_path: Path, size: tuple[int, int]) -> None:
    async with recorded_engine(tmp_path, begun("T-1", ASKS, ASKED, "acp", "Begin")) as engine:
        for number, said in enumerate(HOSTILE):
            if "\ud800" in said:
                continue  # the log refuses it
            options = (PermissionOption(option_id=said[:900], name=said[:50_000], kind=said[:900]), *OPTIONS)
            asked = e.PermissionRequested(
                request_id=f"p{number}", tool_name=said[:50_000], input={said[:900]: said[:50_000]}, options=options
            )
            await engine.journal.record([one(f"execution/{ASKED}", asked)], actor="agent:x")
        async with looking(engine, size) as session:
            await session.press("i")
            for _ in HOSTILE:
                await session.press("j")
                for line in session.lines:
                    assert harmful(line) == []
                    assert cell_len(line) == size[0]


async def test_costs_are_harmless_whatever_tasks_and_budgets_are_called(tmp_path: Path) -> None:
    async with recorded_engine(tmp_path, begun("T-1", ASKS, ASKED, "acp", "Begin")) as engine:
        for number, name in enumerate(HOSTILE):
            if "\ud800" in name:
                continue  # the log refuses it
            appends = [
                one(f"task/H-{number}", e.TaskCreated(title=name[:50_000])),
                one(f"execution/H-{number}.1", e.ExecutionStarted(task_id=f"H-{number}", agent_id=ASKS),
                    e.UsageReported(input_tokens=5, cost_usd_micros=number, model=name[:50_000])),
                one(f"budget/{number}", e.BudgetSet(scope=name[:50_000], unit=name[:900], limit=9)),
            ]  # fmt: skip
            await engine.journal.record(appends, actor="agent:x")
        async with looking(engine, (80, 24)) as session:
            await session.press("dollar_sign")
            for _ in range(6):
                for line in session.lines:
                    assert harmful(line) == []
                    assert cell_len(line) == 80
                await session.press("pagedown")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 36)])
async def test_what_holds_agents_back_is_harmless_whatever_it_says(tmp_path: Path, size: tuple[int, int]) -> None:
    async with recorded_engine(tmp_path, held_back()) as engine, looking(engine, size) as session:
        for number, said in enumerate(HOSTILE):
            if "\ud800" in said:
                continue  # the log refuses it
            scope, parked = said[:50_000], e.ProfileParked(reason=said[:50_000], until=BEGAN + timedelta(days=number))
            tripped = e.BudgetTripped(scope=scope, unit="tokens", limit=1, used=2 + number)
            appends = [one("profile/coder", parked), one(f"budget/profile/{number}/tokens", tripped)]
            await engine.journal.record(appends, actor="agent:x")
            session.screen._frame()
            for key in ("1", "2", "dollar_sign"):
                await session.press(key)
                for line in session.lines:
                    assert harmful(line) == []
                    assert cell_len(line) == size[0]


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_a_message_is_harmless_whatever_was_pasted_into_it(engine: Engine, size: tuple[int, int]) -> None:
    async with looking(engine, size) as session:
        await session.press("1", "m")
        form = session.app.screen
        assert isinstance(form, MessageForm)
        for said in HOSTILE:
            session.app.post_message(Paste(said[:5_000]))
            await session.type("")
            for line in session.lines:
                assert harmful(line) == []
                assert cell_len(line) == size[0]
