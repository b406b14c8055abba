"""Commands about what is said between us and agents: messages, and answers to what they ask."""

from __future__ import annotations

from core.agents.limits import begins_nothing
from core.agents.permission_policy import option_for
from core.commands.base import CommandsBase, agent_of, living_agent
from core.errors import IllegalMove, NoCapacity, NotFound, UsageError
from core.events import (
    Append,
    MessageSent,
    Payload,
    PermissionDenied,
    PermissionGranted,
    PermissionOption,
)
from core.projections import Permission, State

LISTENS = frozenset({"starting", "idle", "busy", "waiting-permission", "paused"})


class ConversationCommands(CommandsBase):
    """Send messages, answer permission requests."""

    async def send(self, name: str, text: str, *, by: str = "user", actor: str = "user") -> str:
        """Say something to an agent, named by itself or by the task it works on; it becomes its next turn.

        Raises:
            NotFound
            IllegalMove: it does not listen: it has left, or runs no conversation.
            UsageError: its protocol knows no messages.
            NoCapacity: a budget is used up or its provider's limit reached, so it begins no turn.
        """
        if not text.strip():
            raise UsageError("a message needs some text")

        def decide(state: State) -> list[Append]:
            agent = living_agent(state, agent_of(state, name) or _worker_of(state, name), "sent a message")
            execution = state.executions.get(agent.execution_id or "")
            if agent.protocol != "acp":
                raise UsageError(f"agent {agent.id} takes no messages: its adapter is {agent.protocol}, not acp")
            if agent.status not in LISTENS or execution is None or execution.finished_us is not None:
                raise IllegalMove(f"agent {agent.id}", f"{agent.status} without a conversation", "sent a message")
            held = begins_nothing(state, agent.profile, self._config(), self._journal.clock.now())
            if held:
                raise NoCapacity(f"agent {agent.id} begins no other turn: {held}")
            return [Append(f"execution/{execution.id}", [MessageSent(text=text, by=by)])]

        stored = await self._journal.decide(decide, actor=actor)
        return stored[0].aggregate_id

    async def answer_permission(
        self,
        request_id: str,
        *,
        option_id: str | None = None,
        kind: str | None = None,
        by: str = "user",
        actor: str = "user",
    ) -> str:
        """Answer what an agent asks: with one of its options by id, or by kind; without either it is allowed once.

        The kind may also be `allow` or `deny`: the mildest option of that sort, and refusal is always possible.

        Raises:
            NotFound
            IllegalMove: it was answered already.
            UsageError: the agent does not offer that.
        """

        def decide(state: State) -> list[Append]:
            asked = state.permissions.get(request_id)
            if asked is None:
                raise NotFound("permission request", request_id)
            if asked.status != "pending":
                raise IllegalMove(f"permission request {request_id}", asked.status, "answered again")
            return [Append(f"execution/{asked.execution_id}", [_answer(asked, option_id, kind, by)])]

        await self._journal.decide(decide, actor=actor)
        return request_id


def _worker_of(state: State, name: str) -> str:
    """For a task that nobody works on just now."""
    task = state.tasks.get(name)
    if task is None:
        raise NotFound("agent or task", name)
    raise IllegalMove(f"task {name}", task.status, "sent a message")


def _answer(asked: Permission, option_id: str | None, kind: str | None, by: str) -> Payload:
    option = _chosen(asked, option_id, kind or "allow_once")
    if option is None:
        return PermissionDenied(request_id=asked.id, by=by)
    if option.kind.startswith("reject"):
        return PermissionDenied(request_id=asked.id, option_id=option.option_id, kind=option.kind, by=by)
    return PermissionGranted(request_id=asked.id, option_id=option.option_id, kind=option.kind, by=by)


def _chosen(asked: Permission, option_id: str | None, kind: str) -> PermissionOption | None:
    """The option; None when it is refused without one."""
    if option_id is not None:
        found = next((option for option in asked.options if option.option_id == option_id), None)
    elif kind in {"allow", "deny"}:
        found = option_for(asked.options, "allow" if kind == "allow" else "deny")
    else:
        found = next((option for option in asked.options if option.kind == kind), None)
    if found is None and (option_id is not None or kind not in {"deny", "reject_once"}):
        offered = ", ".join(f"{option.option_id} ({option.kind})" for option in asked.options)
        raise UsageError(f"{asked.id} cannot be answered with {option_id or kind}; it offers {offered or 'nothing'}")
    return found
