"""One call of one of our tools, and what the log keeps of it.

An agent whose protocol reports the tools it uses has its own record of the call; ours is then a link to that record,
so that nothing is counted twice. The calls of all others are recorded as tool calls here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from core.agents.fitting import CUT, fitting
from core.agents.redaction import Redactor
from core.api.callers import Caller
from core.events import Append, CustomRecorded, Payload, ToolCallCompleted, ToolCallStarted
from core.events.execution import ToolOutcome
from core.ids import uuid7
from core.journal import Journal

SERVED = "tool:served"
"""`custom:recorded` of this type links a call we served to the tool call the agent reported."""

RECORD_CHARACTERS = 8_000
"""What is kept of one argument of a call and of its result: an artifact is in neither."""


class Answer(Struct, frozen=True):
    """What an agent is told."""

    text: str
    fields: Mapping[str, object] | None = None
    """The same, when it is more than a sentence."""
    failed: bool = False


class Call:
    """A call while it is being served."""

    def __init__(self, journal: Journal, caller: Caller, tool: str, arguments: Mapping[str, object]) -> None:
        self.journal, self.caller, self.tool = journal, caller, tool
        self.arguments = arguments
        """As the agent sent them, which may be anything."""
        self.request_id = f"cw-{uuid7()}"
        self.reported_as = ""
        """The agent's own tool call, when it reported one."""
        self.cause: int | None = None
        """Position of the event that what the tool does follows from."""
        self._recorded = False

    async def begin(self, *, recorded: bool) -> None:
        """Find out what the call belongs to; unless something else is its record, record it."""
        self._recorded = recorded
        reported = await self.caller.call_in_progress(self.tool) if self.caller.reports_its_calls else None
        if reported is not None:
            self.reported_as, self.cause = reported
        else:
            self.cause = await self.caller.claim()
        if recorded and not self.caller.reports_its_calls:
            arguments = {name: self._brief(value) for name, value in self.arguments.items()}
            started = ToolCallStarted(tool_call_id=self.request_id, tool_name=self.tool, input=arguments)
            self.cause = await self.record(fitting(started, self.caller.redactor))

    async def end(self, text: str, *, outcome: ToolOutcome) -> None:
        """Record how it ended."""
        if not self._recorded:
            return
        output = self._brief(text)
        if not self.caller.reports_its_calls:
            await self.record(ToolCallCompleted(tool_call_id=self.request_id, output=output, outcome=outcome))
            return
        link: dict[str, object] = {
            "request_id": self.request_id, "tool": self.tool, "tool_call_id": self.reported_as, "outcome": outcome,
        }  # fmt: skip
        if outcome != "ok":
            link["output"] = output
        await self.record(CustomRecorded(event_type=SERVED, fields=link))

    async def record(self, *events: Payload) -> int:
        """Append to the execution's stream, as the agent; the position of the last of the events."""
        appends = [Append(self.caller.stream, list(events))]
        stored = await self.journal.record(appends, actor=self.caller.actor, cause=self.cause)
        return stored[-1].position

    def _brief(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        start = self.caller.redactor.text(value[: 2 * RECORD_CHARACTERS])  # no piece of a secret stays where it is cut
        return start if len(value) <= RECORD_CHARACTERS else start[:RECORD_CHARACTERS] + CUT


def cleaned(redactor: Redactor, value: object) -> object:
    """The value, which came as JSON, with the secrets taken out of all its texts."""
    match value:
        case str():
            return redactor.text(value)
        case dict():
            items = cast("dict[str, object]", value).items()
            return {redactor.text(key): cleaned(redactor, item) for key, item in items}
        case list():
            return [cleaned(redactor, item) for item in cast("list[object]", value)]
        case _:
            return value
