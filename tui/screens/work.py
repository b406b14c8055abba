"""What the keys do to tasks and agents. Every one is a command, and those that can be undone are remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.commands import Commands
from core.projections import Permission, State
from core.projections.moves import IN_FLIGHT
from tui.details import Selection
from tui.screens.task_form import NewTask

Undo = Callable[[], Awaitable[object]]
UNDO_KEPT = 50


class Work:
    """Carries out what the user wants done with what is selected; each answers with a sentence."""

    def __init__(self, commands: Commands, state: Callable[[], State]) -> None:
        self._commands, self._state = commands, state
        self._undo: list[tuple[str, Undo]] = []

    async def cancel(self, selection: Selection, *, force: bool = False) -> str:
        """Cancel the task, or stop the agent."""
        if selection.kind == "agent":
            await self._commands.stop_agent(selection.id, force=force)
            return f"{selection.id} is being {'killed' if force else 'stopped'}"
        task = self._state().tasks.get(selection.id)
        waiting = task is not None and task.status not in IN_FLIGHT
        await self._commands.cancel_task(selection.id, force=force)
        if waiting:
            self._remember(f"{selection.id} queued again", lambda: self._commands.retry_task(selection.id))
            return f"{selection.id} cancelled; u undoes it"
        return f"{selection.id} is being {'killed' if force else 'cancelled'}"

    async def pause(self, selection: Selection) -> str:
        """Pause, or resume what is paused."""
        state = self._state()
        record = state.agents.get(selection.id) or state.tasks.get(selection.id)
        agent = state.agents.get(getattr(record, "agent_id", None) or "")
        if record is not None and (record.status == "paused" or (agent is not None and agent.status == "paused")):
            await self._commands.resume(selection.id)
            self._remember(f"{selection.id} paused again", lambda: self._commands.pause(selection.id))
            return f"{selection.id} goes on"
        await self._commands.pause(selection.id)
        self._remember(f"{selection.id} goes on", lambda: self._commands.resume(selection.id))
        return f"{selection.id} paused; p resumes it"

    async def retry(self, selection: Selection) -> str:
        """Queue the task again."""
        await self._commands.retry_task(selection.id)
        self._remember(f"{selection.id} cancelled", lambda: self._commands.cancel_task(selection.id))
        return f"{selection.id} queued again"

    async def prioritise(self, selection: Selection, by: int) -> str:
        """Move the task in the queue."""
        task = self._state().tasks.get(selection.id)
        before = 0 if task is None else task.priority
        await self._commands.set_priority(selection.id, before + by)
        self._remember(
            f"{selection.id} has priority {before} again",
            lambda: self._commands.set_priority(selection.id, before),
        )
        return f"{selection.id} has priority {before + by}"

    async def enqueue(self, new: NewTask) -> str:
        """Add a task."""
        task_id = await self._commands.enqueue(
            title=new.title, prompt=new.prompt, command=new.run, profile=new.profile, priority=new.priority,
            depends_on=new.depends_on, delay_ms=new.delay_ms, max_attempts=new.attempts, timeout_ms=new.timeout_ms,
            workspace=new.workspace,
        )  # fmt: skip
        self._remember(f"{task_id} cancelled", lambda: self._commands.cancel_task(task_id))
        return f"{task_id} added"

    async def answer(self, asked: Permission, kind: str, option_id: str = "") -> str:
        """Answer a question of an agent: with one of its options, or with the first of a kind."""
        chosen = option_id or None
        await self._commands.answer_permission(asked.id, option_id=chosen, kind=None if chosen else kind)
        answered = self._state().permissions[asked.id]
        how = {"granted": "allowed", "denied": "denied"}.get(answered.status, answered.status)
        always = " from now on" if answered.kind.endswith("_always") else ""
        return f"{how}{always}: {asked.tool_name or 'a tool'}, for {asked.agent_id}"

    async def send(self, selection: Selection, text: str) -> str:
        """Say something to the agent, or to the one that works on the task."""
        await self._commands.send(selection.id, text)
        return f"said to {selection.id}"

    async def spawn(self, profile: str) -> str:
        """Add an agent."""
        agent_id = await self._commands.spawn(profile)
        return f"{agent_id} spawned"

    async def hold_queue(self) -> str:
        """Claim no more tasks, or claim again."""
        sessions = self._state().sessions.values()
        held = any(session.status == "paused" for session in sessions)
        if held:
            await self._commands.resume_session()
            return "tasks are claimed again"
        await self._commands.pause_session()
        return "no more tasks are claimed; P claims again"

    async def undo(self) -> str:
        """Undo the last action that can be."""
        if not self._undo:
            return "there is nothing to undo"
        said, act = self._undo.pop()
        await act()
        return f"undone: {said}"

    def _remember(self, said: str, act: Undo) -> None:
        self._undo = [*self._undo, (said, act)][-UNDO_KEPT:]
