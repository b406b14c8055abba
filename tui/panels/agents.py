"""The agents: those that need somebody first, each with what it is doing and since when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult

from core.projections import Agent, State
from tui.limits import is_parked, parked_count, until_when
from tui.look import Change, Look
from tui.text import Glyphs, SafeText, ago, count, join, label, literal, money
from tui.theme.ink import Ink, status_ink
from tui.widgets.columns import Column, lay_out
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice, table
from tui.widgets.spans import Span
from tui.widgets.virtual_list import VirtualList

NEEDS_YOU = frozenset({"waiting-permission", "failed", "unknown"})
_ORDER = {
    status: rank
    for rank, statuses in enumerate(
        (
            ("waiting-permission",), ("failed",), ("unknown",), ("restarting",), ("busy", "starting", "stopping"),
            ("parked", "paused"), ("idle",), ("stopped",), ("terminated",),
        )
    )
    for status in statuses
}  # fmt: skip
_WORDS = {"waiting-permission": "asks you", "restarting": "restarts", "terminated": "gone"}
_DOING_CHARACTERS = 120


class AgentRow(NamedTuple):
    """One agent, ready to be drawn."""

    id: str
    name: SafeText
    role: SafeText
    word: SafeText
    status: str
    doing: SafeText
    age: SafeText
    tally: SafeText
    context: SafeText
    tokens: SafeText
    cost: SafeText
    change: Change


def agent_rows(look: Look) -> tuple[AgentRow, ...]:
    """The agents of the fleet, those that need you first, and a failed one even when it has left."""
    agents = [agent for agent in look.state.agents.values() if agent.status != "terminated"]
    agents.sort(key=lambda agent: (_ORDER.get(agent.status, 99), agent.position))
    return tuple(_row(agent, look) for agent in agents)


def _row(agent: Agent, look: Look) -> AgentRow:
    status = "parked" if _rests(agent, look) else agent.status
    return AgentRow(
        id=agent.id,
        name=label(agent.name or agent.id, 40),
        role=label(agent.role or agent.profile, 20),
        word=label(_WORDS.get(status, status), 12),
        status=status,
        doing=_doing(agent, look),
        age=look.age(agent.since_us),
        tally=_tally(agent),
        context=_context(agent),
        tokens=_tokens(agent.input_tokens + agent.output_tokens),
        cost=money(agent.cost_usd_micros) if agent.cost_usd_micros else literal(""),
        change=look.change(lambda state: state.agents, agent.id),
    )


def _rests(agent: Agent, look: Look) -> bool:
    """Whether it has nothing to do because its profile is parked."""
    return agent.status == "idle" and agent.task_id is None and is_parked(agent.profile, look.state)


def _doing(agent: Agent, look: Look) -> SafeText:
    if agent.status == "restarting" and agent.restart_at_us is not None:
        left = max(0, agent.restart_at_us - look.now_us) / 1000
        return join((literal("again in "), ago(left), literal(" "), label(agent.reason, _DOING_CHARACTERS)))
    if _rests(agent, look):
        return until_when(agent.profile, look)
    if agent.task_id is not None:
        return label(f"{agent.task_id} {_at(agent, look.state)}", _DOING_CHARACTERS)
    return label(agent.error if agent.status == "failed" else agent.reason, _DOING_CHARACTERS)


def _at(agent: Agent, state: State) -> str:
    """What an agent is at within its task: a tool, a step of its plan, or all that is known, the task."""
    execution = state.executions.get(agent.execution_id or "")
    task = state.tasks.get(agent.task_id or "")
    title = task.title if task is not None else ""
    if execution is None:
        return title
    if execution.open_tool_calls and execution.tool_name:
        return execution.tool_name
    return f"plan {execution.plan_done}/{execution.plan_total} {title}" if execution.plan_total else title


def _tokens(number: int) -> SafeText:
    return count(number, compact=True) if number else literal("")


def _tally(agent: Agent) -> SafeText:
    done = count(agent.completed, compact=True)
    return join((done, literal("/"), count(agent.failed, compact=True))) if agent.failed else done


def _context(agent: Agent) -> SafeText:
    if not agent.context_used_tokens or not agent.context_size_tokens:
        return literal("")
    return label(f"{100 * agent.context_used_tokens // agent.context_size_tokens}%", 4)


def counts(state: State) -> tuple[int, int, int]:
    """How many agents there are, how many work, and how many need somebody."""
    statuses = [agent.status for agent in state.agents.values() if agent.status != "terminated"]
    return len(statuses), sum(s == "busy" for s in statuses), sum(s in NEEDS_YOU for s in statuses)


def status_glyph(status: str, glyphs: Glyphs) -> SafeText:
    """The glyph beside a status's word."""
    match status:
        case "failed" | "dead-lettered":
            return glyphs.failure
        case "waiting-permission" | "lost" | "blocked" | "unknown":
            return glyphs.waiting
        case "busy" | "running" | "claimed" | "starting" | "restarting":
            return glyphs.busy
        case _:
            return glyphs.idle


CHANGE_INKS: dict[Change, Ink] = {"": "plain", "+": "added", "~": "changed"}


class AgentList(VirtualList[AgentRow]):
    """One line for each agent."""

    RESTS: ClassVar[bool] = True
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal(""), 1),
        Column(literal("AGENT"), 11, grow=1),
        Column(literal("ROLE"), 7, from_width=96),
        Column(literal("STATUS"), 10),
        Column(literal("DOING"), 12, grow=3),
        Column(literal("CTX"), 4, align="right", from_width=66),
        Column(literal("TOKENS"), 6, align="right", from_width=84),
        Column(literal("COST"), 7, align="right", from_width=74),
        Column(literal("DONE"), 5, align="right", from_width=52),
        Column(literal("FOR"), 6, align="right"),
    )
    EMPTY: ClassVar[Notice] = Notice(
        "empty",
        (
            (Span(literal("No agents yet"), "strong"),),
            (Span(literal("n"), "key"), Span(literal(" adds a task, and an agent comes to run it"), "muted")),
            (Span(literal("s"), "key"), Span(literal(" spawns one now"), "muted")),
        ),
    )

    def render_row(self, row: AgentRow, width: int) -> Iterable[Span]:
        """One agent."""
        ink = status_ink(row.status)
        cells = (
            Span(literal(row.change) if row.change else literal(" "), CHANGE_INKS[row.change]),
            Span(row.name, "strong"),
            Span(row.role, "muted"),
            (Span(status_glyph(row.status, self.glyphs), ink), Span(literal(" ")), Span(row.word, ink)),
            Span(row.doing, "failed" if row.status == "failed" else "plain"),
            Span(row.context, "muted"),
            Span(row.tokens, "muted"),
            Span(row.cost, "muted"),
            Span(row.tally, "muted"),
            Span(row.age, "muted"),
        )
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


class AgentsPanel(Panel):
    """Panel 1."""

    def __init__(self) -> None:
        super().__init__(frame=Frame(literal("Agents"), 1), id="agents")
        self.list = AgentList()

    def compose(self) -> ComposeResult:
        yield self.list

    def show(self, look: Look) -> None:
        """Draw the agents of this moment."""
        rows = agent_rows(look)
        self.list.show(table(rows, key=lambda row: row.id))
        self.show_frame(Frame(literal("Agents"), 1, _note(look), look.past))


def _note(look: Look) -> tuple[Span, ...]:
    total, busy, needing = counts(look.state)
    note = [Span(count(total), "strong")]
    if busy:
        note += [Span(literal(" · "), "muted"), Span(join((count(busy), literal(" busy"))), "busy")]
    if needing:
        note += [Span(literal(" · "), "muted"), Span(join((count(needing), literal(" need you"))), "waiting")]
    if parked := parked_count(look.state):
        note += [Span(literal(" · "), "muted"), Span(join((count(parked), literal(" parked"))), "paused")]
    return tuple(note) if total or parked else ()
