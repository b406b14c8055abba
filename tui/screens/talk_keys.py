"""What the keys of conversations do: reading, answering and talking. One method an action, named after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import UsageError
from core.projections import Permission
from tui.bindings import Registry
from tui.details import Selection
from tui.screens.approvals import Approvals
from tui.screens.message_form import MessageForm
from tui.screens.needing import Stop, beyond, stops
from tui.text import label

if TYPE_CHECKING:
    from tui.screens.dashboard import DashboardScreen

_ANSWERS = {"allow_once": "allow_once", "allow_always": "allow_always", "reject_once": "deny"}
"""The action that answers with each kind of option."""
_TOO_SOON = "that question only just came up: look at it, then press again"


def answer_keys(registry: Registry) -> dict[str, str]:
    """Kinds of options, and the key that answers with each."""
    keys = {kind: registry[action].keys for kind, action in _ANSWERS.items()}
    return {kind: bound[0] for kind, bound in keys.items() if bound}


class TalkKeys:
    """The actions of conversations, over the dashboard they belong to."""

    _screen: DashboardScreen

    def open_all(self) -> None:
        self._screen.detail.toggle_all()

    def raw(self) -> None:
        screen = self._screen
        screen.inspector.raw = not screen.inspector.raw
        screen.paint()

    def costs(self) -> None:
        """The session that was running at the moment that is shown."""
        self._screen.visit(Selection("session", self._screen.look.state.session_id))

    # -- what needs you ---------------------------------------------------------------------------------------

    def next_needing(self) -> None:
        self._attend(1)

    def previous_needing(self) -> None:
        self._attend(-1)

    def _attend(self, by: int) -> None:
        screen = self._screen
        waiting = stops(screen.look.state, screen.inbox)
        if not waiting:
            screen.say("nothing needs you")
            return
        stop = beyond(waiting, Stop(screen.selection, screen.asked), by, screen.attention.seen)
        if stop.asked is not None:
            screen.attention.seen.add(stop.asked.id)
            screen.visit(stop.at, stop.asked)
            return
        panel = screen.agents if stop.at.kind == "agent" else screen.queue
        screen.focus_panel("agents" if stop.at.kind == "agent" else "queue")
        panel.list.move_to_key(stop.at.id)

    # -- answering --------------------------------------------------------------------------------------------

    async def allow_once(self) -> str:
        return await self._answer("allow_once")

    async def allow_always(self) -> str:
        return await self._answer("allow_always")

    async def deny(self) -> str:
        return await self._answer("reject_once")

    async def _answer(self, kind: str) -> str:
        asked = self._screen.question
        if asked is None:
            raise UsageError("put the cursor on a question that waits; w goes to the next, i lists all of them")
        return await self.give(asked, kind, "")

    async def give(self, asked: Permission, kind: str, option_id: str) -> str:
        """Answer, once the question has been looked at.

        Raises:
            UsageError: it came up only just now, or the agent does not offer that.
            IllegalMove: it was answered already.
        """
        if not self._screen.attention.has_been_on(asked.id):
            raise UsageError(_TOO_SOON)
        said = await self._screen.work.answer(asked, "deny" if kind == "reject_once" else kind, option_id)
        self._screen.say(said)  # instead of that somebody asks
        return said

    async def inbox(self) -> None:
        screen = self._screen
        approvals = Approvals(
            lambda: screen.look, screen.inbox, screen.engine.queries, screen.attention, self.give,
            answer_keys(screen.registry),
        )  # fmt: skip
        chosen = await screen.terminal.push_screen_wait(approvals)
        if chosen is not None:
            screen.visit(chosen)

    # -- talking ----------------------------------------------------------------------------------------------

    async def message(self) -> str | None:
        screen = self._screen
        to = self._addressee()
        form = MessageForm(label(to.id, 40), screen.drafts.get(to.id, ""))
        text = await screen.terminal.push_screen_wait(form)
        screen.drafts[to.id] = form.draft
        if text is None:
            return None
        said = await screen.work.send(to, text)
        del screen.drafts[to.id]
        return said

    def _addressee(self) -> Selection:
        to = self._screen.subject
        if to is None:
            raise UsageError("select an agent or a task first")
        return to
