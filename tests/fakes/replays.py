"""An agent that replays a recording: all at once, by a few bytes, up to a line, as a document, and ends as it is told.

    replays.py RECORDING [--lines N] [--bytes N] [--gate PATH --at TEXT] [--document PATH] [--say TEXT] [--exit CODE]

At the record with TEXT in it, it stops in the middle of the line until somebody opens the gate, a named pipe. As a
document, the recording is written message by message into PATH, as mini-swe-agent does.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path


def pass_gate(path: str) -> None:
    with Path(path).open("rb", buffering=0) as gate:
        gate.read(1)


def replay(lines: list[bytes], options: argparse.Namespace) -> None:
    out = sys.stdout.buffer
    for line in lines:
        if options.at and options.at.encode() in line:
            out.write(line[: len(line) // 2])
            out.flush()
            pass_gate(options.gate)
            line = line[len(line) // 2 :]  # noqa: PLW2901
        for start in range(0, len(line), options.bytes or len(line)):
            out.write(line[start : start + (options.bytes or len(line))])
            out.flush()


def write_document(text: str, options: argparse.Namespace) -> None:
    whole = json.loads(text)
    messages = whole["messages"][: options.lines]
    path = Path(options.document)
    path.parent.mkdir(parents=True, exist_ok=True)
    for length in range(1, len(messages) + 1):
        path.write_text(json.dumps({**whole, "messages": messages[:length]}, indent=2))
        print(f"step {length}", flush=True)
        if options.at and options.at in json.dumps(messages[length - 1]):
            pass_gate(options.gate)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", type=Path)
    parser.add_argument("--lines", type=int)
    parser.add_argument("--bytes", type=int)
    parser.add_argument("--gate")
    parser.add_argument("--at")
    parser.add_argument("--document")
    parser.add_argument("--say")
    parser.add_argument("--exit", type=int, default=0)
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    if options.document:
        write_document(options.recording.read_text(), options)
    else:
        replay(options.recording.read_bytes().splitlines(keepends=True)[: options.lines], options)
    if options.say:
        print(options.say, file=sys.stderr, flush=True)
    while options.stay:
        signal.pause()
    sys.exit(options.exit)


if __name__ == "__main__":
    main()
