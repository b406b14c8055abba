"""Agents of the Agent Client Protocol that misbehave: a clear end and a sentence, whatever they do."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from fakes.stage import history, opened, payloads, printed, until, until_over, until_status

from core.config import Conversation, Permissions, Profile
from core.engine import Engine
from core.events import (
    AgentOutput,
    AgentStopped,
    MessageReceived,
    PermissionDenied,
    PermissionRequested,
    TaskCompleted,
    TaskFailed,
    ToolCallCompleted,
)

ROGUE = str(Path(__file__).parent.parent / "fakes" / "rogue_agent.py")


def rogue(mode: str, **settings: object) -> Profile:
    """An agent that misbehaves in one way; hard on those that do not answer, patient with all others."""
    conversation = Conversation.model_validate(settings)
    return Profile(
        adapter="acp", command=(sys.executable, ROGUE, mode), conversation=conversation,
        permissions=Permissions(policy="allow"),
    )  # fmt: skip


async def run(engine: Engine, **task: object) -> str:
    task_id = await engine.commands.enqueue("try", prompt="do it", profile="rogue", **task)
    await until_over(engine, task_id)
    return task_id


async def failure(engine: Engine, task_id: str) -> str:
    """The one sentence it ended with."""
    (failed,) = await payloads(engine, TaskFailed, f"task/{task_id}")
    assert "Traceback" not in failed.error
    return failed.error


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> object:
    """The library's own complaints would end up in the middle of the screen."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("unknown-update", ["after"]),
        ("noise", ["after noise"]),
        ("no-object", ["after 42"]),
        ("list", ["after list"]),
        ("meta", ["spoof"]),
        ("bad-utf8", ["after"]),
        ("odd-messages", ["after odd"]),
        ("permission-twice", ["a", "a"]),
    ],
)
async def test_a_turn_is_completed_in_spite_of_oddities(project: Path, mode: str, said: list[str]) -> None:
    async with opened(project, rogue=rogue(mode)) as engine:
        task_id = await run(engine)
        assert [message.text for message in await payloads(engine, MessageReceived)] == said
        (completed,) = await payloads(engine, TaskCompleted, f"task/{task_id}")
        assert completed.result == said[-1]
        assert (await payloads(engine, AgentStopped))[-1].exit_code == 0


async def test_what_is_no_message_is_output(project: Path) -> None:
    async with opened(project, rogue=rogue("noise")) as engine:
        assert await printed(engine, await run(engine)) == ["hello I am a log line"]


async def test_what_nobody_knows_is_kept_as_it_came(project: Path) -> None:
    async with opened(project, rogue=rogue("unknown-update")) as engine:
        wire = "\n".join(await printed(engine, await run(engine), "wire-in"))
        assert '"sessionUpdate": "brand_new_thing", "x": 1' in wire


async def test_a_profile_may_keep_no_records_of_the_wire(project: Path) -> None:
    async with opened(project, rogue=rogue("noise").model_copy(update={"wire": False})) as engine:
        await run(engine)
        channels = {output.channel for output in await payloads(engine, AgentOutput)}
        assert channels == {"stdout", "text"}


async def test_a_message_of_any_size_is_cut(project: Path) -> None:
    async with opened(project, rogue=rogue("huge")) as engine:
        await run(engine)
        output = await printed(engine, "T-1")
        assert len(output) == 1
        assert "truncated" in output[0]


async def test_a_flood_keeps_its_order_in_few_transactions(project: Path) -> None:
    async with opened(project, rogue=rogue("flood")) as engine:
        task_id = await run(engine)
        (message,) = await payloads(engine, MessageReceived)
        numbers = "".join(f"{number}\n" for number in range(20_000))
        assert message.text.startswith(numbers[:60_000])
        assert await printed(engine, task_id, "text") == numbers.splitlines()
        events = await history(engine)
        assert len(events) < 500
        outputs = [event for event in events if isinstance(event.payload, AgentOutput)]
        assert sum(event.payload.channel == "text" for event in outputs) < 200


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("version", "it speaks version 2 of the protocol, and only version 1 is spoken here"),
        ("login", "it needs to be logged in: Authentication required; it offers: API key"),
        ("die", "it ended in the middle of its turn: exit code 3: out of luck"),
        ("leave", "it ended in the middle of its turn: exit code 0"),
        ("bad-stop", "it ended its turn for a reason unknown to us, 'weird'"),
    ],
)
async def test_each_failure_is_one_sentence(project: Path, mode: str, sentence: str) -> None:
    async with opened(project, rogue=rogue(mode)) as engine:
        assert await failure(engine, await run(engine)) == sentence
        assert engine.journal.state.agents["rogue-1"].status == "idle"


async def test_a_rate_limit_parks_the_profile_and_is_no_failure_of_the_task(project: Path) -> None:
    async with opened(project, rogue=rogue("limited")) as engine:
        task_id = await engine.commands.enqueue("try", prompt="do it", profile="rogue")
        state = await until(engine, lambda state: "rogue" in state.profiles and state.tasks[task_id].attempt == 1)
        assert state.profiles["rogue"].reason == "its turn failed: Rate limit exceeded"
        state = await until_status(engine, "queued", task_id)
        assert state.tasks[task_id].failures == 0


async def test_a_program_that_does_not_speak_at_all_is_one_sentence(project: Path) -> None:
    mute = Profile(adapter="acp", command=("sh", "-c", "echo nothing to say >&2; exit 4"))
    async with opened(project, rogue=mute) as engine:
        assert await failure(engine, await run(engine)) == (
            "it ended before a conversation was opened: exit code 4: nothing to say"
        )


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("deaf", "it did not answer to initialize within 0.3 s"),
        ("silent", "it did not answer to initialize within 0.3 s"),
        ("silent-new", "it did not answer to session/new within 0.3 s"),
    ],
)
async def test_whoever_does_not_answer_is_stopped(project: Path, mode: str, sentence: str) -> None:
    late = {"open_timeout": "300ms"} if mode == "silent-new" else {"start_timeout": "300ms"}
    async with opened(project, rogue=rogue(mode, **late)) as engine:
        assert await failure(engine, await run(engine)) == sentence


async def test_a_turn_that_never_ends_ends_with_its_time(project: Path) -> None:
    async with opened(project, rogue=rogue("no-answer", cancel_timeout="200ms")) as engine:
        task_id = await run(engine, timeout_ms=500)
        assert await failure(engine, task_id) == "timed out after 0.5 s"
        assert [message.text for message in await payloads(engine, MessageReceived)] == ["working"]


async def test_an_option_of_an_unknown_kind_is_asked_about_and_never_chosen_by_policy(project: Path) -> None:
    asking = rogue("bad-kind").model_copy(update={"permissions": Permissions(policy="allow", deadline="300ms")})
    async with opened(project, rogue=asking) as engine:
        await run(engine)
        (asked,) = await payloads(engine, PermissionRequested)
        assert [option.kind for option in asked.options] == ["allow_forever"]
        (message,) = await payloads(engine, MessageReceived)
        assert message.text == "{'outcome': 'cancelled'}"
        (call,) = await payloads(engine, ToolCallCompleted)
        assert call.outcome == "denied"


async def test_questions_without_end_are_not_asked(project: Path) -> None:
    asking = rogue("questions").model_copy(update={"permissions": Permissions(policy="ask")})
    async with opened(project, rogue=asking) as engine:
        await run(engine)
        denied = await payloads(engine, PermissionDenied)
        assert len(denied) == 200
        assert sum("50 questions at once" in one.reason for one in denied) == 150
        await until(engine, lambda state: all(one.status == "denied" for one in state.permissions.values()))
