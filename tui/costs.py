"""What was used up, as lines of the detail: of the session, and by day, session, agent and task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from core.projections import Budget, Profile, Session, Usage, UsageQueries, day_scope, session_scope
from tui import limits
from tui.look import Look, local
from tui.text import SafeText, bar, blank, clock_time, count, join, label, literal, money, pad, rjust
from tui.transcript.blocks import Line
from tui.widgets.spans import Span

NAME_CELLS = 20
NUMBER_CELLS = 8  # all of it fits into the narrowest detail
SHOWN = 100  # of each kind, those that used most


def session_facts(session: Session, look: Look) -> Iterator[Line]:
    """What the session is, and what it and the day have used."""
    state = look.state
    yield Span(label(f"session {session.id}"), "strong"), Span(label(f"  {session.status}"), "muted")
    began = join((clock_time(local(session.started_us), "full"), literal(", "), look.age(session.started_us)))
    yield Span(literal("began    "), "muted"), Span(began), Span(literal(" ago"))
    for name, scope in (
        (literal("so far   "), session_scope(session.id)),
        (literal("today    "), day_scope(look.now_us)),
    ):
        used = state.usage.get(scope) or Usage(id=scope)
        spent = join((count(used.tokens), literal(" tokens · "), money(used.cost_usd_micros)))
        yield Span(name, "muted"), Span(spent)


def cost_lines(look: Look) -> Iterator[Line]:
    """Budgets, parked profiles, and who used how much."""
    state = look.state
    caps = [budget for budget in state.budgets.values() if budget.limit]
    yield from _section(literal("BUDGETS"), chain.from_iterable(_budget(cap, look) for cap in sorted(caps, key=_id)))
    resting = [profile for profile in state.profiles.values() if profile.status == "parked"]
    yield from _section(literal("PARKED"), (_parked(profile, look) for profile in sorted(resting, key=_id)))
    queries = UsageQueries(state)
    yield from _table(literal("BY AGENT"), queries.by_agent(), {})
    yield from _table(literal("BY TASK"), queries.by_task(), {task.id: task.title for task in state.tasks.values()})
    yield from _table(literal("BY DAY"), queries.by_day(), {})
    yield from _table(literal("BY SESSION"), queries.by_session(), {})


def _id(record: Budget | Profile) -> str:
    return record.id


def _section(title: SafeText, lines: Iterable[Line]) -> Iterator[Line]:
    found = list(lines)
    if found:
        yield (Span(title, "title"),)
        yield from found
        yield ()


def _budget(budget: Budget, look: Look) -> Iterator[Line]:
    now = limits.status(budget, look)
    ink = limits.INKS[now]
    spent = limits.amounts(budget, look, literal(" of "))
    filled = bar(limits.used(budget, look) / budget.limit, NAME_CELLS - 1)
    yield Span(pad(label(budget.scope, NAME_CELLS - 1), NAME_CELLS)), Span(spent)
    yield Span(filled, ink), Span(blank(1)), Span(limits.WORDS[now], ink)


def _parked(profile: Profile, look: Look) -> Line:
    until = limits.until_when(profile.id, look, left=True)
    return Span(pad(label(profile.id, NAME_CELLS - 1), NAME_CELLS)), Span(until, "warn")


def _tokens(number: int) -> SafeText:
    return count(number, compact=True) if number else literal("")


def _table(title: SafeText, usages: list[Usage], names: dict[str, str]) -> Iterator[Line]:
    if not usages:
        return
    heads = (rjust(literal("tokens"), NUMBER_CELLS), rjust(literal("cost"), NUMBER_CELLS))
    yield (Span(pad(title, NAME_CELLS), "title"), *(Span(head, "muted") for head in heads))
    most = sorted(usages, key=lambda usage: (usage.cost_usd_micros, usage.tokens), reverse=True)
    for usage in most[:SHOWN]:
        name = label(f"{usage.id} {names.get(usage.id, '')}".rstrip(), NAME_CELLS - 1)
        yield (
            Span(pad(name, NAME_CELLS)),
            Span(rjust(_tokens(usage.tokens), NUMBER_CELLS)),
            Span(rjust(money(usage.cost_usd_micros), NUMBER_CELLS)),
        )
    if len(most) > SHOWN:
        yield (Span(join((literal("and "), count(len(most) - SHOWN), literal(" that used less"))), "muted"),)
    yield ()
