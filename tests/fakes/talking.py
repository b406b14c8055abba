"""Agents that speak a protocol, recorded: what they say, think, do and ask, at the same times each time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

from fakes.recorded import Step, one

from core import events as e
from core.events import Payload, PermissionOption, PlanEntry, UnknownEvent

ASKS, WRITES, PRINTS = "planner-1", "coder-2", "shell-3"
ASKED, WRITTEN, OLD = "T-1.1", "T-2.1", "T-2.0"

OPTIONS = (
    PermissionOption(option_id="once", name="Allow", kind="allow_once"),
    PermissionOption(option_id="always", name="Always allow edits", kind="allow_always"),
    PermissionOption(option_id="no", name="Reject", kind="reject_once"),
)

REPORT = """\
## What I found

The parser splits on `,` **before** it looks at quotes, so `"a,b"` becomes two fields. Three places matter:

1. `split_row` in `src/csv/reader.py` – the cause
2. the test that *expects* the wrong result:
   - `test_quotes` asserts three fields
   - it was written after the bug
3. the [format notes](https://example.org/rfc4180), which say it plainly

> Fields containing line breaks, double quotes, and commas should be enclosed in double-quotes.

| file | lines | change |
|---|---:|---|
| src/csv/reader.py | 48 | a small state machine |
| tests/test_reader.py | 12 | two fields, not three |

```python
def split_row(line: str) -> list[str]:
    fields, quoted = [""], False
    for char in line:
        ...
```

I will change the reader first.
"""

BEFORE = "def split_row(line):\n    return line.split(',')\n\n\ndef join_row(fields):\n    return ','.join(fields)\n"
AFTER = (
    "def split_row(line):\n    fields, quoted = [''], False\n    for char in line:\n        if char == '\"':\n"
    "            quoted = not quoted\n        elif char == ',' and not quoted:\n            fields.append('')\n"
    "        else:\n            fields[-1] += char\n    return fields\n\n\n"
    "def join_row(fields):\n    return ','.join(fields)\n"
)
DIFF = {"type": "diff", "path": "src/csv/reader.py", "oldText": BEFORE, "newText": AFTER}
PYTEST = "===== test session starts =====\ncollected 14 items\n\ntests/test_reader.py ....F....\n\nE   assert 3 == 2\n"


def said(text: str, kind: str = "text") -> e.MessageReceived:
    return e.MessageReceived(text=text, kind="thought" if kind == "thought" else "text", role="assistant")


def plan(*statuses: str) -> e.PlanUpdated:
    titles = ("Read the reader and its tests", "Fix how rows are split", "Run all tests", "Write it down")
    return e.PlanUpdated(
        entries=tuple(PlanEntry(content=title, status=status) for title, status in zip(titles, statuses, strict=True))
    )


def usage(tokens_in: int, tokens_out: int, context: int, cost: int) -> e.UsageReported:
    return e.UsageReported(
        scope="turn", input_tokens=tokens_in, output_tokens=tokens_out, context_used_tokens=context,
        context_size_tokens=200_000, cost_usd_micros=cost, model="some-model",
    )  # fmt: skip


def begun(task: str, agent: str, execution: str, protocol: str, title: str) -> list[Step]:
    profile = agent.partition("-")[0]
    spawned = e.AgentSpawned(name=agent, profile=profile, role=profile, protocol=protocol)
    return [
        (1, [one(f"task/{task}", e.TaskCreated(title=title, prompt=title, profile=profile), e.TaskQueued())]),
        (0.1, [one(f"agent/{agent}", spawned, e.AgentTaskAssigned(task_id=task),
                   e.AgentStatusChanged(previous="idle", current="busy")),
               one(f"task/{task}", e.TaskClaimed(agent_id=agent, attempt=1, fence=1))]),
        (0.1, [one(f"execution/{execution}", e.ExecutionStarted(task_id=task, agent_id=agent))]),
        (0.1, [one(f"agent/{agent}", e.AgentStarted(pid=5000, shim_pid=4999, execution_id=execution)),
               one(f"task/{task}", e.TaskStarted(agent_id=agent, execution_id=execution))]),
    ]  # fmt: skip


def does(execution: str, *payloads: Payload, after: float = 1.0) -> Step:
    return after, [one(f"execution/{execution}", *payloads)]


def conversation() -> list[Step]:
    """One agent that works its way through a task and asks; one in the middle of a sentence; one that only prints."""
    return [
        (0, [one("session/S-1", e.SessionStarted(session_id="S-1", version="0.1.0", pid=4711, host="here")),
             one("swarm/main", e.SwarmInitialized(topology="pool", max_agents=4)),
             one("budget/day/usd_micros", e.BudgetSet(scope="day 2026-03-14", unit="usd_micros", limit=60_000)),
             one("budget/session/tokens", e.BudgetSet(scope="session S-1", unit="tokens", limit=100_000))]),
        *begun("T-1", ASKS, ASKED, "acp", "Make the reader understand quotes"),
        *_asking(),
        *begun("T-2", WRITES, WRITTEN, "jsonl:codex", "Explain the exit codes"),
        *_writing(),
        (0.1, [one("budget/day/usd_micros", e.BudgetWarned(scope="day 2026-03-14", unit="usd_micros", limit=60_000,
                                                           used=48_300))]),
        *begun("T-3", PRINTS, "T-3.1", "command", "Build the docs"),
        (1, [one(f"agent/{PRINTS}", e.AgentOutput(lines=("sphinx 8.1", "reading 12 files"), task_id="T-3",
                                                  execution_id="T-3.1"))]),
    ]  # fmt: skip


RESTS = "coder-4"


def held_back() -> list[Step]:
    """The same, later: a provider has had enough of one profile, and the day's budget is used up."""
    waiting = [
        one("task/T-5", e.TaskCreated(title="Shorten the guide", prompt="Shorten it", profile="coder"), e.TaskQueued()),
        one("task/T-6", e.TaskCreated(title="Look at the parser", prompt="Look", profile="tester"), e.TaskQueued()),
    ]
    until = datetime(2026, 3, 14, 9, 41, 30, tzinfo=UTC)
    return [
        *conversation(),
        *begun("T-4", RESTS, "T-4.1", "acp", "Tidy the changelog"),
        does("T-4.1", usage(900, 40, 2_000, 11_900), e.ExecutionFailed(error="rate limit reached")),
        (0, [one("task/T-4", e.TaskRequeued(reason="rate limit reached")),
             one(f"agent/{RESTS}", e.AgentStopped(exit_code=0), e.AgentTaskCompleted(task_id="T-4", outcome="failed"),
                 e.AgentStatusChanged(previous="busy", current="idle")),
             one("profile/coder", e.ProfileParked(until=until, reason="rate limit reached"))]),
        (1, [one("budget/day/usd_micros", e.BudgetTripped(scope="day 2026-03-14", unit="usd_micros", limit=60_000,
                                                          used=60_200))]),
        (1, waiting),
    ]  # fmt: skip


def _asking() -> list[Step]:
    wire = ('{"jsonrpc":"2.0","method":"session/update","params":{}}',)
    return [
        (0.1, [one(f"agent/{ASKS}", e.ConversationOpened(conversation_id="c-17", resumable=True),
                   e.AgentOutput(channel="wire-in", lines=wire, execution_id=ASKED))]),
        does(ASKED, e.StepStarted(step_id="turn-1", step_type="turn"),
             e.MessageSent(text="Make the reader understand quotes.\nDo not touch the writer.", by="user")),
        does(ASKED, said("The user wants quotes.\nI should read the reader first.\nThen decide.", "thought"),
             after=2),
        does(ASKED, said("I will look at the reader and its tests first.")),
        does(ASKED, plan("in_progress", "pending", "pending", "pending")),
        does(ASKED, e.ToolCallStarted(tool_call_id="c1", tool_name="Read", input={"file_path": "src/csv/reader.py"})),
        does(ASKED, e.ToolCallCompleted(tool_call_id="c1", output=BEFORE), after=0.4),
        does(ASKED, e.ToolCallStarted(tool_call_id="c2", tool_name="Bash",
                                      input={"command": "python -m pytest -q tests/test_reader.py", "timeout": 60})),
        does(ASKED, e.ToolCallUpdated(tool_call_id="c2", status="in_progress", content="collecting ...")),
        does(ASKED, e.ToolCallCompleted(tool_call_id="c2", outcome="error",
                                        output={"stdout": PYTEST, "exit_code": 1}), after=3.2),
        does(ASKED, usage(12_400, 810, 52_000, 41_300)),
        does(ASKED, said(REPORT), after=4),
        does(ASKED, plan("completed", "in_progress", "pending", "pending")),
        does(ASKED, e.ToolCallStarted(tool_call_id="c3", tool_name="Bash", input={"command": "rm -rf build"}),
             e.PermissionRequested(request_id="p1", tool_call_id="c3", tool_name="Bash", options=OPTIONS,
                                   input={"command": "rm -rf build"})),
        does(ASKED, e.PermissionDenied(request_id="p1", by="user", reason="not needed"),
             e.ToolCallCompleted(tool_call_id="c3", outcome="denied", output="not needed"), after=12),
        does(ASKED, e.CustomRecorded(event_type="agent:notice",
                                     fields={"kind": "warning", "text": "the context is a quarter full"})),
        does(ASKED, UnknownEvent(type="mood:felt", schema_version=1, raw='{"mood":"hopeful"}')),
        does(ASKED, said("Then I leave `build` alone, and change the reader.")),
        does(ASKED, e.ToolCallStarted(tool_call_id="c4", tool_name="Edit", input=DIFF),
             e.PermissionRequested(request_id="p2", tool_call_id="c4", tool_name="Edit", input=DIFF, options=OPTIONS,
                                   deadline=datetime(2026, 3, 14, 9, 31, tzinfo=UTC))),
        (0, [one(f"agent/{ASKS}", e.AgentStatusChanged(previous="busy", current="waiting-permission"))]),
    ]  # fmt: skip


def _writing() -> list[Step]:
    spoken = ("Every command ends with one of five codes.", "", "- `0` all is well", "- `1` work failed")
    return [
        does(WRITTEN, said("Looking for where they are set.", "thought")),
        does(WRITTEN, e.ToolCallStarted(tool_call_id="w1", tool_name="command_execution",
                                        input={"command": "grep -rn 'exit(' tui"})),
        does(WRITTEN, e.ToolCallCompleted(tool_call_id="w1", output="tui/cli.py:12: exit(3)\n"), after=0.3),
        does(WRITTEN, usage(3_100, 240, 9_000, 7_000)),
        *((0.2, [one(f"agent/{WRITES}", e.AgentOutput(channel="text", lines=(line,), task_id="T-2",
                                                      execution_id=WRITTEN))]) for line in spoken),
    ]  # fmt: skip


def long_conversation(turns: int) -> list[Step]:
    """A conversation of so many turns, each with a thought, a message and two calls."""
    return [*begun("T-1", ASKS, ASKED, "acp", "A long story"), *chain.from_iterable(_turn(n) for n in range(turns))]


def _turn(number: int) -> list[Step]:
    calls = (f"{number}a", f"{number}b")
    return [
        does(ASKED, said(f"Thinking about part {number}.", "thought"), said(f"Part **{number}** of it."), after=0.1),
        *(does(ASKED, e.ToolCallStarted(tool_call_id=call, tool_name="Read", input={"path": f"part-{call}.md"}),
               e.ToolCallCompleted(tool_call_id=call, output="text\n" * 20), after=0.1) for call in calls),
    ]  # fmt: skip
