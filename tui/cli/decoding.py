"""`cw decode`: what an agent's recorded output becomes, without running anything and without a project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from core.agents.acp.decoder import AcpDecoder
from core.agents.decoding import Decoded, Outcome, Reader, Reading
from core.agents.fitting import fitting
from core.agents.presets import DOCUMENTS, PRESETS
from core.agents.records import RECORD_BYTES, parse
from core.agents.redaction import Redactor
from core.errors import UsageError
from core.events import AgentOutput, ExecutionCancelled, ExecutionCompleted, ExecutionFailed, Payload
from core.processes.lines import LineSplitter
from tui.cli.printing import say_json

CHUNK_BYTES = 64 * 1024

READERS: Mapping[str, Callable[[], Reader]] = {"acp": lambda: Reading(AcpDecoder()), **PRESETS}
NAMES = ", ".join(sorted(READERS))


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(decode)


def decode(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help=f"One of {NAMES}.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="What the agent printed; - is standard input.")],
) -> None:
    """Print the events an agent's recorded output becomes, one JSON object a line: its type and its payload.

    acp is the Agent Client Protocol, as records {"dir": "incoming" or "outgoing", "msg": message}.
    The last line says how it ended. A line that is no JSON object comes as agent:output, as it does at run time;
    a record that means nothing to the preset adds nothing.
    """
    make = READERS.get(preset)
    if make is None:
        raise UsageError(f"there is no preset {preset!r}; there are {NAMES}")
    outcome: Outcome | None = None
    for decoded in _decoded(preset, make(), file):
        outcome = decoded.outcome or outcome
        for event in decoded.events:
            _print(event)
    _print(_last(outcome))
    raise typer.Exit(0 if outcome is not None and outcome.status == "completed" else 1)


def _decoded(preset: str, reader: Reader, file: str) -> Iterator[Decoded]:
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
            for line in _document(source) if preset in DOCUMENTS else _split(source):
                yield from _told(preset, reader, line)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    yield reader.end()


def _told(preset: str, reader: Reader, line: str) -> Iterator[Decoded]:
    record, document = parse(line), DOCUMENTS.get(preset)
    if record is not None:
        for part in [record] if document is None else document(record):
            yield reader.take(part)
    elif line.strip():
        yield Decoded(added=(AgentOutput(lines=(line,)),))


def _split(source: BinaryIO) -> Iterator[str]:
    splitter = LineSplitter(RECORD_BYTES)
    while chunk := source.read(CHUNK_BYTES):
        yield from splitter.feed(chunk)
    yield from splitter.flush()


def _document(source: BinaryIO) -> Iterator[str]:
    """The whole of it, or its lines when it is no document."""
    text = source.read().decode("utf-8", "replace")
    yield from [text] if parse(text) is not None else text.splitlines()


def _last(outcome: Outcome | None) -> Payload:
    if outcome is None:
        return ExecutionFailed(error="it had nothing to do")
    match outcome.status:
        case "completed":
            return ExecutionCompleted(output=outcome.text)
        case "failed":
            return ExecutionFailed(error=outcome.text)
        case "cancelled":
            return ExecutionCancelled(reason=outcome.text)


def _print(event: Payload) -> None:
    fit = fitting(event, Redactor())  # as it would be stored
    say_json({"type": fit.type, "payload": fit})
