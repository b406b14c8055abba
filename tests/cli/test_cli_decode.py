"""`cw decode`: recordings from files and pipes, without a project."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes.agents import RECORDINGS

if TYPE_CHECKING:
    from conftest import Cw


def test_the_events_of_a_recording_are_lines_that_end_with_how_it_ended(cw: Cw, project: Path) -> None:
    answer = cw("decode", "codex", RECORDINGS / "codex-exec-tool.jsonl")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 0
    assert [line["type"] for line in lines] == [
        "conversation:opened", "custom:recorded", "step:started", "tool-call:started", "tool-call:completed",
        "message:received", "usage:reported", "step:completed", "execution:completed",
    ]  # fmt: skip
    assert all(line.keys() == {"type", "payload"} for line in lines)
    assert lines[-1]["payload"]["output"] == "STUB: done."
    assert list(project.iterdir()) == []


def test_a_recording_that_failed_is_exit_code_1(cw: Cw) -> None:
    answer = cw("decode", "goose", RECORDINGS / "goose-run-slow-SIGINT.jsonl")
    last = json.loads(answer.out.splitlines()[-1])
    assert answer.code == 1
    assert last == {"type": "execution:failed", "payload": {"error": "Headless run interrupted"}}


def test_lines_that_are_no_records_are_shown_as_output(cw: Cw) -> None:
    answer = cw("decode", "goose", RECORDINGS / "goose-run-slow-SIGINT.jsonl")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    banner = [line["payload"]["lines"] for line in lines if line["type"] == "agent:output"]
    assert len(banner) == 3
    assert banner[2] == ["     L L     goose is ready"]


def test_a_document_over_many_lines_is_one_record(cw: Cw) -> None:
    answer = cw("decode", "mini", RECORDINGS / "mini-traj.json")
    assert answer.code == 0
    assert answer.out.count("tool-call:completed") == 2


def test_a_recording_may_come_through_a_pipe(cw: Cw, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = (RECORDINGS / "gemini-p-tool.jsonl").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert cw("decode", "gemini", "-").code == 0


def test_nothing_at_all_is_a_failure(cw: Cw, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    answer = cw("decode", "claude", tmp_path / "empty")
    assert answer.code == 1
    assert "claude ended without saying that it had finished" in answer.out


def test_hostile_text_reaches_no_terminal(cw: Cw, tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07 \x9b31m \u202e"
    record = {"type": "item.completed", "item": {"id": "1", "type": "agent_message", "text": hostile}}
    (tmp_path / "hostile").write_text(json.dumps(record, ensure_ascii=False) + f"\nnot JSON {hostile}\n")
    answer = cw("decode", "codex", tmp_path / "hostile")
    assert answer.out.replace("\n", "").isprintable()


def test_a_wrong_call_is_one_sentence(cw: Cw, tmp_path: Path) -> None:
    for arguments, sentence in (
        (("cobol", tmp_path / "x"), "there is no preset 'cobol'; there are acp, claude, codex, gemini"),
        (("codex", tmp_path / "x"), "x cannot be read: No such file or directory"),
        (("codex", tmp_path), "cannot be read: Is a directory"),
        (("codex",), "Missing argument 'FILE'"),
    ):
        answer = cw("decode", *arguments)
        assert answer.code == 2
        assert sentence in answer.sentence


@pytest.mark.parametrize(("case", "code", "last"), [("tool-allow", 0, "completed"), ("cancel", 1, "cancelled")])
def test_records_of_the_agent_client_protocol_are_decoded_too(cw: Cw, case: str, code: int, last: str) -> None:
    answer = cw("decode", "acp", RECORDINGS / f"acp-goose-{case}.jsonl")
    assert answer.code == code
    assert json.loads(answer.out.splitlines()[-1])["type"] == f"execution:{last}"
