"""Recording output: from a process's pipe to batched `agent:output` events.

Bounds, each with its reason: a channel appends at most every 50 ms, so a flood is a few large events; an event stays
well under the payload limit; while the log is busy the pipe fills and the process waits, as for any slow reader;
beyond its budget a run's output is drained and counted but not stored, except for its end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from core.agents.redaction import Redactor
from core.concurrency import task_group
from core.events import AgentOutput, Append, OutputChannel
from core.journal import Journal
from core.processes.lines import LineSplitter

CHUNK_BYTES = 64 * 1024
BATCH_EVERY_S = 0.05
BATCH_BYTES = 160 * 1024  # encoded; an event may hold 256 KiB
LINE_BYTES = 72 * 1024  # encoded: a line as long as any comes, with its mark; control characters take six bytes each
LINES_PER_BATCH = 8_000
BUDGET_BYTES = 8 * 1024 * 1024  # stored per run and channel
LEAST_COST_BYTES = BATCH_BYTES // LINES_PER_BATCH  # of a line: the budget is spent in a few seconds, however it comes
LAST_LINES = 20  # among them is the one that says what went wrong
ENDING_LINES = 200  # of what came after the budget, the last lines are stored when the run ends


class OutputRecorder:
    """Records one channel of one run. Enter `storing` for as long as lines are taken."""

    def __init__(
        self,
        journal: Journal,
        agent_id: str,
        channel: OutputChannel,
        redactor: Redactor,
        cause: Callable[[], int | None],
        *,
        task_id: str = "",
        execution_id: str = "",
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self._journal, self._stream, self._redactor = journal, f"agent/{agent_id}", redactor
        self._channel: OutputChannel = channel
        self._cause = cause
        self._task_id, self._execution_id = task_id, execution_id
        self._budget = budget_bytes
        self._pending: list[str] = []
        self._pending_bytes = 0
        self._ending: deque[str] = deque(maxlen=ENDING_LINES)
        self._dropped_lines = self._dropped_bytes = 0
        self._truncated = False
        self._wanted, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._over = False
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        """The last ones that were not blank."""

    @property
    def last_line(self) -> str:
        """The last line that was not blank."""
        return self.last_lines[-1] if self.last_lines else ""

    @asynccontextmanager
    async def storing(self) -> AsyncGenerator[None, None]:
        """Store what is taken for the length of an `async with`; at its end all of it is in the log."""
        async with task_group() as tasks:
            tasks.create_task(self._store(), name=f"store output of {self._stream}")
            yield
            self._over = True
            self._wanted.set()

    async def record(self, reader: asyncio.StreamReader) -> None:
        """Take all lines of a pipe, until end of file, and return when they are stored."""
        async with self.storing():
            await self.read(reader)

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take all lines of a pipe within the bounds, until end of file."""
        splitter = LineSplitter()
        while chunk := await reader.read(CHUNK_BYTES):
            await self.take(splitter.feed(chunk))
        await self.take(splitter.flush())

    async def take(self, lines: list[str]) -> None:
        """Take some lines within the bounds; waits while the log is behind."""
        for index, raw in enumerate(lines):
            if self._budget <= 0:
                self._drop(lines[index:])
                return
            line, size = self._measured(self._redactor.line(raw))
            if line.strip():
                self.last_lines.append(line)
            await self._room.wait()
            self._budget -= max(size, LEAST_COST_BYTES)
            self._pending.append(line)
            self._pending_bytes += size
            self._wanted.set()
            if self._pending_bytes >= BATCH_BYTES or len(self._pending) >= LINES_PER_BATCH:
                self._room.clear()

    def _measured(self, line: str) -> tuple[str, int]:
        """The line, cut if it must be, and its encoded size."""
        size = len(msgspec.json.encode(line)) + 1
        if size <= LINE_BYTES:
            return line, size
        self._truncated = True
        cut = line[: LINE_BYTES // 6] + "…"
        return cut, len(msgspec.json.encode(cut)) + 1

    def _drop(self, lines: list[str]) -> None:
        """Count lines over the budget and keep the newest ones, unseen: a flood must cost next to nothing."""
        self._ending.extend(lines[-ENDING_LINES:])
        self._dropped_lines += len(lines)
        self._dropped_bytes += sum(map(len, lines))

    async def _store(self) -> None:
        while not (self._over and not self._pending):
            await self._wanted.wait()
            self._wanted.clear()
            if self._pending:
                await self._append(*self._emptied())
            if not self._over:
                await self._journal.clock.sleep(BATCH_EVERY_S)
        if self._ending:
            await self._append_ending()

    def _emptied(self) -> tuple[list[str], bool]:
        lines, self._pending, self._pending_bytes = self._pending, [], 0
        truncated, self._truncated = self._truncated, False
        self._room.set()
        return lines, truncated

    async def _append_ending(self) -> None:
        """What the run said last, in events that are small enough."""
        self._dropped_lines -= len(self._ending)
        self._dropped_bytes -= sum(map(len, self._ending))
        batch: list[str] = []
        size = 0
        for raw in self._ending:
            line, line_size = self._measured(self._redactor.line(raw))
            if line.strip():
                self.last_lines.append(line)
            if size + line_size > BATCH_BYTES:
                await self._append(batch, truncated=True)
                batch, size = [], 0
            batch.append(line)
            size += line_size
        await self._append(batch, truncated=True)

    async def _append(self, lines: list[str], truncated: bool) -> None:
        dropped_lines, self._dropped_lines = self._dropped_lines, 0
        dropped_bytes, self._dropped_bytes = self._dropped_bytes, 0
        output = AgentOutput(
            channel=self._channel, lines=tuple(lines), truncated=truncated, dropped_lines=dropped_lines,
            dropped_bytes=dropped_bytes, task_id=self._task_id, execution_id=self._execution_id,
        )  # fmt: skip
        append = Append(self._stream, [output], cause=self._cause())
        await self._journal.record_fact(lambda _: [append], actor=self._stream.replace("/", ":"))
