"""The `jsonl:<preset>` adapters: programs that are given one prompt and print JSON about what they do with it.

A line that is no record is output like any other. How it ended is what the preset says, never the exit code; output
that ends without that is a failure, explained by the last error lines.
"""

from __future__ import annotations

import asyncio
import shutil
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import msgspec

from core.agents.adapter import Errand
from core.agents.command import feed
from core.agents.decoding import Decoded, Outcome, Record
from core.agents.draft import NOTICE
from core.agents.failures import explained
from core.agents.presets import DOCUMENTS, PRESETS
from core.agents.recording import Recording
from core.agents.records import RECORD_BYTES, parse
from core.concurrency import task_group
from core.events import CustomRecorded, StoredEvent
from core.processes import Run
from core.processes.lines import LineSplitter
from core.project import Project

CHUNK_BYTES = 16 * 1024  # then others have their turn: a record takes longer to read than a line
WATCH_MS = 100  # how long a document must be left alone before it is read


class JsonlAdapter:
    """Understands a program that prints one record a line."""

    def __init__(self, preset: str, errand: Errand) -> None:
        self._preset, self._errand = preset, errand
        self._reader = PRESETS[preset]()
        self._outcome: Outcome | None = None

    async def talk(self, run: Run, recording: Recording) -> Outcome | None:
        async with task_group() as tasks:
            tasks.create_task(feed(run, self._errand.stdin), name="feed standard input")
            await self._listen(run.stdout, recording)
        await self._add(self._reader.end(), recording)
        if self._outcome is not None and self._outcome.unsaid:
            return explained(self._preset, self._outcome, await recording.last_errors())
        return self._outcome

    def leave(self) -> bool:
        return False

    def react(self, event: StoredEvent) -> bool:  # noqa: ARG002  it was given all it hears when it was started
        return False

    async def _listen(self, stdout: asyncio.StreamReader, recording: Recording) -> None:
        splitter = LineSplitter(RECORD_BYTES)
        while chunk := await stdout.read(CHUNK_BYTES):
            await self._hear(splitter.feed(chunk), recording)
            await asyncio.sleep(0)
        await self._hear(splitter.flush(), recording)

    async def _hear(self, lines: list[str], recording: Recording) -> None:
        for line in lines:
            record = parse(line)
            if record is None:
                await recording.lines("stdout", [line])
            else:
                await self._take(record, line, recording)

    async def _take(self, record: Record, raw: str, recording: Recording) -> None:
        await recording.wire("wire-in", raw)
        await self._add(self._reader.take(record), recording)

    async def _add(self, decoded: Decoded, recording: Recording) -> None:
        self._outcome = decoded.outcome or self._outcome
        await recording.decoded(decoded)


class DocumentAdapter(JsonlAdapter):
    """Understands a program that writes its records into a document, anew each time there are more."""

    def __init__(self, preset: str, errand: Errand) -> None:
        super().__init__(preset, errand)
        self._document = document_of(errand.context.project, errand.execution_id)
        self._records_in = DOCUMENTS[preset]
        self._known = 0

    async def _listen(self, stdout: asyncio.StreamReader, recording: Recording) -> None:
        directory = self._document.parent
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        try:
            over = asyncio.Event()
            async with task_group() as tasks:
                tasks.create_task(self._follow(over, recording), name=f"follow {self._document}")
                await recording.stdout(stdout)
                over.set()
            await self._read(recording)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True))

    async def _follow(self, over: asyncio.Event, recording: Recording) -> None:
        watchfiles = await asyncio.to_thread(import_module, "watchfiles")  # half of what starting takes
        try:
            async for _ in watchfiles.awatch(
                self._document.parent, watch_filter=None, stop_event=over, step=WATCH_MS, debounce=10 * WATCH_MS
            ):
                await self._read(recording)
        except (OSError, RuntimeError) as error:  # the system watches no more files for us
            text = f"its progress cannot be followed, only its end: {error}"
            await recording.events(CustomRecorded(event_type=NOTICE, fields={"kind": "warning", "text": text}))

    async def _read(self, recording: Recording) -> None:
        document = await asyncio.to_thread(_parsed, self._document)
        if document is None:  # in the middle of being written
            return
        records = self._records_in(document)
        for record in records[self._known :]:
            await self._take(record, msgspec.json.encode(record).decode(), recording)
        self._known = max(self._known, len(records))


def document_of(project: Path, execution_id: str) -> Path:
    """Where a run's document is; nothing is made yet."""
    return Project(project).ours / "run" / quote(execution_id, safe="") / "records.json"


def _parsed(path: Path) -> Record | None:
    try:
        return parse(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # not there yet
        return None
