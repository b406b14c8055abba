"""Recovery: what a crash left behind is settled before anything is shown or started.

First the processes that still run are found, by identity, and ended. Then, by the rules of the queue and in one
append: a requested cancel is finished, never requeued; an attempt whose process may have run is lost, and an
idempotent task is then requeued; an attempt that never began goes back to the queue. Every agent of the crashed
session leaves.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from core.events import (
    AgentTerminated,
    Append,
    ExecutionFailed,
    Payload,
    PermissionExpired,
    SessionClosed,
    SessionRecovered,
    TaskCancelled,
    TaskLost,
    TaskRequeued,
)
from core.ids import execution_id
from core.journal import Journal
from core.processes.identity import Identity
from core.processes.strays import end_strays
from core.projections import State, Task, in_order
from core.scheduling.policy import after_loss, alive, in_flight

ACTOR = "supervisor"
REASON = "the orchestrator ended without a word"


class Recovered(Struct, frozen=True):
    """What recovery found and did."""

    session_id: str
    """The session that crashed."""
    orphans: int
    """Processes that were still running."""
    lost: int
    requeued: int
    remaining: tuple[int, ...]
    """Pids that could not be ended."""


async def recover(journal: Journal) -> Recovered | None:
    """Settle what the last session left in flight; None when it left nothing.

    Call it before anything is started: what carries this log's marker then cannot be ours.
    """
    crashed = next(
        (session for session in reversed(in_order(journal.state.sessions)) if session.status in {"running", "paused"}),
        None,
    )
    if crashed is None:
        return None
    swept = await end_strays(f"{journal.log.log_id}/", _identities(journal.state))
    await journal.decide(lambda state: _settled(state, crashed.id, len(swept.ended)), actor=ACTOR)
    session = journal.state.sessions[crashed.id]
    remaining = tuple(stray.identity.pid for stray in swept.remaining)
    return Recovered(crashed.id, session.orphans, session.lost, session.requeued, remaining)


def _identities(state: State) -> list[Identity]:
    """The processes of the crashed session, as they were when they were started."""
    return [
        Identity(pid=agent.pid, pid_started_at=agent.pid_started_at, boot_id=agent.boot_id)
        for agent in alive(state)
        if agent.pid is not None and agent.boot_id
    ]


def _settled(state: State, session_id: str, orphans: int) -> list[Append]:
    tasks = in_flight(state)
    moves = {task.id: _settle_task(state, task) for task in tasks}
    ended: list[Payload] = [
        SessionClosed(reason="lost"),
        SessionRecovered(
            orphans=orphans,
            lost=sum(any(isinstance(move, TaskLost) for move in of_one) for of_one in moves.values()),
            requeued=sum(any(isinstance(move, TaskRequeued) for move in of_one) for of_one in moves.values()),
        ),
    ]
    return [
        *(
            Append(f"execution/{execution.id}", [ExecutionFailed(error=REASON)])
            for execution in in_order(state.executions)
            if execution.status in {"running", "paused"}
        ),
        *(
            Append(f"execution/{permission.execution_id}", [PermissionExpired(request_id=permission.id)])
            for permission in in_order(state.permissions)
            if permission.status == "pending"
        ),
        *(Append(f"task/{task.id}", moves[task.id], task.version, task.last_position) for task in tasks),
        *(Append(f"agent/{agent.id}", [AgentTerminated(reason=REASON)]) for agent in alive(state)),
        Append(f"session/{session_id}", ended),
    ]


def _settle_task(state: State, task: Task) -> list[Payload]:
    if task.cancel_requested:
        return [TaskCancelled(reason="cancelled before a crash")]
    if task.status == "claimed" and execution_id(task.id, task.attempt) not in state.executions:
        return [TaskRequeued(reason="the attempt had not begun")]
    moves: list[Payload] = [TaskLost(reason=REASON, attempt=task.attempt)]
    again = after_loss(replace(task, losses=task.losses + 1))
    return moves if again is None else [*moves, again]
