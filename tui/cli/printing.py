"""How commands answer: lines for people, JSON for programs, one sentence for a mistake.

Everything that came from an agent goes through the sanitiser on its way to a terminal. JSON is not changed but
escaped: of itself it lets through what the terminal of somebody who looks at it could obey.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from rich.cells import cell_len

from core.events import StoredEvent, UnknownEvent
from tui.text import label, pad, sanitize


def say(text: str = "") -> None:
    """A line on standard output, made harmless."""
    sys.stdout.write(sanitize(text) + "\n")


def complain(text: str) -> None:
    """A sentence on standard error."""
    sys.stderr.write(f"cw: {sanitize(text)}\n")


def as_json(value: object) -> str:
    """Compact JSON of records, events and plain values, on one line, with everything unprintable escaped."""
    return escaped(msgspec.json.encode(value, enc_hook=_plain).decode())


def escaped(text: str) -> str:
    """JSON on one line that means the same and holds only characters that can be seen."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def say_json(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(as_json(value) + "\n")


def say_json_list(values: Iterable[object]) -> None:
    """A JSON array, one element a line."""
    lines = ",\n".join(as_json(value) for value in values)
    sys.stdout.write(f"[\n{lines}\n]\n" if lines else "[]\n")


def event_fields(event: StoredEvent) -> dict[str, object]:
    """An event as JSON shows it: the envelope's fields and the payload as an object."""
    payload: object = (
        msgspec.Raw(event.payload.raw.encode()) if isinstance(event.payload, UnknownEvent) else event.payload
    )
    return {
        "position": event.position,
        "branch": event.branch,
        "stream": event.stream,
        "version": event.version,
        "event_id": str(event.event_id),
        "type": event.type,
        "schema_version": event.schema_version,
        "recorded_at": event.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "session_id": event.session_id,
        "tenant_id": event.tenant_id,
        "correlation_id": None if event.correlation_id is None else str(event.correlation_id),
        "causation_id": event.causation_id,
        "actor": event.actor,
        "payload": payload,
        "hash": event.hash.hex(),
    }


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> None:
    """Aligned columns under their titles; the last one may run on."""
    safe = [[label(cell, 400) for cell in row] for row in rows]
    widths = [
        max([cell_len(label(title)), *(cell_len(row[index]) for row in safe)]) for index, title in enumerate(columns)
    ]
    numbers = frozenset(right)
    for row in [[label(title) for title in columns], *safe]:
        cells: list[str] = []
        for index, cell in enumerate(row):
            fill = " " * (widths[index] - cell_len(cell))
            last = index == len(row) - 1
            cells.append(fill + cell if index in numbers else cell if last else pad(cell, widths[index]))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def local_time(us: int | None) -> str:
    """A recorded time in the zone of the reader."""
    if us is None:
        return ""
    return datetime.fromtimestamp(us / 1e6, UTC).astimezone().strftime("%H:%M:%S")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise NotImplementedError(type(value).__name__)
