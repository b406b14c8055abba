"""Getting what the detail shows: one request at a time, and always for the newest wish.

Invariant: a wish that is being fulfilled is never given up half-way for the same thing a moment later, so the detail of
an agent that talks without a pause is drawn, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from core.events import StoredEvent
from core.projections import Execution, State
from core.queries import Queries
from tui.details import Details, Selection, Talk, gather, speakers
from tui.look import Look
from tui.panels.detail import DetailPanel
from tui.transcript.conversation import Conversation
from tui.transcript.layout import warm

Run = Callable[..., object]


class Inspector:
    """Fills the detail."""

    def __init__(self, queries: Queries, panel: DetailPanel, run: Run, shown: Callable[[], None]) -> None:
        """`shown` is called when the panel shows something else: other keys may mean something there."""
        self._queries, self._panel, self._run, self._shown = queries, panel, run, shown
        self._stamp: object = None
        self._wish: tuple[Selection, Look] | None = None
        self._last: tuple[Selection, Look] = Selection("nothing"), Look(State.empty(), True, 0, 0, 0, 0)
        self._earlier = False
        self._busy = False
        self._news = 0
        self._of: object = None
        """Whose conversation is held."""
        self._conversation: Conversation | None = None
        self._executions: tuple[object, list[str]] = (None, [])
        self.raw = False
        """Whether the protocol's own records are shown as well."""

    def want(self, selection: Selection, look: Look) -> None:
        """Show this, unless it is what is shown."""
        record = look.state.tasks.get(selection.id) or look.state.agents.get(selection.id)
        agent = look.state.agents.get(getattr(record, "agent_id", None) or selection.id)
        # Ages in it move with the clock, so a live one is drawn again each second; its output when there is more.
        second = look.now_us // 1_000_000 if selection.kind != "event" else 0
        stamp = (
            selection, record, agent, look.live, second, None if look.live else look.position, self.raw, self._news
        )  # fmt: skip
        if stamp != self._stamp:
            self._stamp = stamp
            self._wish = selection, look
            self._begin()

    def take(self, events: Iterable[StoredEvent], selection: Selection, look: Look) -> None:
        """Something was appended: draw again at once what it belongs to."""
        state = look.state
        names = set(speakers(selection, state))
        if names and any(_speaks(event, state) in names for event in events):
            self._news += 1
            self.want(selection, look)

    def read_earlier(self) -> None:
        """Read one page more of the conversation that is shown."""
        if not self._busy:
            self._earlier = True
            self._begin()

    def _begin(self) -> None:
        if not self._busy:
            self._busy = True
            self._run(self._fulfil, group="detail")

    async def _fulfil(self) -> None:
        try:
            while self._wish is not None or self._earlier:
                await self._fulfil_one()
        finally:
            self._busy = False

    async def _fulfil_one(self) -> None:
        self._last, self._wish = self._wish or self._last, None
        if self._earlier and self._conversation is not None:
            await self._conversation.earlier()
        self._earlier = False
        selection, look = self._last
        details = await self._gather(selection, look)
        if self._wish is None or self._wish[0] == selection:
            self._panel.show(details, look)
            self._shown()

    async def _gather(self, selection: Selection, look: Look) -> Details:
        details = replace(await gather(selection, look, self._queries), of=selection)
        agents = speakers(selection, look.state)
        if not agents:
            return details
        conversation = self._conversation_of(selection, agents)
        entries = await conversation.at(self._begun(selection, look.state), look.position)
        await asyncio.to_thread(warm, entries, self._panel.scene(look))
        return replace(details, talk=Talk(entries, conversation.more, conversation.full, self.raw))

    def _conversation_of(self, selection: Selection, agents: tuple[str, ...]) -> Conversation:
        wanted = selection, agents, self.raw
        if self._conversation is None or self._of != wanted:
            self._of = wanted
            self._conversation = Conversation(self._queries, agents=agents, raw=self.raw)
        return self._conversation

    def _begun(self, selection: Selection, state: State) -> list[Execution]:
        """The executions of the selected thing that had begun by then, oldest first."""
        if selection.kind == "task":
            names = list(state.tasks[selection.id].executions)
        else:
            names = self._of_agent(selection.id, state)
        found = [state.executions.get(name) for name in names]
        return [execution for execution in found if execution is not None]

    def _of_agent(self, agent_id: str, state: State) -> list[str]:
        """Looking at all executions takes a while, and they only change when something is claimed."""
        agent = state.agents[agent_id]
        stamp = agent_id, state.totals.claims, agent.execution_id
        if self._executions[0] != stamp:
            own = [execution for execution in state.executions.values() if execution.agent_id == agent_id]
            own.sort(key=lambda execution: execution.position)
            self._executions = stamp, [execution.id for execution in own]
        return self._executions[1]


def _speaks(event: StoredEvent, state: State) -> str:
    """The agent whose doing an event is; empty for anything else."""
    match event.aggregate_type:
        case "agent":
            return event.aggregate_id
        case "execution":
            execution = state.executions.get(event.aggregate_id)
            return "" if execution is None else execution.agent_id
        case _:
            return ""
