"""The reception: who may call, and what becomes of a call.

A call that was begun is recorded with its end, whatever happens to the connection it came over. One whose caller went
away or was dismissed is cancelled.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress

from pydantic import ValidationError

from core.agents.redaction import Redactor
from core.api.callers import Caller
from core.api.calls import Answer, Call, cleaned
from core.api.toolbox import TOOLS, House, Tool
from core.clock import Clock
from core.config import plain
from core.errors import CodewalkersError, LogClosed, StorageFailed
from core.ids import secret
from core.journal import Journal

_log = logging.getLogger(__name__)

ROOM_FOR_THE_REST_BYTES = 1024 * 1024
"""Of a request, beside an artifact."""


class Reception:
    """Knows callers by their tokens and serves their calls, in tasks of the group it is given."""

    def __init__(self, journal: Journal, house: House, tasks: asyncio.TaskGroup) -> None:
        self._journal, self._house, self._tasks = journal, house, tasks
        self._callers: dict[str, Caller] = {}
        self._calls: set[asyncio.Task[Answer]] = set()

    @property
    def clock(self) -> Clock:
        """The time it goes by."""
        return self._journal.clock

    def admit(self, agent_id: str, execution_id: str, secrets: Mapping[str, str]) -> str:
        """A new caller's token; the secrets, by name, are never recorded of its calls, and neither is the token."""
        token = secret()
        redactor = Redactor({**secrets, "CW_TOKEN": token})
        self._callers[token] = Caller(self._journal, agent_id, execution_id, redactor)
        return token

    def dismiss(self, token: str) -> None:
        """The token is worth nothing any more; calls made with it are cancelled."""
        caller = self._callers.pop(token, None)
        if caller is not None:
            caller.gone.set()

    async def close(self) -> None:
        """Dismiss everybody, and return when every call is over."""
        for token in list(self._callers):
            self.dismiss(token)
        while self._calls:
            await asyncio.wait(self._calls)

    def caller(self, token: str) -> Caller | None:
        """Who the token was given to; None when it is worth nothing."""
        return self._callers.get(token)

    def largest_request(self) -> int:
        """Bytes a request may have: an artifact takes a third more in base64, and text more still."""
        return 2 * self._house.config().tools.max_artifact_bytes + ROOM_FOR_THE_REST_BYTES

    async def call(self, caller: Caller, tool: str, arguments: Mapping[str, object]) -> Answer:
        """Do what a tool does, and record it; what goes wrong is a failed answer."""
        task = self._tasks.create_task(self._called(caller, tool, arguments), name=f"{tool} for {caller.agent_id}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            # Cancelled once and no more, however often we are: it has its end to record.
            return await asyncio.shield(task)
        finally:
            task.cancel()

    async def _called(self, caller: Caller, tool: str, arguments: Mapping[str, object]) -> Answer:
        if tool not in TOOLS:
            return Answer(f"there is no tool {tool!r}; there are {', '.join(TOOLS)}", failed=True)
        try:
            return await self._recorded(Call(self._journal, caller, tool, arguments), TOOLS[tool])
        except CodewalkersError as error:  # it cannot even be recorded
            return Answer(str(error), failed=True)

    async def _recorded(self, call: Call, tool: type[Tool]) -> Answer:
        await call.begin(recorded=tool.is_recorded)
        try:
            answer = await self._used(tool, call)
        except asyncio.CancelledError:
            with suppress(StorageFailed, LogClosed):  # the end of the execution then says as much
                await call.end("nobody waited for the answer", outcome="abandoned")
            raise
        except CodewalkersError as error:
            answer = Answer(str(error), failed=True)
        except RecursionError:
            answer = Answer("the arguments are nested too deeply", failed=True)
        except Exception:  # noqa: BLE001  a mistake of ours must cost the agent one call, and nobody else anything
            _log.exception("tool=%s agent=%s", call.tool, call.caller.agent_id)
            answer = Answer(f"{call.tool} failed by a mistake of ours; its traceback is in our log", failed=True)
        await call.end(answer.text, outcome="error" if answer.failed else "ok")
        return answer

    async def _used(self, tool: type[Tool], call: Call) -> Answer:
        try:
            wanted = tool.model_validate(
                {
                    name: value if name in tool.as_sent else cleaned(call.caller.redactor, value)
                    for name, value in call.arguments.items()
                }
            )
        except ValidationError as error:
            return Answer(_sentence(tool, call, error), failed=True)
        fields = await wanted.use(call, self._house)
        return Answer(json.dumps(fields, ensure_ascii=False), fields)


def _sentence(tool: type[Tool], call: Call, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{call.tool}: there is no {key!r}; there are {', '.join(tool.model_fields)}"
    if first["type"] == "missing":
        return f"{call.tool}: {key} is missing"
    return f"{call.tool}: {key}: {plain(first)}" if key else f"{call.tool}: {plain(first)}"
