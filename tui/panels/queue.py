"""The queue: counts and progress, then every task with where it stands and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from operator import attrgetter
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.strip import Strip
from textual.widget import Widget

from core.projections import State, Task
from tui.limits import is_parked, until_when
from tui.look import Change, Look
from tui.panels.agents import CHANGE_INKS, status_glyph
from tui.text import SafeText, apportion, chars, count, duration, join, label, literal, money, repeat
from tui.theme import glyphs
from tui.theme.ink import Ink, palette, status_ink
from tui.widgets.columns import Column, lay_out
from tui.widgets.panel import Frame, Panel
from tui.widgets.rows import Notice
from tui.widgets.spans import Span, fit, segments_of
from tui.widgets.virtual_list import VirtualList

FINISHED_SHOWN = 500  # the newest ones; older ones are found by their events
NEEDS_YOU = frozenset({"lost", "dead-lettered"})
_PLACES = ("lost", "running", "claimed", "failed", "dead-lettered", "queued", "scheduled", "blocked", "paused")
_ORDER = {status: place for place, status in enumerate(_PLACES)}
_SUMMARY: tuple[tuple[str, SafeText, tuple[str, ...]], ...] = (
    ("queued", literal("queued"), ("queued", "scheduled")),
    ("running", literal("running"), ("running", "claimed", "failed")),
    ("blocked", literal("blocked"), ("blocked", "paused")),
    ("dead-lettered", literal("failed"), ("dead-lettered", "lost")),
    ("completed", literal("done"), ("completed",)),
)


class TaskRow(NamedTuple):
    """One task, ready to be drawn."""

    id: SafeText
    title: SafeText
    status: str
    priority: int
    attempt: SafeText
    aside: SafeText
    """Who works on it, or why nobody does."""
    tokens: SafeText
    cost: SafeText
    age: SafeText
    change: Change


@dataclass(frozen=True)
class TaskRows:
    """The tasks in the order of the panel; a row is made when it is drawn."""

    tasks: tuple[Task, ...]
    second: int
    """Of the moment, so that ages move on."""
    look: Look

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TaskRows)
            and self.second == other.second
            and self.look.before is other.look.before
            and self.tasks == other.tasks
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]  compared, never a key

    def __len__(self) -> int:
        return len(self.tasks)

    def key(self, index: int) -> str:
        return self.tasks[index].id

    def row(self, index: int) -> TaskRow:
        return _row(self.tasks[index], self.look)

    def find(self, key: object) -> int | None:
        return self._places.get(str(key))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {task.id: index for index, task in enumerate(self.tasks)}


def task_order(state: State) -> tuple[Task, ...]:
    """Tasks that are lost, run, were given up, wait, and then the newest that ended."""
    tasks = list(state.tasks.values())
    waiting = sorted([task for task in tasks if task.status in _ORDER], key=_rank)
    ended = [task for task in tasks if task.status not in _ORDER]
    newest = nlargest(FINISHED_SHOWN, ended, key=attrgetter("finished_position"))
    return (*waiting, *newest)


def _rank(task: Task) -> tuple[int, int, int]:
    order = _ORDER[task.status]
    if task.status == "queued":
        return order, -task.priority, task.queued_position
    if task.status == "scheduled":
        return order, task.run_at_us or 0, task.position
    if task.status == "dead-lettered":
        return order, -task.finished_position, 0
    return order, task.position, 0


def _row(task: Task, look: Look) -> TaskRow:
    attempts = (
        f"{task.attempt}/{max(task.max_attempts, task.attempt)}" if task.attempt and task.max_attempts > 1 else ""
    )
    return TaskRow(
        id=label(task.id, 12),
        title=label(task.title, 160),
        status="parked" if _rests(task, look) else task.status,
        priority=task.priority,
        attempt=label(attempts, 6),
        aside=_aside(task, look),
        tokens=count(task.tokens, compact=True) if task.tokens else literal(""),
        cost=money(task.cost_usd_micros) if task.cost_usd_micros else literal(""),
        age=_age(task, look),
        change=look.change(lambda state: state.tasks, task.id),
    )


def _rests(task: Task, look: Look) -> bool:
    """Whether it waits because its profile is parked."""
    return task.status == "queued" and is_parked(task.profile, look.state)


def _aside(task: Task, look: Look) -> SafeText:
    if _rests(task, look):
        return until_when(task.profile, look)
    if task.status in {"running", "claimed"}:
        ending = " · stopping" if task.cancel_requested else ""
        return label(f"{task.agent_id or ''}{ending}", 60)
    if task.status in {"dead-lettered", "failed"}:
        return label(task.error, 120)
    if task.status == "scheduled" and task.run_at_us is not None:
        left = look.age(2 * look.now_us - task.run_at_us)
        return join((literal("in "), left, literal(" · ") if task.reason else literal(""), label(task.reason, 80)))
    return label(look.why(task.id) if look.why is not None else task.reason, 120)


def _age(task: Task, look: Look) -> SafeText:
    if task.duration_ms is not None and task.finished_us is not None:
        return duration(task.duration_ms)
    return look.age(task.started_us or task.since_us if task.status == "running" else task.since_us)


class TaskList(VirtualList[TaskRow]):
    """One line for each task."""

    RESTS: ClassVar[bool] = True
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal(""), 1),
        Column(literal("TASK"), 5),
        Column(literal("STATUS"), 11),
        Column(literal("TITLE"), 12, grow=3),
        Column(literal("WHO, WHY"), 9, grow=2),
        Column(literal("TRY"), 4, align="right", from_width=64),
        Column(literal("PRI"), 3, align="right", from_width=58),
        Column(literal("TOKENS"), 6, align="right", from_width=92),
        Column(literal("COST"), 7, align="right", from_width=84),
        Column(literal("TIME"), 6, align="right"),
    )
    EMPTY: ClassVar[Notice] = Notice(
        "empty",
        (
            (Span(literal("No tasks yet"), "strong"),),
            (Span(literal("n"), "key"), Span(literal(" adds one; "), "muted"),
             Span(literal("cw run PLAN.toml"), "accent"), Span(literal(" adds many"), "muted")),
            (Span(literal("?"), "key"), Span(literal(" shows every key"), "muted")),
        ),
    )  # fmt: skip

    def render_row(self, row: TaskRow, width: int) -> Iterable[Span]:
        """One task."""
        ink = status_ink(row.status)
        faint: Ink = "muted" if row.status in {"completed", "cancelled"} else "plain"
        word = literal("given up") if row.status == "dead-lettered" else label(row.status, 10)
        cells = (
            Span(literal(row.change) if row.change else literal(" "), CHANGE_INKS[row.change]),
            Span(row.id, faint),
            (Span(status_glyph(row.status, self.glyphs), ink), Span(literal(" ")), Span(word, ink)),
            Span(row.title, faint),
            Span(row.aside, "failed" if row.status in {"dead-lettered", "failed"} else "muted"),
            Span(row.attempt, "muted"),
            Span(count(row.priority) if row.priority else literal(""), "accent"),
            Span(row.tokens, "muted"),
            Span(row.cost, "muted"),
            Span(row.age, "muted"),
        )
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


class QueueSummary(Widget):
    """Two lines: how many tasks there are of each kind, and how far the whole is."""

    DEFAULT_CSS = "QueueSummary { height: 2; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._counts: tuple[int, ...] = (0,) * len(_SUMMARY)

    def show(self, state: State) -> None:
        """Draw these counts; returns at once when they are what is shown."""
        counts = tuple(sum(state.task_counts.get(s, 0) for s in statuses) for _, _, statuses in _SUMMARY)
        if counts != self._counts:
            self._counts = counts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        spans = self._words() if y == 0 else self._bar(width)
        return Strip(segments_of(fit(spans, width, glyphs(self)), palette(self), self.rich_style), width)

    def _words(self) -> list[Span]:
        spans: list[Span] = []
        for (status, word, _), number in zip(_SUMMARY, self._counts, strict=True):
            ink = status_ink(status) if number else "faint"
            spans += [Span(join((word, literal(" "), count(number))), ink), Span(literal("  "))]
        return spans

    def _bar(self, width: int) -> list[Span]:
        total = sum(self._counts)
        if not total:
            return []
        done = self._counts[-1] + self._counts[-2]
        percent = label(f" {100 * done // total:>3}%", 5)
        order = (4, 3, 1, 2, 0)  # done, failed, running, blocked, queued: what is behind us stands left
        drawn = glyphs(self)
        full = chars(drawn.eighths)[-1]
        fill = (full, full, drawn.step, drawn.step_empty, drawn.empty)
        cells = apportion([self._counts[index] for index in order], width - len(percent))
        spans = [
            Span(repeat(fill[rank], cells[rank]), status_ink(_SUMMARY[index][0])) for rank, index in enumerate(order)
        ]
        return [*spans, Span(percent, "muted")]


class QueuePanel(Panel):
    """Panel 2."""

    def __init__(self) -> None:
        super().__init__(frame=Frame(literal("Queue"), 2), id="queue")
        self.summary = QueueSummary()
        self.list = TaskList()
        self._ordered: tuple[object, tuple[Task, ...]] = (None, ())
        """What was put in order last, and the order."""

    def compose(self) -> ComposeResult:
        yield self.summary
        yield self.list

    def show(self, look: Look) -> None:
        """Draw the tasks of this moment."""
        self.summary.show(look.state)
        if self._ordered[0] is not look.state.tasks:
            self._ordered = look.state.tasks, task_order(look.state)
        rows = TaskRows(self._ordered[1], look.now_us // 1_000_000, look)
        self.list.show(rows)
        needing = sum(look.state.task_counts.get(status, 0) for status in NEEDS_YOU)
        total = look.state.totals.tasks
        note = [Span(count(total), "strong")] if total else []
        if needing:
            note += [Span(literal(" · "), "muted"), Span(join((count(needing), literal(" need you"))), "waiting")]
        self.show_frame(Frame(literal("Queue"), 2, tuple(note), look.past))
