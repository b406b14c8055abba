"""An agent's conversation in the detail: as somebody reads it, live and past."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.hostile import HOSTILE
from fakes.recorded import one, recorded_engine
from fakes.screen import Session, looking, settled
from fakes.talking import ASKED, ASKS, WRITES, WRITTEN, begun, conversation, does, long_conversation, plan, said
from rich.cells import cell_len
from test_widgets_hostile import harmful

from core import events as e
from core.engine import Engine
from core.events import Payload, PermissionOption, PlanEntry, UnknownEvent
from tui.transcript.window import KEPT_EVENTS, PAGE_EVENTS
from tui.widgets.spans import text_of


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """Over the recorded conversations."""
    async with recorded_engine(tmp_path, conversation()) as engine:
        yield engine


async def read(session: Session, agent: str) -> None:
    """Select the agent and look at its conversation alone."""
    await session.press("1")
    session.screen.agents.list.move_to_key(agent)
    await session.press("enter", "z")


async def happen(session: Session, engine: Engine, stream: str, *payloads: Payload) -> None:
    """Something is appended, and the next frame comes."""
    await engine.journal.record([one(stream, *payloads)], actor="agent:x")
    session.screen._frame()
    await settled(session.pilot)


def body(session: Session) -> str:
    """What the terminal shows of the conversation, below the line that parts it from the head."""
    return session.text(session.screen.detail.list).partition("\n")[2]


def words(session: Session) -> str:
    """The same however it is broken."""
    return " ".join(body(session).split())


async def test_a_conversation_is_read_from_its_end_and_back_to_its_beginning(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, ASKS)
        assert "deny  Reject" in body(session).splitlines()[-1]
        await session.press("g")
        lines = [line.rstrip() for line in body(session).splitlines()]
        assert lines[0].startswith("▌── T-1 Make the reader understand quotes  planner-1")
        assert " ▶ user" in lines[2]
        assert lines[3:5] == ["   Make the reader understand quotes.", "   Do not touch the writer."]
        assert " ▸ thought · 3 lines" in lines
        assert " I will look at the reader and its tests first." in lines


async def test_enter_unfolds_what_is_under_the_cursor_and_folds_it_again(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, ASKS)
        await session.press("g")
        while "thought" not in cursor(session):
            await session.press("j")
        await session.press("enter")
        assert "I should read the reader first." in body(session)
        assert "▾ thought" in cursor(session)
        await session.press("enter")
        assert "I should read the reader first." not in body(session)


def cursor(session: Session) -> str:
    return next((line for line in body(session).splitlines() if line.startswith("▌")), "")


async def test_one_key_unfolds_everything_and_folds_it_again(engine: Engine) -> None:
    async with looking(engine, (120, 200)) as session:
        await read(session, ASKS)
        await session.press("O")
        text = body(session)
        assert "E   assert 3 == 2" in text
        assert "I should read the reader first." in text
        assert "-    return line.split(',')" in text
        assert '{"mood":"hopeful"}' in text
        await session.press("O")
        assert "E   assert 3 == 2" not in body(session)


async def test_a_type_nobody_knows_is_shown_with_what_it_holds(engine: Engine) -> None:
    async with looking(engine, (120, 100)) as session:
        await read(session, ASKS)
        assert "▸ mood:felt" in body(session)


async def test_the_protocols_records_are_hidden_until_asked_for(engine: Engine) -> None:
    async with looking(engine, (120, 100)) as session:
        await read(session, ASKS)
        assert "agent said" not in body(session)
        await session.press("R")
        assert "▸ agent said · 1 line" in body(session)
        assert "· raw" in "\n".join(session.lines)
        await session.press("R")
        assert "agent said" not in body(session)


async def test_what_is_being_said_is_shown_at_the_end_as_it_comes(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, WRITES)
        assert "Every command ends with one of five codes." in body(session)
        more = e.AgentOutput(channel="text", lines=("- `2` misused",), task_id="T-2", execution_id=WRITTEN)
        await happen(session, engine, f"agent/{WRITES}", more)
        *_, last, speaking = body(session).rstrip().splitlines()
        assert "- 2 misused" in last
        assert speaking.startswith("▌▌")


async def test_a_message_that_became_whole_is_shown_once(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, WRITES)
        whole = "Every command ends with one of five codes.\n\n- `0` all is well\n- `1` work failed"
        await happen(session, engine, f"execution/{WRITTEN}", said(whole))
        assert body(session).count("Every command ends") == 1
        assert "▌▌" not in body(session)


async def test_the_end_is_followed_until_one_looks_back(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, WRITES)
        await happen(session, engine, f"execution/{WRITTEN}", *(said(f"line {n}") for n in range(30)))
        assert "line 29" in body(session)
        assert "▼ follow" in session.text(session.screen.detail)
        await session.press("pageup")
        await happen(session, engine, f"execution/{WRITTEN}", said("the last word"))
        assert "the last word" not in body(session)
        assert "+2 new" in session.text(session.screen.detail)
        await session.press("G")
        assert "the last word" in body(session)


async def test_news_of_others_does_not_move_what_is_read(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, WRITES)
        before = body(session)
        await happen(session, engine, f"execution/{ASKED}", said("elsewhere"))
        assert body(session) == before


async def test_in_the_past_the_conversation_ends_where_the_screen_is(engine: Engine) -> None:
    async with looking(engine, (120, 60)) as session:
        await read(session, ASKS)
        await session.press("z")
        reports = [event.position for event in await engine.queries.stream(f"execution/{ASKED}")]
        await session.enter(":", str(reports[4]))
        assert "I will look at the reader" in words(session)
        assert "What I found" not in body(session)
        await session.enter(":", str(reports[1]))
        assert "I will look at the reader" not in words(session)
        await session.press("end")
        assert "asks for" in body(session)


async def test_in_the_past_a_sentence_is_shown_as_far_as_it_was_said(engine: Engine) -> None:
    async with looking(engine, (120, 60)) as session:
        await read(session, WRITES)
        await session.press("z")
        spoken = await engine.queries.streams(
            [f"agent/{WRITES}"], types=["agent:output"], up_to=engine.journal.state.position, limit=9
        )
        await session.enter(":", str(spoken[0].position))
        assert "five codes" in words(session)
        assert "all is well" not in words(session)


async def test_a_task_shows_the_conversation_of_its_attempts(engine: Engine) -> None:
    async with looking(engine) as session:
        await session.press("2")
        session.screen.queue.list.move_to_key("T-2")
        await session.press("enter", "z")
        assert "Every command ends with one of five codes." in body(session)


async def test_an_agent_that_only_prints_is_shown_as_it_was_printed(engine: Engine) -> None:
    async with looking(engine) as session:
        await read(session, "shell-3")
        assert [line.strip(" ▌") for line in body(session).splitlines()[:2]] == ["sphinx 8.1", "reading 12 files"]


async def test_an_agent_that_said_nothing_yet_says_so(tmp_path: Path) -> None:
    steps = begun("T-1", "a-1", "T-1.1", "acp", "Begin")[:2]
    async with recorded_engine(tmp_path, steps) as engine, looking(engine) as session:
        await read(session, "a-1")
        assert "nothing said yet" in body(session)


async def test_a_long_conversation_is_read_page_by_page_while_one_goes_up(tmp_path: Path) -> None:
    async with recorded_engine(tmp_path, long_conversation(120)) as engine, looking(engine) as session:
        await read(session, ASKS)
        conversation = session.screen.inspector._conversation
        assert conversation is not None
        assert len(conversation._window.events) == PAGE_EVENTS
        session.screen.detail.list.action_first()
        first = body_rows(session)[2:6]
        session.screen._frame()
        await settled(session.pilot)
        assert len(conversation._window.events) > PAGE_EVENTS
        assert body_rows(session)[:4] == first, "what one looks at stays where it is"
        while conversation.more:
            session.screen.detail.list.action_first()
            session.screen._frame()
            await settled(session.pilot)
        await session.press("g")
        assert "T-1 A long story" in cursor(session)


def body_rows(session: Session) -> list[str]:
    rows = session.screen.detail.list
    return [text_of(rows._reading.rows.row(index)).strip() for index in rows.on_screen]


async def test_what_is_kept_of_a_conversation_is_bounded(tmp_path: Path) -> None:
    steps = begun("T-1", ASKS, ASKED, "acp", "Begin")
    async with recorded_engine(tmp_path, steps) as engine, looking(engine) as session:
        await read(session, ASKS)
        for number in range(2 + KEPT_EVENTS // 500):
            messages = [said(f"message {number}.{n}") for n in range(500)]
            await happen(session, engine, f"execution/{ASKED}", *messages)
        conversation = session.screen.inspector._conversation
        assert conversation is not None
        assert len(conversation._window.events) <= KEPT_EVENTS
        assert "message 9.499" in body(session)


async def test_copying_takes_what_was_said_as_it_was_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(engine, (120, 100)) as session:
        copied: list[str] = []
        monkeypatch.setattr(session.app, "copy_to_clipboard", copied.append)
        await read(session, ASKS)
        await session.press("g")
        while "What I found" not in cursor(session):
            await session.press("j")
        await session.press("y")
        assert copied[0].startswith("## What I found\n\nThe parser splits on `,` **before**")


@pytest.mark.parametrize("size", [(40, 12), (120, 36)])
async def test_a_conversation_is_harmless_and_fits_whatever_is_said(tmp_path: Path, size: tuple[int, int]) -> None:
    steps = begun("T-1", ASKS, ASKED, "acp", "Begin")
    async with recorded_engine(tmp_path, steps) as engine, looking(engine, size) as session:
        await read(session, ASKS)
        for number, text in enumerate(HOSTILE):
            if "\ud800" in text:
                continue  # the log refuses it
            await happen(session, engine, f"execution/{ASKED}", *everything(text[:50_000], number))
            await session.press("O")
            for _ in range(2):
                for line in session.lines:
                    assert harmful(line) == []
                    assert cell_len(line) == size[0]
                await session.press("pageup")
            await session.press("G")


def everything(text: str, number: int) -> list[Payload]:
    """The text in every place of a conversation."""
    call, request = f"c{number}", f"p{number}"
    option = PermissionOption(option_id="o", name=text, kind=text)
    return [
        e.MessageSent(text=text, by=text), said(text), said(f"- {text}\n\n> {text}\n\n| {text} |\n|---|\n| {text} |"),
        said(text, "thought"), e.PlanUpdated(entries=(PlanEntry(content=text, status=text),)),
        e.ToolCallStarted(tool_call_id=call, tool_name=text, input={text: text, "path": text, "newText": text}),
        e.ToolCallUpdated(tool_call_id=call, title=text, content=[{"type": "content", "content": text}]),
        e.ToolCallCompleted(tool_call_id=call, output=text, outcome="error"),
        e.PermissionRequested(request_id=request, tool_name=text, input={"command": text}, options=(option,)),
        e.UsageReported(model=text), e.CustomRecorded(event_type="agent:notice", fields={"kind": text, "text": text}),
        e.CustomRecorded(event_type=text, fields={"x": text}), e.StepStarted(step_id="s", name=text),
        UnknownEvent(type="mood:felt", schema_version=1, raw='{"x": "\\u001b[2J"}'),
    ]  # fmt: skip


async def test_a_plan_and_its_calls_change_in_place_while_one_reads(engine: Engine) -> None:
    async with looking(engine, (120, 100)) as session:
        await read(session, ASKS)
        await happen(session, engine, f"execution/{ASKED}", plan("completed", "completed", "in_progress", "pending"))
        assert "plan 2/4" in body(session)
        await happen(session, engine, f"execution/{ASKED}", e.ToolCallCompleted(tool_call_id="c4", outcome="ok"))
        assert "running" not in body(session)


def test_the_recorded_conversation_ends_with_what_it_promises() -> None:
    assert does(ASKED, said("x"))[1][0].stream == "execution/T-1.1"
