"""Reading recorded agents: what a preset makes of records, a line or a whole recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from core.agents.decoding import Decoded, Outcome
from core.agents.presets import DOCUMENTS, PRESETS
from core.agents.records import parse
from core.events import (
    MessageReceived,
    Payload,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)

RECORDINGS = Path(__file__).parents[1] / "fixtures"

P = TypeVar("P")


@dataclass
class Told:
    """Everything that records became."""

    events: list[Payload] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    other_lines: int = 0

    def add(self, decoded: Decoded) -> None:
        self.events += decoded.events
        self.spoken += [piece.text for piece in decoded.spoken]
        if decoded.outcome is not None:
            self.outcomes.append(decoded.outcome)

    def all(self, kind: type[P]) -> list[P]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def outcome(self) -> Outcome:
        return self.outcomes[-1]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Each tool call's name and outcome, by its end."""
        names = {call.tool_call_id: call.tool_name for call in self.all(ToolCallStarted)}
        return [(names[call.tool_call_id], call.outcome) for call in self.all(ToolCallCompleted)]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.all(MessageReceived)]

    @property
    def usage(self) -> list[tuple[int, int, int, int | None]]:
        """Tokens in, out and cached, and the cost, of each report."""
        return [
            (used.input_tokens, used.output_tokens, used.cached_tokens, used.cost_usd_micros)
            for used in self.all(UsageReported)
        ]


def told(preset: str, records: Iterable[Mapping[str, object]]) -> Told:
    """What the records become, to the end."""
    found, reader = Told(), PRESETS[preset]()
    for record in records:
        found.add(reader.take(record))
    found.add(reader.end())
    return found


def told_by(recording: str) -> Told:
    """What a recording becomes; its name begins with the preset's."""
    preset = recording.partition("-")[0]
    raw = (RECORDINGS / recording).read_text()
    if preset in DOCUMENTS:
        return told(preset, DOCUMENTS[preset](parse(raw) or {}))
    parsed = [parse(line) for line in raw.splitlines()]
    found = told(preset, [record for record in parsed if record is not None])
    found.other_lines = parsed.count(None)
    return found
