"""What an agent is saying at this moment: the lines of a message that is not whole yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.events import AgentOutput, MessageReceived, StoredEvent
from tui.transcript.entries import SPOKEN, Entry, Message, Thought, Transcript

STRAGGLING_US = 2_000_000  # lines may be stored this much later than the whole message they belong to


class _Spoken(NamedTuple):
    line: str
    at_us: int


def unfinished(outputs: Iterable[StoredEvent], transcript: Transcript) -> list[Entry]:
    """The message and the thought in the making; `outputs` are in order."""
    events = list(outputs)
    speaking: list[Entry] = []
    for channel in sorted(SPOKEN, reverse=True):  # first what it thinks
        spoken = list(_since_said(events, channel, transcript.heard[channel]))
        text = _joined(line for line, _ in spoken)
        if text.strip():
            made = Thought if channel == "thought" else Message
            speaking.append(made(key=f"speaking {channel}", at_us=spoken[0].at_us, text=text, unfinished=True))
    return speaking


def spoken_since(transcript: Transcript) -> int:
    """The position after which something may have been spoken that is not part of a whole message."""
    return min(heard[-1].position if heard else 0 for heard in transcript.heard.values())


def _since_said(events: list[StoredEvent], channel: str, heard: list[StoredEvent]) -> Iterator[_Spoken]:
    """The lines on a channel that no whole message covers."""
    last = heard[-1] if heard else None
    lines = [
        _Spoken(line, event.recorded_us)
        for event in events
        if isinstance(event.payload, AgentOutput)
        and event.payload.channel == channel
        and (last is None or event.position > last.position)
        for line in event.payload.lines
    ]
    if last is None:
        return iter(lines)
    late = sum(line.at_us < last.recorded_us + STRAGGLING_US for line in lines)
    known = _squeezed(event.payload.text for event in heard if isinstance(event.payload, MessageReceived))
    covered = next(
        (taken for taken in range(late, 0, -1) if known.endswith(_squeezed(line for line, _ in lines[:taken]))), 0
    )
    return iter(lines[covered:])


def _joined(lines: Iterable[str]) -> str:
    """The lines as they were said: a part of a line ends in one blank."""
    parts = (line if line.endswith(" ") and not line.endswith("  ") else f"{line}\n" for line in lines)
    return "".join(parts).removesuffix("\n")


def _squeezed(texts: Iterable[str]) -> str:
    """Without white space, which the way to the log may change."""
    return "".join("".join(texts).split())
