"""`cw why` and `cw diff`: what led to something, what came of it, and what is different between two moments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cw

PLAN = """
[[task]]
id = "build"
run = "echo built"

[[task]]
id = "test"
title = "Run the [tests]"
run = "exit 3"
depends_on = ["build"]
"""


@pytest.fixture
def ran(cw: Cw, project: Path) -> Cw:
    """A project in which one task worked and one did not."""
    (project / "plan.toml").write_text(PLAN)
    cw("run", project / "plan.toml")
    return cw


def position(cw: Cw, kind: str) -> int:
    return cw("events", "--type", kind, "--json").json[-1]["position"]


def test_why_begins_with_the_user_and_goes_on_to_what_came_of_it(ran: Cw) -> None:
    failed = position(ran, "task:failed")
    lines = ran("why", str(failed)).out.splitlines()
    here = next(number for number, line in enumerate(lines) if line.startswith("> "))
    assert "(by user)" in lines[0]
    assert f"{failed}" in lines[here]
    assert any("task:dead-lettered" in line for line in lines[here:])
    positions = [int(line[2:].split()[0]) for line in lines]
    assert positions == sorted(positions)


def test_why_for_programs_has_the_causes_back_and_the_consequences_of_the_first(ran: Cw) -> None:
    chain = ran("why", str(position(ran, "task:failed")), "--json").json
    assert chain[0]["type"] == "task:failed"
    assert chain[-1]["actor"] == "user"
    assert "task:dead-lettered" in [event["type"] for event in chain[0]["consequences"]]
    assert all(event["causation_id"] for event in chain[0]["consequences"])


def test_why_of_nothing_is_refused(ran: Cw) -> None:
    assert ran("why", "0").code == 2
    assert "there is no event '0'" in ran("why", "0").sentence
    assert "there is no task or agent 'nobody'" in ran("why", "nobody").sentence


def test_diff_tells_what_is_different(ran: Cw) -> None:
    out = ran("diff", str(position(ran, "task:created")), "now").out
    assert "~ T-1  " in out
    assert " → completed" in out
    assert "Run the [tests]" in out
    assert " → dead-lettered" in out


def test_diff_to_now_is_the_default(ran: Cw) -> None:
    assert ran("diff", "3").out == ran("diff", "3", "now").out == ran("diff", "3", "100%").out


def test_diff_takes_any_moment_or_address(ran: Cw) -> None:
    created = ran("tasks", "--json").json[0]["position"]
    assert ran("diff", "T-1", "now").out == ran("diff", str(created), "now").out
    assert ran("diff", f"cw://main#{created}", "now").out == ran("diff", str(created), "now").out
    assert ran("diff", "-1h", "now").out.splitlines()[0].endswith("before the first event")


def test_diff_for_programs(ran: Cw) -> None:
    found = ran("diff", "0", "now", "--json").json
    assert (found["before"]["position"], found["after"]["branch"]) == (0, "main")
    tasks = {record["id"]: record for record in found["records"] if record["kind"] == "tasks"}
    assert {record["change"] for record in tasks.values()} == {"added"}
    assert {amount["name"]: amount["after"] for amount in found["tasks"]} == {"completed": 1, "dead-lettered": 1}
    changed = ran("diff", str(position(ran, "task:claimed") - 1), "now", "--json").json
    (test,) = [record for record in changed["records"] if record["id"] == "T-2"]
    assert (test["status_before"], test["status_after"]) == ("queued", "dead-lettered")
    assert "duration_ms" in [field["name"] for field in test["fields"]]


@pytest.mark.parametrize("moment", ["yesterdayish", "cw://nowhere#3", "@nothing", "T-99"])
def test_a_moment_that_means_nothing_is_refused_in_a_sentence(ran: Cw, moment: str) -> None:
    answer = ran("diff", moment, "now")
    assert answer.code == 2
    assert answer.sentence
