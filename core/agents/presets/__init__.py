"""Presets: programs that print JSON, each understood by one pure function.

Only the record with which a program says that it has finished is success; the end of its output without one is
failure. A record that means nothing to a preset adds nothing; whoever reads the wire keeps it raw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.agents.decoding import Reader, Reading, Record
from core.agents.presets.claude import CLAUDE
from core.agents.presets.codex import CODEX
from core.agents.presets.gemini import GEMINI
from core.agents.presets.goose import GOOSE
from core.agents.presets.mini import MINI, messages_of
from core.agents.presets.opencode import OPENCODE

PRESETS: Mapping[str, Callable[[], Reader]] = {
    "claude": lambda: Reading(CLAUDE),
    "codex": lambda: Reading(CODEX),
    "gemini": lambda: Reading(GEMINI),
    "goose": lambda: Reading(GOOSE),
    "mini": lambda: Reading(MINI),
    "opencode": lambda: Reading(OPENCODE),
}
"""Each makes what reads one stream of records of that program."""

DOCUMENTS: Mapping[str, Callable[[Record], list[Record]]] = {"mini": messages_of}
"""Programs that print no lines but write a document, anew each time it grows: the records in one writing of it."""
