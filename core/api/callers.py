"""Who calls: one agent at work on one execution, known by a token."""

from __future__ import annotations

import asyncio

from core.agents.redaction import Redactor
from core.events import TaskClaimed, ToolCallStarted, ToolCallUpdated
from core.journal import Journal
from core.projections import Agent, Execution

NEWS_READ = 200
"""Events about tool calls looked through for those that are open."""


class Caller:
    """An agent that may use our tools until it is dismissed."""

    def __init__(self, journal: Journal, agent_id: str, execution_id: str, redactor: Redactor) -> None:
        self._journal = journal
        self.agent_id, self.execution_id = agent_id, execution_id
        self.redactor = redactor
        self.gone = asyncio.Event()
        """Set when its token is worth nothing any more."""

    @property
    def actor(self) -> str:
        """As what it appears in the log."""
        return f"agent:{self.agent_id}"

    @property
    def stream(self) -> str:
        """Where its calls are recorded."""
        return f"execution/{self.execution_id}"

    @property
    def agent(self) -> Agent:
        """What is known of it."""
        return self._journal.state.agents.get(self.agent_id) or Agent(id=self.agent_id)

    @property
    def execution(self) -> Execution:
        """What is known of its work."""
        return self._journal.state.executions.get(self.execution_id) or Execution(id=self.execution_id)

    @property
    def depth(self) -> int:
        """How many agents stand between the user and what it works on."""
        task = self._journal.state.tasks.get(self.execution.task_id)
        return max(self.agent.depth, 0 if task is None else task.depth)

    @property
    def reports_its_calls(self) -> bool:
        """Whether its protocol tells us of the tools it uses, ours among them; a plain command has none."""
        return self.agent.protocol != "command"

    async def call_in_progress(self, tool: str) -> tuple[str, int] | None:
        """The tool call that it reported as begun and not as over, and the position of that report.

        The newest one that names the tool, or else the newest of all; None when it reported none, or not yet.
        """
        open_calls = set(self.execution.open_tool_calls)
        if not open_calls:
            return None
        begun: dict[str, int] = {}
        named: set[str] = set()
        news = self._journal.log.read(
            branch=self._journal.branch, streams=[self.stream], types=[ToolCallStarted.type, ToolCallUpdated.type],
            backwards=True, limit=NEWS_READ,
        )  # fmt: skip
        async for event in news:
            match event.payload:
                case (
                    ToolCallStarted(tool_call_id=call, tool_name=name) | ToolCallUpdated(tool_call_id=call, title=name)
                ):
                    if call in open_calls:
                        begun[call] = event.position
                        named |= {call} if _names(name, tool) else set()
                case _:
                    pass
        newest = max(named or begun, key=lambda call: begun[call], default=None)
        return None if newest is None else (newest, begun[newest])

    async def claim(self) -> int | None:
        """The position of the claim it works on; of the beginning of its execution when that is of no task."""
        claims = self._journal.log.read(
            branch=self._journal.branch, streams=[f"task/{self.execution.task_id}"], types=[TaskClaimed.type],
            backwards=True, limit=1,
        )  # fmt: skip
        event = await anext(claims, None)
        return (self.execution.position or None) if event is None else event.position


def _names(name: str, tool: str) -> bool:
    """Whether an agent means our tool: `cw__enqueue_task`, `mcp.cw.enqueue_task`, `cw: enqueue task` and more."""
    return _letters(tool) in _letters(name)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text)).lower()
