"""What was used up, as lines of the detail: of the session, and by day, session, agent and task."""

from __future__ import annotations

from collections.abc import Iterator

from core.projections import Budget, Session, State, Usage, UsageQueries, day_scope, session_scope
from tui.look import Look, local
from tui.text import SafeText, bar, blank, clock_time, count, join, label, literal, money, pad, rjust
from tui.theme.ink import Ink
from tui.transcript.blocks import Line
from tui.widgets.spans import Span

NAME_CELLS = 20
NUMBER_CELLS = 8  # all of it fits into the narrowest detail
SHOWN = 100  # of each kind, those that used most
_STATUS_INKS: dict[str, Ink] = {"set": "good", "warned": "warn", "tripped": "bad"}
_STATUS_WORDS: dict[str, SafeText] = {
    "set": literal("in bounds"), "warned": literal("nearly used up"), "tripped": literal("used up"),
}  # fmt: skip


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


def cost_lines(state: State) -> Iterator[Line]:
    """Budgets, and who used how much."""
    caps = [budget for budget in state.budgets.values() if budget.limit]
    if caps:
        yield (Span(literal("BUDGETS"), "title"),)
        for budget in sorted(caps, key=lambda budget: budget.id):
            yield from _budget(budget, state)
        yield ()
    queries = UsageQueries(state)
    yield from _table(literal("BY AGENT"), queries.by_agent(), {})
    yield from _table(literal("BY TASK"), queries.by_task(), {task.id: task.title for task in state.tasks.values()})
    yield from _table(literal("BY DAY"), queries.by_day(), {})
    yield from _table(literal("BY SESSION"), queries.by_session(), {})


def _budget(budget: Budget, state: State) -> Iterator[Line]:
    usage, in_money = state.usage.get(budget.scope), budget.unit == "usd_micros"
    told = budget.used  # when it was told of last
    spent = told if usage is None else usage.cost_usd_micros if in_money else usage.tokens
    used, limit = (money(spent), money(budget.limit)) if in_money else (_tokens(spent), _tokens(budget.limit))
    ink = _STATUS_INKS[budget.status]
    of = join((used, literal(" of "), limit, literal("" if in_money else " tokens")))
    yield Span(pad(label(budget.scope, NAME_CELLS - 1), NAME_CELLS)), Span(of)
    yield Span(bar(spent / budget.limit, NAME_CELLS - 1), ink), Span(blank(1)), Span(_STATUS_WORDS[budget.status], ink)


def _tokens(number: int) -> SafeText:
    return count(number, compact=True)


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
