"""The inbox: every question of every agent that waits for an answer, and how the others were answered.

The list changes while it is open. An answer is given to the question under the cursor only, and not before it has been
there for a moment; in the past there is nothing to answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import ClassVar, NamedTuple

from textual import on
from textual.widget import Widget

from core.errors import CodewalkersError
from core.events import PermissionRequested
from core.projections import Permission
from core.queries import Queries
from tui.asking import Attention, Inbox, goes_on
from tui.details import Selection
from tui.look import Look, local
from tui.panels.detail import BodyRows, DetailBody, DetailHead
from tui.screens.dialog import Dialog
from tui.text import SafeText, clock_time, duration, join, label, literal
from tui.theme.ink import Ink
from tui.transcript.blocks import Block, Headline, Line, Paragraph, broken
from tui.transcript.questions import ANSWERS, KINDS, option_lines, time_left
from tui.transcript.values import asked as wanted
from tui.widgets.columns import Column, lay_out
from tui.widgets.oneline import OneLine
from tui.widgets.rows import Notice, table
from tui.widgets.spans import Span, text_of
from tui.widgets.virtual_list import VirtualList

TICK_S = 0.1
ANSWERED_SHOWN = 50
TITLE = literal("Questions")
GAP = Span(literal("  "))

Give = Callable[[Permission, str, str], Awaitable[str]]
"""Answer a question with a kind, or else with an option's id; what is to be said about it."""


class QuestionRow(NamedTuple):
    """One question, ready to be drawn."""

    id: str
    agent: SafeText
    tool: SafeText
    answer: SafeText
    ink: Ink
    aside: SafeText
    waits: bool


class QuestionList(VirtualList[QuestionRow]):
    """One line for each question, those that wait first."""

    DEFAULT_CSS = "QuestionList { height: auto; max-height: 40%; }"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(literal("AGENT"), 12, grow=1),
        Column(literal("WANTS TO"), 14, grow=3),
        Column(literal("ANSWER"), 18, grow=1),
        Column(literal(""), 10, align="right"),
    )
    EMPTY: ClassVar[Notice] = Notice(
        "empty",
        (
            (Span(literal("No agent has asked anything"), "strong"),),
            (Span(literal("questions of agents come up here, and in their conversations"), "muted"),),
        ),
    )

    def render_row(self, row: QuestionRow, width: int) -> Iterable[Span]:
        """One question."""
        refused = self.glyphs.idle if row.ink == "done" else self.glyphs.failure
        glyph = self.glyphs.waiting if row.waits else refused
        cells = (
            Span(row.agent, "strong" if row.waits else "muted"),
            Span(row.tool, "plain" if row.waits else "muted"),
            (Span(glyph, row.ink), Span(literal(" ")), Span(row.answer, row.ink)),
            Span(row.aside, row.ink if row.waits else "muted"),
        )
        return lay_out(self.COLUMNS, cells, width, self.glyphs)


def question_rows(look: Look, inbox: Inbox) -> tuple[QuestionRow, ...]:
    """Those that wait, the longest first; then the newest of the others."""
    asked = (*inbox.waiting(look.state), *inbox.others(look.state, ANSWERED_SHOWN))
    return tuple(_row(question, look) for question in asked)


def _row(asked: Permission, look: Look) -> QuestionRow:
    agent, tool = label(asked.agent_id, 40), label(asked.tool_name or "use a tool", 200)
    if goes_on(asked, look.state):
        left = time_left(asked.deadline_us, look.now_us)
        return QuestionRow(asked.id, agent, tool, literal("waits for you"), "waiting", text_of(left), True)
    word, ink = ANSWERS.get(asked.status, (literal("never answered"), "warn"))
    parts = [KINDS[asked.kind] if asked.kind.endswith("_always") and asked.kind in KINDS else word]
    if asked.by:
        parts += [literal("by"), label(asked.by, 30)]
    waited_ms = ((asked.decided_us or asked.requested_us) - asked.requested_us) / 1000
    aside = join((literal("after "), duration(waited_ms))) if waited_ms else literal("")
    return QuestionRow(asked.id, agent, tool, join(parts, " "), ink, aside, False)


def _decided(asked: Permission) -> Line:
    """When it was answered."""
    return () if asked.decided_us is None else (Span(clock_time(local(asked.decided_us)), "muted"),)


class Approvals(Dialog[Selection]):
    """Answer questions; dismissed with the agent whose conversation is wanted."""

    DEFAULT_CSS = """
    Approvals > Panel { width: 95%; max-width: 120; height: 90%; }
    Approvals DetailHead { border-top: solid $border-blurred; padding: 0 1; }
    Approvals DetailBody { height: 1fr; margin: 1 0; }
    """

    def __init__(
        self, look: Callable[[], Look], inbox: Inbox, queries: Queries, attention: Attention, give: Give,
        keys: Mapping[str, str],
    ) -> None:  # fmt: skip
        """`give` answers the question it is given, or refuses; `keys` are the kinds of options and their keys."""
        super().__init__(TITLE)
        self._look, self._inbox, self._queries = look, inbox, queries
        self._attention, self._give, self._keys = attention, give, keys
        self.list, self.head, self.body, self.said = QuestionList(), DetailHead(), DetailBody(), OneLine()
        self._inputs: dict[str, object] = {}
        """What the questions that were looked at are about."""
        self._reading = False
        self._answered = ""
        """The question that was answered last, while the cursor is still on it."""
        self._at: tuple[str, bool] | None = None
        """What the cursor is on, and whether that waits."""

    def inside(self) -> Iterable[Widget]:
        yield self.list
        yield self.head
        yield self.body
        yield self.said

    def on_mount(self) -> None:
        """Draw, and draw again as long as it is open."""
        self.list.focus()
        self._draw()
        self._say_keys()
        self.set_interval(TICK_S, self._draw)

    def _draw(self) -> None:
        look = self._look()
        self.list.show(table(question_rows(look, self._inbox), key=lambda row: row.id))
        asked, moved_on = self._asked, False
        if asked is not None and asked.id == self._answered and not goes_on(asked, look.state):
            self._answered = ""
            self.list.move_to(0)  # the next one that waits, if any does
            asked, moved_on = self._asked, True
        pending = asked is not None and goes_on(asked, look.state)
        self._attention.turn_to(asked.id if asked is not None and pending else None)
        at = None if asked is None else (asked.id, pending)
        if at != self._at and not moved_on:  # else it says what was answered
            self._say_keys()
        self._at = at
        self.head.display = self.body.display = asked is not None
        if asked is not None:
            self._draw_question(asked, look, pending=pending)

    def _draw_question(self, asked: Permission, look: Look, *, pending: bool) -> None:
        width = max(8, self.list.size.width - 2)
        name = Span(label(asked.agent_id, 40), "strong")
        tool = Span(label(asked.tool_name or "a tool", 200), "strong")
        asks = Span(literal(" asks for ") if pending else literal(" asked for "), "muted")
        execution = look.state.executions.get(asked.execution_id)
        task = "" if execution is None else f" for {execution.task_id}"
        left = time_left(asked.deadline_us, look.now_us) if pending else _decided(asked)
        blocks: list[Block] = [Headline((name, asks, tool, Span(label(task, 20), "muted")), left)]
        if asked.reason:
            blocks.append(Paragraph((Span(label(asked.reason, 400), "muted"),)))
        if pending:
            blocks += option_lines(asked.options, dict(self._keys) if look.live else {}, numbered=look.live)
        self.head.show(tuple(broken(blocks, width)))
        if asked.id in self._inputs:
            self.body.show(BodyRows(tuple(broken(wanted(self._inputs[asked.id]), width)), width))
        elif not self._reading:
            self._reading = True
            self.run_worker(self._read(asked), group="question")

    async def _read(self, asked: Permission) -> None:
        event = await self._queries.event(asked.position)
        self._reading = False
        payload = None if event is None else event.payload
        self._inputs[asked.id] = payload.input if isinstance(payload, PermissionRequested) else None
        self._draw()
        self.body.set_follow(False)
        self.body.move_to(0)

    @property
    def _asked(self) -> Permission | None:
        """The question under the cursor."""
        if self.list.cursor_row is None:
            return None
        return self._look().state.permissions.get(str(self.list.cursor_key))

    @on(VirtualList.Moved)
    def _moved(self, event: VirtualList.Moved) -> None:
        if event.source is self.list:
            self._draw()
            self.body.move_to(0)

    @on(VirtualList.Opened)
    def _visit(self) -> None:
        asked = self._asked
        if asked is not None:
            self.dismiss(Selection("agent", asked.agent_id))

    # -- keys -------------------------------------------------------------------------------------------------

    async def pressed(self, key: str) -> bool:
        kind = next((kind for kind, answers in self._keys.items() if answers == key), None)
        if kind is not None:
            await self._answer(kind=kind)
        elif key.isdigit() and key != "0":
            await self._answer(number=int(key))
        else:
            return self._moves(key)
        return True

    def _moves(self, key: str) -> bool:
        match key:
            case "j" | "down":
                self.list.action_cursor_down()
            case "k" | "up":
                self.list.action_cursor_up()
            case "ctrl+d":
                self.body.action_half_page_down()
            case "ctrl+u":
                self.body.action_half_page_up()
            case "pagedown" | "space":
                self.body.action_page_down()
            case "pageup":
                self.body.action_page_up()
            case "enter":
                self._visit()
            case "i" | "q":
                self.dismiss(None)
            case _:
                return False
        return True

    async def _answer(self, *, kind: str = "", number: int = 0) -> None:
        asked, look = self._asked, self._look()
        if asked is None or not look.live:
            self._say("read-only in the past" if asked is not None else "there is nothing to answer", "past")
            return
        if number > len(asked.options):
            self._say(f"{asked.agent_id} offers {len(asked.options)} answers")
            return
        try:
            self._say(await self._give(asked, kind, asked.options[number - 1].option_id if number else ""), "good")
        except CodewalkersError as error:
            self._say(str(error))
        else:
            self._answered = asked.id

    def _say(self, text: str, ink: Ink = "warn") -> None:
        self.said.show((Span(label(text, 200), ink),))

    def _say_keys(self) -> None:
        """Those that do something for the question under the cursor."""
        asked, look = self._asked, self._look()
        if not look.live:
            self._say("read-only in the past; ⏎ its conversation, esc closes", "past")
            return
        keys = [("⏎", literal("conversation")), ("esc", literal("close"))]
        if asked is not None and goes_on(asked, look.state):
            keys = [*((key, KINDS[kind]) for kind, key in self._keys.items()), ("1–9", literal("number")), *keys]
        spans = [(Span(label(key, 8), "key"), Span(literal(" ")), Span(word, "muted"), GAP) for key, word in keys]
        self.said.show(tuple(chain.from_iterable(spans)))
