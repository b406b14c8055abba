"""`cw decode`: what an agent's recorded output becomes, without running anything and without a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from core.agents.decoding import Decoded, Outcome, Reader
from core.agents.presets import PRESETS, WRITES_DOCUMENT
from core.agents.records import RECORD_BYTES, fitting_text, parse
from core.errors import UsageError
from core.events import AgentOutput, ExecutionCancelled, ExecutionCompleted, ExecutionFailed, Payload
from core.processes.lines import LineSplitter
from tui.cli.printing import say_json

CHUNK_BYTES = 64 * 1024


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(decode)


def decode(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help=f"One of {', '.join(sorted(PRESETS))}.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="What the agent printed; - is standard input.")],
) -> None:
    """Print the events an agent's recorded output becomes, one JSON object a line: its type and its payload.

    The last one says how it ended. A line that is no JSON object comes as agent:output, as it does at run time;
    a record that means nothing to the preset adds nothing.
    """
    make = PRESETS.get(preset)
    if make is None:
        raise UsageError(f"there is no preset {preset!r}; there are {', '.join(sorted(PRESETS))}")
    outcome: Outcome | None = None
    for decoded in _decoded(make(), _lines(file, whole=preset in WRITES_DOCUMENT)):
        outcome = decoded.outcome or outcome
        for event in decoded.events:
            _print(event)
    _print(_last(outcome))
    raise typer.Exit(0 if outcome is not None and outcome.status == "completed" else 1)


def _decoded(reader: Reader, lines: Iterator[str]) -> Iterator[Decoded]:
    for line in lines:
        record = parse(line)
        if record is not None:
            yield reader.take(record)
        elif line.strip():
            yield Decoded(added=(AgentOutput(lines=(fitting_text(line),)),))
    yield reader.end()


def _last(outcome: Outcome | None) -> Payload:
    if outcome is None:
        return ExecutionFailed(error="")
    match outcome.status:
        case "completed":
            return ExecutionCompleted(output=outcome.text)
        case "failed":
            return ExecutionFailed(error=outcome.text)
        case "cancelled":
            return ExecutionCancelled(reason=outcome.text)


def _print(event: Payload) -> None:
    say_json({"type": event.type, "payload": event})


def _lines(file: str, *, whole: bool) -> Iterator[str]:
    """The lines of the recording; a document that stands over several lines is one."""
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
            yield from _document(source) if whole else _split(source)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None


def _split(source: BinaryIO) -> Iterator[str]:
    splitter = LineSplitter(RECORD_BYTES)
    while chunk := source.read(CHUNK_BYTES):
        yield from splitter.feed(chunk)
    yield from splitter.flush()


def _document(source: BinaryIO) -> Iterator[str]:
    text = source.read().decode("utf-8", "replace")
    yield from [text] if parse(text) is not None else text.splitlines()
