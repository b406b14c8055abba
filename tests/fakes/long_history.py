"""A long history, the same each time: a fleet at work for weeks, with failures, pauses, bookmarks and a fork.

python tests/fakes/long_history.py EVENTS FILE      writes such a log, some 40,000 events a second
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import events as e
from core.events import Append, Payload
from core.log import EventLog

BATCH_EVENTS = 800
NIGHT = timedelta(hours=9)
NIGHT_EVERY_TASKS = 400

WORDS = (  # noqa: SIM905  a list of so many would fill the page
    "parser lexer token stream index cursor buffer frame packet socket queue worker lease fence clock timer branch"
    " merge commit patch hunk file path tree node leaf root cache page block chunk schema table column row key value"
    " error warning failed passed skipped running compiling linking testing retrying reading writing done"
).split()


class PassingClock:
    """Time that passes a little with everything that is asked of it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=40)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def happenings(seed: int = 7) -> Iterator[list[Append]]:
    """What happens, step by step, for ever."""
    rng = random.Random(seed)
    yield [
        Append("session/S-1", [e.SessionStarted(session_id="S-1", version="0.1.0", pid=4711, host="here")]),
        Append("swarm/main", [e.SwarmInitialized(topology="pool", max_agents=8)]),
    ]
    for agent in range(8):
        spawned = e.AgentSpawned(name=f"coder-{agent}", profile="coder", role="code", domain="parser")
        yield [Append(f"agent/coder-{agent}", [spawned, e.AgentStarted(pid=5000 + agent)])]
    fence = 0
    task = 0
    while True:
        task += 1
        fence += 1
        yield from _task(rng, task, f"coder-{rng.randrange(8)}", fence)


def _task(rng: random.Random, number: int, agent: str, fence: int) -> Iterator[list[Append]]:
    task, execution = f"task/T-{number}", f"execution/T-{number}.1"
    created = e.TaskCreated(
        title=f"{_say(rng, 4)} {number}", prompt=_say(rng, 30), profile="coder", priority=rng.randrange(5), kind="code"
    )
    yield [Append(task, [created, e.TaskQueued()])]
    yield [
        Append(task, [e.TaskClaimed(agent_id=agent, attempt=1, fence=fence)]),
        Append(f"agent/{agent}", [e.AgentTaskAssigned(task_id=task[5:]),
                                  e.AgentStatusChanged(previous="idle", current="busy")]),
        Append(execution, [e.ExecutionStarted(task_id=task[5:], agent_id=agent)]),
        Append(task, [e.TaskStarted(agent_id=agent, execution_id=execution[10:])]),
    ]  # fmt: skip
    for call in range(rng.randrange(2, 9)):
        yield from _worked(rng, agent, task[5:], execution, call)
    yield from _ended(rng, number, agent, task, execution)


def _worked(rng: random.Random, agent: str, task_id: str, execution: str, call: int) -> Iterator[list[Append]]:
    call_id = f"c{call}"
    started = e.ToolCallStarted(tool_call_id=call_id, tool_name="shell", input={"command": _say(rng, 6)})
    yield [Append(execution, [e.MessageReceived(role="assistant", text=_say(rng, 12)), started])]
    for _ in range(rng.randrange(1, 8)):
        lines = tuple(_say(rng, rng.randrange(3, 10)) for _ in range(rng.choice((1, 1, 1, 2, 4, 12))))
        output = e.AgentOutput(channel="stdout", lines=lines, task_id=task_id, execution_id=execution[10:])
        yield [Append(f"agent/{agent}", [output])]
    used = e.UsageReported(model="some-model", input_tokens=rng.randrange(9000), output_tokens=rng.randrange(900),
                           cost_usd_micros=rng.randrange(4000))  # fmt: skip
    yield [Append(execution, [e.ToolCallCompleted(tool_call_id=call_id, output=_say(rng, 8)), used])]
    if call % 3 == 0:
        key = f"note-{rng.randrange(3000)}"
        stored = e.MemoryStored(namespace="notes", key=key, memory_type="text", size_bytes=40, value=_say(rng, 6))
        read = e.MemoryRetrieved(namespace="notes", key=f"note-{rng.randrange(3000)}", hit=True, by=agent)
        yield [Append(f"memory/notes/{key}", [stored]), Append(f"memory/notes/{read.key}", [read])]


def _ended(rng: random.Random, number: int, agent: str, task: str, execution: str) -> Iterator[list[Append]]:
    failed = rng.random() < 0.02
    over: Sequence[Payload] = (
        [e.TaskFailed(error=f"exit code 1: {_say(rng, 5)}", attempt=1, retryable=False), e.TaskDeadLettered(attempts=1)]
        if failed
        else [e.TaskCompleted(result=_say(rng, 9), duration_ms=rng.randrange(90_000))]
    )
    ended = e.ExecutionFailed(error="exit code 1") if failed else e.ExecutionCompleted(output="done")
    outcome = "failed" if failed else "completed"
    yield [
        Append(execution, [ended]),
        Append(task, list(over)),
        Append(f"agent/{agent}", [e.AgentTaskCompleted(task_id=task[5:], outcome=outcome),
                                  e.AgentStatusChanged(previous="busy", current="idle")]),
    ]  # fmt: skip
    if number % 500 == 0:
        yield [Append(f"checkpoint/C-{number}", [e.CheckpointSaved(checkpoint_id=f"C-{number}", label="so far")])]
    if number % 900 == 0:
        flag = e.BookmarkSet(bookmark_id=f"B-{number}", branch="main", position=number * 10, label=_say(rng, 2))
        yield [Append(f"bookmark/B-{number}", [flag])]


def _say(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


async def write_history(log: EventLog, clock: PassingClock, events: int, *, seed: int = 7) -> None:
    """Append such a history, exactly so many events of it, to an empty log that was opened with the clock."""
    batch: list[Append] = []
    size = written = tasks = 0
    for step in happenings(seed):
        for append in step:
            batch.append(append)
            size += len(append.events)
            tasks += isinstance(append.events[0], e.TaskCreated)
        if size >= BATCH_EVENTS or written + size >= events:
            await log.append_many(_cut(batch, events - written), session_id="S-1", actor="supervisor")
            written = min(written + size, events)
            if tasks >= NIGHT_EVERY_TASKS:
                clock.moment += NIGHT
                tasks = 0
            batch, size = [], 0
        if written >= events:
            return


def _cut(batch: list[Append], room: int) -> list[Append]:
    kept: list[Append] = []
    for append in batch:
        if room > 0:
            kept.append(Append(append.stream, append.events[:room]))
            room -= len(append.events)
    return kept


async def main(events: int, path: Path) -> None:
    clock = PassingClock()
    async with EventLog.open(path, clock=clock) as log:
        await write_history(log, clock, events)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1].replace("_", "")), Path(sys.argv[2])))
