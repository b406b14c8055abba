"""What recordings of real agents become: how they ended, which tools they used, what they said and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fakes.agents import RECORDINGS, told_by

from core.agents.fitting import fitting
from core.agents.redaction import Redactor
from core.events import (
    ConversationOpened,
    PermissionGranted,
    PermissionRequested,
    StepCompleted,
    StepFailed,
    StepStarted,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from core.events.registry import encode

DONE = "STUB: done."


def ticks(number: int) -> str:
    return "".join(f"tick{tick} " for tick in range(number))


@dataclass(frozen=True)
class Expected:
    """What has to come out of one recording."""

    status: str
    text: str
    calls: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    pieces: int = 0
    usage: tuple[tuple[int, int, int, int | None], ...] = ()
    conversation: str | None = None
    retry_after_s: float | None = None
    other_lines: int = 0


def codex(thread: str, *calls: tuple[str, str]) -> Expected:
    return Expected("completed", DONE, calls, (DONE,), 0, ((200, 14, 80, None),), thread)


def codex_stopped(thread: str) -> Expected:
    return Expected("failed", "codex ended without saying that it had finished", conversation=thread)


def gemini(session: str, tool: str) -> Expected:
    return Expected("completed", DONE, ((tool, "ok"),), (DONE,), 1, ((200, 14, 0, None),), session)


def gemini_stopped(session: str, said: int) -> Expected:
    unfinished = "gemini ended without saying that it had finished"
    return Expected("failed", unfinished, texts=(ticks(said),), pieces=said, conversation=session)


def opencode(session: str, *calls: tuple[str, str]) -> Expected:
    each = (100, 7, 0, 114)
    return Expected("completed", DONE, calls, (DONE,), 0, (each,) * (1 + len(calls)), session)


def opencode_stopped(session: str) -> Expected:
    return Expected("failed", "opencode ended without saying that it had finished", conversation=session)


NO_SOCKET = (
    "Cannot connect to API: The socket connection was closed unexpectedly. For more information, pass `verbose: true` "
    "in the second argument to fetch()"
)

LIMITED = "Rate limit reached for stub-1 on requests per min. Please try again in 20s."
SIGN_IN = ": sign in with it, or hand its key on with `pass_env`"

EXPECTED = {
    "codex-exec-tool.jsonl": codex("01a1fa27-d58d-7aa2-8589-bb07ded276da", ("command_execution", "ok")),
    "codex-exec-fail.jsonl": codex("01a1fa28-b70d-7302-8be5-844da1437a49", ("command_execution", "error")),
    "codex-exec-mcp.jsonl": codex("01a1fa33-99c5-74d1-956e-bedda9479390", ("cw.enqueue_task", "ok")),
    "codex-exec-patch.jsonl": codex("01a1fa3e-dba2-7631-b363-4ca8869e18d3", ("file_change", "ok")),
    "codex-exec-readonly.jsonl": codex("01a1fa28-b9ca-7e32-b86d-8b2ef1bffd5f"),
    "codex-exec-neterror.jsonl": Expected(
        "failed",
        "stream disconnected before completion: error sending request",
        conversation="01a1fa26-2dec-74c3-a063-f4c381538c04",
    ),
    "codex-exec-slow-SIGINT.jsonl": codex_stopped("01a1fa28-8f66-7c43-a247-a1a420eb4a06"),
    "codex-exec-slow-SIGTERM.jsonl": codex_stopped("01a1fa28-9b7f-7f12-adf5-79c874aedb42"),
    "gemini-p-tool.jsonl": gemini("117819c5-854e-4a36-be84-71e4f77e9467", "run_shell_command"),
    "gemini-p-fail.jsonl": gemini("3bfe762c-e816-418f-8ee0-39d86f899727", "run_shell_command"),
    "gemini-p-resume.jsonl": gemini("73f707f9-9c7f-430f-a470-3eb884daa935", "run_shell_command"),
    "gemini-p-edit.jsonl": gemini("0715a469-4926-4829-99c9-1ae7858aade5", "write_file"),
    "gemini-p-slow-SIGINT-group.jsonl": gemini_stopped("ae09c27a-981b-414e-992c-c95a408b3387", 7),
    "gemini-p-slow-SIGINT-proc.jsonl": gemini_stopped("fb829b07-b7b6-4f54-97d6-8f0ece96abcf", 47),
    "gemini-p-slow-SIGTERM-group.jsonl": gemini_stopped("3a28c89f-b8ed-4feb-a79a-3bbf86739b0b", 7),
    "gemini-p-slow-SIGTERM-proc.jsonl": gemini_stopped("8fba16ab-570b-4d7f-813f-65010891ec2e", 47),
    "gemini-p-toolsleep-SIGTERM.jsonl": Expected(
        "failed",
        "gemini ended without saying that it had finished",
        (("run_shell_command", "abandoned"),),
        conversation="f10563b4-6c7d-422b-9d3d-b8be39530e2b",
    ),
    "opencode-run-tool.jsonl": opencode("ses_e05d82367ffeSpCSICFbG9LFKn", ("bash", "ok")),
    "opencode-run-fail.jsonl": opencode("ses_e05d5c5ecffeVPDF1x3k9AcPaD", ("bash", "error")),
    "opencode-run-resume.jsonl": opencode("ses_e05d82367ffeSpCSICFbG9LFKn"),
    "opencode-run-neterror.jsonl": Expected("failed", NO_SOCKET, conversation="ses_e05d9cbe4ffezofoxNQLxxU8Vp"),
    "opencode-run-slow-SIGINT-group.jsonl": opencode_stopped("ses_e05d6155affeqdJ2u3geunXzv6"),
    "opencode-run-slow-SIGINT-proc.jsonl": opencode_stopped("ses_e05d62ebeffeE75F9D1WAXYKUB"),
    "opencode-run-slow-SIGTERM-proc.jsonl": opencode_stopped("ses_e05d5fdb8ffeFgp8A2q66HUYW1"),
    "goose-run-tool.jsonl": Expected("completed", DONE, (("shell", "ok"),), (DONE,), 2, ((200, 14, 0, None),)),
    "goose-run-mcp.jsonl": Expected("completed", DONE, (), (DONE,), 2, ((100, 7, 0, None),)),
    "goose-run-slow-SIGINT.jsonl": Expected(
        "failed", "Headless run interrupted", texts=(ticks(10),), pieces=10, other_lines=4
    ),
    "goose-run-slow-SIGTERM.jsonl": Expected(
        "failed", "goose ended without saying that it had finished", texts=(ticks(10),), pieces=10, other_lines=4
    ),
    "goose-run-toolsleep-SIGTERM.jsonl": Expected(
        "failed", "goose ended without saying that it had finished", (("shell", "abandoned"),), other_lines=4
    ),
    "codex-exec-resume.jsonl": Expected(
        "completed",
        DONE,
        texts=(DONE,),
        usage=((300, 21, 120, None),),
        conversation="01a1fc62-e3ba-7370-a799-c750b2f9f35d",
    ),
    "codex-exec-noauth.jsonl": Expected(
        "failed",
        "codex is not signed in (unexpected status 401 Unauthorized: Incorrect API key provided: dummy., url: "
        "http://127.0.0.1:18201/v1/responses)" + SIGN_IN,
        conversation="01a1fc61-3cf3-7e70-a822-4daa4e17ddb1",
    ),
    "codex-exec-limit.jsonl": Expected(
        "failed",
        "exceeded retry limit, last status: 429 Too Many Requests",
        conversation="01a1fc61-5631-7712-80ab-c6f3eb1f34d7",
        retry_after_s=0,
    ),
    "gemini-p-noauth.jsonl": Expected(
        "failed",
        "gemini is not signed in (Incorrect API key provided: dummy)" + SIGN_IN,
        conversation="1f7e5b3d-c18e-4e80-99a7-2fc7d08f39c3",
    ),
    "opencode-run-noauth.jsonl": Expected(
        "failed",
        "opencode is not signed in (401: Incorrect API key provided: dummy)" + SIGN_IN,
        conversation="ses_e039dfdcaffeM71Pl235UnQV2p",
    ),
    "opencode-run-limit.jsonl": Expected(
        "failed",
        f"429: {LIMITED}",
        conversation="ses_e039dc50effeejzFP8kvIQh5f8",
        retry_after_s=20,
    ),
    "opencode-run-denied.jsonl": Expected(
        "failed",
        "it needs permission that nobody gave: bash",
        (("bash", "denied"),),
        usage=((100, 7, 0, 0),),
        conversation="ses_e039d09bfffercy3ORgkzAhk8v",
    ),
    "goose-run-noauth.jsonl": Expected(
        "failed",
        "goose is not signed in (Ran into this error: Authentication error: Authentication failed for "
        "http://127.0.0.1:18201/v1/chat/completions. Status: 401 Unauthorized. Response: Incorrect API key provided: "
        "dummy.. Please retry if you think this is a transient or recoverable error)" + SIGN_IN,
    ),
    "goose-run-limit.jsonl": Expected(
        "failed",
        f"Ran into this error: Rate limit exceeded: {LIMITED}.\n\nPlease retry if you think this is a transient or "
        "recoverable error.",
        retry_after_s=20,
    ),
    "goose-run-neterror.jsonl": Expected(
        "failed",
        "Network error: Could not connect to 127.0.0.1:1 — check your network connection and try again.\n\nPlease "
        "resend your message to try again.",
    ),
    "mini-traj.json": Expected(
        "completed", "", (("bash", "ok"), ("bash", "abandoned")), usage=((100, 7, 0, 0), (100, 7, 0, 0))
    ),
    "claude-stream-json.SYNTHETIC.jsonl": Expected(
        "completed", "Done", (("Bash", "ok"),), ("I will list.",), 0, ((20, 12, 0, 1000),), "s-1"
    ),
}


def test_every_recording_has_an_expectation() -> None:
    recordings = {path.name for path in RECORDINGS.glob("*.json*") if not path.name.startswith("acp-")}
    assert recordings == EXPECTED.keys()


@pytest.mark.parametrize("recording", EXPECTED)
def test_a_recording_becomes_what_happened(recording: str) -> None:
    found, expected = told_by(recording), EXPECTED[recording]
    assert (found.outcome.status, found.outcome.text) == (expected.status, expected.text)
    assert found.outcome.retry_after_s == expected.retry_after_s
    assert found.outcome.retryable == (SIGN_IN not in expected.text)
    assert tuple(found.calls) == expected.calls
    assert tuple(found.texts) == expected.texts
    assert len(found.spoken) == expected.pieces
    assert "".join(found.spoken) == ("".join(expected.texts) if expected.pieces else "")
    assert tuple(found.usage) == expected.usage
    opened = [event.conversation_id for event in found.all(ConversationOpened)]
    assert opened == ([expected.conversation] if expected.conversation else [])
    assert found.other_lines == expected.other_lines


@pytest.mark.parametrize("recording", EXPECTED)
def test_a_recording_is_one_turn_whose_calls_end_in_it(recording: str) -> None:
    found = told_by(recording)
    assert [step.step_id for step in found.all(StepStarted)] == ["turn-1"]
    ends = [*found.all(StepCompleted), *found.all(StepFailed)]
    assert ends == [found.events[-1]]
    assert isinstance(ends[0], StepCompleted) == (found.outcome.status == "completed")
    started = [call.tool_call_id for call in found.all(ToolCallStarted)]
    assert [call.tool_call_id for call in found.all(ToolCallCompleted)] == started
    assert {call.step_id for call in found.all(ToolCallStarted)} <= {"turn-1"}


@pytest.mark.parametrize("recording", EXPECTED)
def test_what_a_recording_becomes_can_be_stored(recording: str) -> None:
    for event in told_by(recording).events:
        encode(fitting(event, Redactor()))


def test_models_are_named_where_the_program_names_them() -> None:
    models = {name: [used.model for used in told_by(name).all(UsageReported)] for name in EXPECTED}
    assert models["gemini-p-tool.jsonl"] == ["stub-1"]
    assert models["goose-run-tool.jsonl"] == ["stub-1"]
    assert models["mini-traj.json"] == ["stub-1", "stub-1"]
    assert models["claude-stream-json.SYNTHETIC.jsonl"] == ["m"]
    assert models["codex-exec-tool.jsonl"] == [""]


def test_what_a_tool_was_given_and_what_it_answered_is_kept() -> None:
    found = told_by("codex-exec-fail.jsonl")
    assert found.all(ToolCallStarted)[0].input == {"command": "/bin/bash -lc 'echo out; echo err >&2; exit 3'"}
    assert found.all(ToolCallCompleted)[0].output == "out\nerr\n"
    assert told_by("gemini-p-tool.jsonl").all(ToolCallCompleted)[0].output == "from-gemini\na.txt"
    assert told_by("opencode-run-tool.jsonl").all(ToolCallCompleted)[0].output == "from-opencode\na.txt\n"
    assert str(told_by("goose-run-tool.jsonl").all(ToolCallCompleted)[0].output).startswith("from-goose\na.txt")
    assert str(told_by("codex-exec-mcp.jsonl").all(ToolCallCompleted)[0].output).startswith('{\n  "task_id"')


def test_a_question_of_claude_is_answered_by_what_it_then_does() -> None:
    found = told_by("claude-stream-json.SYNTHETIC.jsonl")
    (asked,) = found.all(PermissionRequested)
    assert (asked.request_id, asked.tool_call_id, asked.tool_name) == ("r1", "toolu_1", "Bash")
    assert [granted.request_id for granted in found.all(PermissionGranted)] == ["r1"]
