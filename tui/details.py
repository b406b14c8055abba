"""The detail of what is selected: a head of facts, and a body of lines; the same live and in the past.

Gathering asks the log, so it is awaited; what it returns is a value that the panel draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from core.config import Permissions
from core.errors import NotFound
from core.events import StoredEvent, TaskCreated, UnknownEvent
from core.history.diff import changes_by
from core.projections import Agent, Session, State, Task
from core.queries import Queries
from tui.asking import asked_by
from tui.changes import record_lines
from tui.costs import cost_lines, session_facts
from tui.limits import is_parked, until_when
from tui.lines import WIDE, because_lines, cause_lines, consequence_lines, fact, section
from tui.look import Look, local
from tui.panels.agents import status_glyph
from tui.telling import command_line, tell
from tui.text import (
    UNICODE,
    SafeText,
    ago,
    clock_time,
    count,
    duration,
    join,
    label,
    lines,
    literal,
    money,
    sanitize,
)
from tui.theme.ink import status_ink
from tui.transcript.blocks import Line
from tui.transcript.entries import Entry
from tui.transcript.questions import time_left
from tui.widgets.spans import Span

OUTPUT_LINES = 500
CHANGES_SHOWN = 40
PAYLOAD_SHOWN = 20_000  # characters
BACK_MS = 1000  # clocks that are set right by less are nothing to speak of
NAMED = 4  # of rules that may be many
SPEECHLESS = frozenset({"", "command"})
"""Protocols of agents that only print."""

Kind = Literal["agent", "task", "event", "session", "nothing"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the detail is about."""

    kind: Kind
    id: str = ""
    position: int = 0


def about(event: StoredEvent) -> Selection:
    """The agent or task an event is about, if it is about one."""
    match event.aggregate_type:
        case "agent":
            return Selection("agent", event.aggregate_id)
        case "task":
            return Selection("task", event.aggregate_id)
        case "execution":
            return Selection("task", event.aggregate_id.rpartition(".")[0])
        case _:
            return Selection("nothing")


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, shown below the head instead of lines."""

    entries: tuple[Entry, ...]
    more: bool = False
    """Whether there are earlier entries."""
    full: bool = False
    """Whether they cannot be had together with these."""
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What the panel draws. `title` is the selected thing's name; `follow` when the body grows at its end."""

    title: SafeText
    head: tuple[Line, ...] = ()
    body: tuple[Line, ...] = ()
    follow: bool = False
    talk: Talk | None = None
    of: Selection = Selection("nothing")
    links: Mapping[int, int] = field(default_factory=dict[int, int])
    """Line of the body → position of the event it is about."""


NOTHING = Details(
    literal(""), head=((Span(literal("Select an agent, a task or an event to see all of it here"), "muted"),),)
)


async def gather(selection: Selection, look: Look, queries: Queries) -> Details:
    """Everything about the selected thing, as of the moment that is shown."""
    match selection.kind:
        case "task":
            task = look.state.tasks.get(selection.id)
            return NOTHING if task is None else await _of_task(task, look, queries)
        case "agent":
            agent = look.state.agents.get(selection.id)
            return NOTHING if agent is None else await _of_agent(agent, look, queries)
        case "event":
            event = await queries.event(selection.position)
            return NOTHING if event is None else await _of_event(event, look, queries)
        case "session":
            session = look.state.sessions.get(selection.id)
            return NOTHING if session is None else _of_session(session, look)
        case "nothing":
            return NOTHING


def _of_session(session: Session, look: Look) -> Details:
    lines = tuple(cost_lines(look)) or ((Span(literal("nothing was used up yet"), "faint"),),)
    return Details(label(f"session {session.id}", WIDE), tuple(session_facts(session, look)), lines)


def speakers(selection: Selection, state: State) -> tuple[str, ...]:
    """The agents whose protocol tells the selected thing as a conversation; none for plain commands."""
    match selection.kind:
        case "agent":
            agents = [selection.id]
        case "task":
            task = state.tasks.get(selection.id)
            attempts = [state.executions.get(attempt) for attempt in task.executions] if task is not None else []
            agents = [attempt.agent_id for attempt in attempts if attempt is not None]
        case _:
            agents = []
    known = [state.agents.get(name) for name in dict.fromkeys(agents)]
    return tuple(agent.id for agent in known if agent is not None and agent.protocol not in SPEECHLESS)


# -- tasks ----------------------------------------------------------------------------------------------------------


async def _of_task(task: Task, look: Look, queries: Queries) -> Details:
    try:
        created = await queries.task_created(task.id)
    except NotFound:
        created = None
    chain = await queries.causes(min(task.last_position, look.position))
    head = (*_task_facts(task, created, look), *because_lines(chain[1:4]))
    title = label(f"{task.id} {task.title}", WIDE)
    if speakers(Selection("task", task.id), look.state):
        return Details(title, head, follow=True)
    output = await queries.output_of_task(task.id, up_to=look.position, lines=OUTPUT_LINES)
    return Details(title, head, _output(output), follow=task.status == "running")


def _task_facts(task: Task, created: TaskCreated | None, look: Look) -> Iterator[Line]:
    yield (Span(label(task.title, WIDE), "strong"),)
    ink = status_ink(task.status)
    took = [Span(join((literal(" · "), duration(task.duration_ms))), "muted")] if task.duration_ms is not None else []
    tries = f" · attempt {task.attempt} of {max(task.max_attempts, task.attempt)}" if task.attempt else ""
    status = [Span(status_glyph(task.status, UNICODE), ink), Span(label(f" {task.status}{tries}"), ink), *took]
    yield tuple(status)
    if task.agent_id:
        yield fact("agent", task.agent_id)
    yield fact("profile", f"{task.profile}{f' · priority {task.priority}' if task.priority else ''}")
    if task.depends_on:
        yield fact("needs", ", ".join(f"{needed} {look.state.task_outcome(needed)}" for needed in task.depends_on))
    if created is not None and created.command:
        yield fact("run", command_line(created.command), "accent")
    if created is not None and created.prompt:
        yield fact("prompt", created.prompt, "accent")
    why = look.why(task.id) if look.why is not None else task.reason
    if why:
        yield fact("waits", why, "warn")
    if task.error:
        yield fact("error", task.error, "failed")
    if task.tokens or task.cost_usd_micros:
        yield fact("used", f"{count(task.tokens)} tokens · {money(task.cost_usd_micros)}")


# -- agents ---------------------------------------------------------------------------------------------------------


async def _of_agent(agent: Agent, look: Look, queries: Queries) -> Details:
    title, head = label(agent.name, WIDE), tuple(_agent_facts(agent, look))
    if speakers(Selection("agent", agent.id), look.state):
        rules = queries.permissions(agent.profile) if look.live and agent.protocol == "acp" else None
        may = () if rules is None else (fact("may", _rules(rules)),)
        return Details(title, (*head, *may), follow=True)
    output = await queries.output(agent.id, up_to=look.position, lines=OUTPUT_LINES)
    return Details(title, head, _output(output), follow=True)


def _agent_facts(agent: Agent, look: Look) -> Iterator[Line]:
    yield Span(label(agent.name, WIDE), "strong"), Span(literal("  ")), *_agent_status(agent, look)
    process = f" · pid {agent.pid} under {agent.shim_pid}" if agent.pid is not None else ""
    role = f" · {agent.role}" if agent.role and agent.role != agent.profile else ""
    yield fact("profile", f"{agent.profile} · {agent.protocol}{role}{process}")
    if agent.task_id is not None:
        task = look.state.tasks.get(agent.task_id)
        yield fact("doing", f"{agent.task_id} {task.title if task is not None else ''}", "accent")
    restarted = f", {agent.restarts} restart{'s' * (agent.restarts > 1)}" if agent.restarts else ""
    yield fact("so far", f"{agent.completed} done, {agent.failed} not, {count(agent.output_lines)} lines{restarted}")
    if agent.cost_usd_micros or agent.input_tokens:
        yield fact("used", _used(agent))
    if is_parked(agent.profile, look.state):
        yield fact("parked", until_when(agent.profile, look, left=True), "warn")
    if agent.reason and agent.status != "waiting-permission":  # what it asks is shown below
        yield fact("because", agent.reason)
    if agent.error and agent.error != agent.reason:
        yield fact("error", agent.error, "failed")


def _rules(rules: Permissions) -> str:
    """What its profile lets it do, and how long somebody has to decide about the rest."""
    allowed = _some(rules.allow)
    match rules.policy:
        case "ask":
            rest = f"you allow within {ago(rules.deadline)}"
            may = f"{allowed}, and what else {rest}" if allowed else f"what {rest}"
        case "allow":
            may = "everything"
        case "deny":
            may = f"{allowed}, nothing else" if allowed else "nothing"
    return f"{may}; never {_some(rules.deny)}" if rules.deny else may


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


def _agent_status(agent: Agent, look: Look) -> Line:
    ink, glyph = status_ink(agent.status), status_glyph(agent.status, UNICODE)
    question = next(asked_by(agent.id, look.state), None) if agent.status == "waiting-permission" else None
    if question is not None:  # what it waits for may be far above
        return Span(glyph, ink), Span(literal(" asks you  "), ink), *time_left(question.deadline_us, look.now_us)
    since = join((literal(" for "), look.age(agent.since_us)))
    return Span(glyph, ink), Span(label(f" {agent.status}"), ink), Span(since, "muted")


def _used(agent: Agent) -> str:
    tokens = f"{count(agent.input_tokens + agent.output_tokens, compact=True)} tokens"
    cost = f" · {money(agent.cost_usd_micros)}" if agent.cost_usd_micros else ""
    if not agent.context_used_tokens or not agent.context_size_tokens:
        return tokens + cost
    share = 100 * agent.context_used_tokens // agent.context_size_tokens
    return f"{tokens}{cost} · {share}% of {count(agent.context_size_tokens, compact=True)} context"


# -- events ---------------------------------------------------------------------------------------------------------


async def _of_event(event: StoredEvent, look: Look, queries: Queries) -> Details:
    chain = (await queries.causes(event.position))[::-1]
    consequences = await queries.consequences(event.position)
    before = await queries.state_at(event.position - 1)
    back_ms = (before.recorded_us - event.recorded_us) / 1000
    head = [
        (Span(label(event.type, WIDE), "strong"), Span(label(f"  {event.stream}", WIDE), "accent")),
        (Span(join((literal("#"), count(event.position), literal("  "))), "muted"), Span(_time(event), "muted")),
        fact("by", event.actor),
        (Span(label(tell(event, WIDE), WIDE)),),
    ]
    if back_ms >= BACK_MS:
        gone = join((literal("the clock had gone back "), duration(back_ms), literal(": order is by position")))
        head.append((Span(gone, "warn"),))
    changed = [line for change in changes_by(event, before) for line in record_lines(change)]
    why = section("why", cause_lines(chain, look.position))
    what = section("changed by this event", changed[:CHANGES_SHOWN])
    effects = section("what came of it", consequence_lines(event.position, consequences, look.position))
    body = (*why, *what, *effects, *section("payload", _payload_lines(event)))
    links = {number: link.position for number, link in enumerate(chain, 1)} if why else {}
    links |= {number: link.position for number, link in enumerate(consequences, len(why) + len(what) + 1)}
    return Details(label(f"{event.type} #{event.position}", WIDE), tuple(head), body, links=links)


def _payload_lines(event: StoredEvent) -> Iterator[Line]:
    payload = event.payload
    if isinstance(payload, UnknownEvent):
        yield (Span(label(f"this version cannot read it: {payload.reason}", WIDE), "warn"),)
        text = payload.raw
    else:
        text = msgspec.json.format(msgspec.json.encode(payload), indent=2).decode()
    for line in lines(sanitize(text[:PAYLOAD_SHOWN])):
        yield (Span(line, "muted"),)
    if len(text) > PAYLOAD_SHOWN:
        more = join((literal("… and "), count(len(text) - PAYLOAD_SHOWN), literal(" characters more; `cw why ")))
        yield (Span(join((more, label(str(event.position)), literal(" --json` has all of them"))), "warn"),)


# -- parts ----------------------------------------------------------------------------------------------------------


def _output(printed: Iterable[str]) -> tuple[Line, ...]:
    return tuple((Span(part),) for line in printed for part in lines(sanitize(line)))


def _time(event: StoredEvent) -> SafeText:
    return clock_time(local(event.recorded_us), "full")
