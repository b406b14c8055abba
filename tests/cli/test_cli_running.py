"""`cw run` in its three forms, and what is left to look at when it has ended."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.agents import RECORDINGS

if TYPE_CHECKING:
    from conftest import Cw

PLAN = """
[[task]]
id = "build"
run = "echo built; echo warned >&2"

[[task]]
id = "test"
title = "Run the tests"
run = "echo tested"
depends_on = ["build"]
priority = 5
"""


@pytest.fixture
def plan(project: Path) -> Path:
    path = project / "plan.toml"
    path.write_text(PLAN)
    return path


def test_a_plan_is_run_to_its_end_and_summed_up(cw: Cw, plan: Path) -> None:
    answer = cw("run", plan, "--headless")
    assert answer.code == 0
    assert "| built" in answer.out
    assert "| warned" in answer.out
    assert answer.out.index("| built") < answer.out.index("| tested")
    assert "2 tasks: 2 completed" in answer.out


def test_without_a_terminal_a_plan_runs_headless_by_itself(cw: Cw, plan: Path) -> None:
    assert "2 tasks: 2 completed" in cw("run", plan).out


def test_a_plan_is_enqueued_anew_each_time(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    cw("run", plan)
    assert [task["id"] for task in cw("tasks", "--json").json] == ["T-1", "T-2", "T-3", "T-4"]


def test_one_command_is_run_with_its_output_where_it_belongs(cw: Cw) -> None:
    answer = cw("run", "--", "sh", "-c", "echo out; echo err >&2")
    assert answer.code == 0
    assert answer.out == "out\n"
    assert "err\n" in answer.err
    assert "T-1 completed" in answer.err


def test_a_command_that_fails_makes_the_call_fail(cw: Cw) -> None:
    answer = cw("run", "--", "sh", "-c", "exit 7")
    assert answer.code == 1
    assert "exit code 7" in answer.err


def test_what_is_queued_goes_on(cw: Cw) -> None:
    cw("add", "Sweep", "--run", "echo swept")
    cw("add", "Mop", "--run", "echo mopped", "--after", "T-1")
    answer = cw("run", "--max-agents", "1")
    assert answer.code == 0
    assert "2 tasks: 2 completed" in answer.out


def test_a_run_ends_when_what_is_left_waits_for_something_dead(cw: Cw) -> None:
    cw("add", "dies", "--run", "exit 1")
    cw("add", "waits", "--run", "true", "--after", "T-1")
    cw("add", "waits for that", "--run", "true", "--after", "T-2")
    answer = cw("run")
    assert answer.code == 1
    assert "T-3 blocked" in answer.out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[task]]\nid = 'a'\nrun = 'true'\ncolour = 'red'\n", "task 'a' has an unknown key 'colour'"),
        ("[[task]]\nid = 'a'\nrun = 'true'\ndepends_on = ['b']\n", "'b'"),
        (
            "[[task]]\nid = 'a'\nrun = 'true'\ndepends_on = ['b']\n"
            "[[task]]\nid = 'b'\nrun = 'true'\ndepends_on = ['a']\n",
            "a → b → a",
        ),
        ("[[task]]\nid = 'a'\nrun = 'true'\ntimeout = 'a while'\n", "a while"),
        ("[[task]]\nid = 'a'\nprompt = 'hello'\n", "has no command to give a prompt to"),
        ("[[task]]\nid = 'a'\nrun = 'true'\nprofile = 'ghost'\n", "'ghost'"),
        ("[[task]\n", "(at line 1, column 7)"),
        ("", "it has no [[task]]"),
    ],
    ids=["unknown key", "missing", "cycle", "duration", "no command", "no profile", "no TOML", "empty"],
)
def test_a_wrong_plan_is_refused_in_a_sentence_that_names_the_line(
    cw: Cw, plan: Path, project: Path, text: str, sentence: str
) -> None:
    plan.write_text(text)
    answer = cw("run", plan)
    assert answer.code == 2
    assert sentence in answer.sentence
    assert not (project / ".codewalkers").exists()


def test_what_was_printed_can_be_read_again(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    assert cw("log", "T-1").out.splitlines() == ["built", "warned"]
    (first, second) = cw("log", "build-not-a-name").err, cw("log", "1", "--json").json
    assert "there is no task or agent" in first
    assert [line["line"] for line in second] == ["built", "warned"]


def test_causes_lead_back_to_the_user(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    chain = cw("why", "T-2", "--json").json
    assert chain[0]["type"] == "task:completed"
    assert [event["type"] for event in chain].count("task:completed") == 2  # it waited for the other one
    assert chain[-1]["actor"] == "user"


def test_every_list_can_be_read_by_programs(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    for command in ("tasks", "agents", "events", "sessions"):
        assert isinstance(cw(command, "--json").json, list)
        assert cw(command).out
    for command in ("state", "verify", "stats", "doctor"):
        assert cw(command, "--json").json
    assert [agent["status"] for agent in cw("agents", "--all", "--json").json] == ["terminated"]


def test_a_state_is_the_same_with_keyframes_and_without_them(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    head = cw("events", "-n", "1", "--json").json[0]["position"]
    for position in random.Random(7).sample(range(head + 1), 12):
        assert cw("state", "--at", str(position)).out == cw("state", "--at", str(position), "--cold").out


def test_past_states_are_asked_for_by_position_percentage_task_and_time(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    assert cw("state", "--at", "0").json["position"] == 0
    head = cw("state").json["position"]
    assert cw("state", "--at", "100%").json["position"] == head
    created = cw("events", "--task", "T-2", "--type", "task:created", "--json").json[0]
    assert cw("state", "--at", "T-2").json["position"] == created["position"]
    assert cw("state", "--at", created["recorded_at"]).json["position"] >= created["position"]
    assert cw("tasks", "--at", "T-1", "--json").json[0]["status"] == "queued"


def test_events_are_chosen_by_type_stream_session_and_age(cw: Cw, plan: Path) -> None:
    cw("run", plan)
    types = {event["type"] for event in cw("events", "--type", "task:*", "-n", "0", "--json").json}
    assert types
    assert all(kind.startswith("task:") for kind in types)
    assert all(event["stream"] == "task/T-1" for event in cw("events", "--stream", "task/T-1", "--json").json)
    assert len(cw("events", "--session", "S-2", "--json").json) == 0
    assert len(cw("events", "--since", "1h", "-n", "3", "--json").json) == 3


def test_verify_tells_good_from_changed(cw: Cw, plan: Path, project: Path) -> None:
    cw("run", plan)
    assert cw("verify").out.startswith("good: ")
    asyncio.run(_tamper(project))
    answer = cw("verify")
    assert answer.code == 1
    assert answer.out.startswith("bad at 5: ")


async def _tamper(project: Path) -> None:
    import aiosqlite

    async with aiosqlite.connect(project / ".codewalkers" / "events.db") as connection:
        triggers = await connection.execute_fetchall("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers:
            await connection.execute(f"DROP TRIGGER {name}")
        await connection.execute("UPDATE events SET actor = 'somebody' WHERE position = 5")
        await connection.commit()


def test_what_an_agent_said_is_printed_and_its_raw_records_only_when_asked_for(cw: Cw, project: Path) -> None:
    recording = RECORDINGS / "codex-exec-tool.jsonl"
    settings = f'[profiles.agent]\nadapter = "jsonl:codex"\ncommand = ["cat", "{recording}"]\n'
    (project / "codewalkers.toml").write_text(settings)
    cw("add", "Look", "--profile", "agent", "--prompt", "look")
    ran = cw("run", "--headless")
    assert "| STUB: done." in ran.out
    assert "thread.started" not in ran.out
    assert cw("log", "T-1").out.splitlines() == ["STUB: done."]
    assert cw("log", "T-1", "--raw").out.splitlines() == recording.read_text().splitlines()
