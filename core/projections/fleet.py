"""How the rest changes: memory, the swarm, sessions, workspaces, coordination, checkpoints, limits, bookmarks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from core.events import (
    AnyEvent,
    BookmarkRemoved,
    BookmarkSet,
    BudgetSet,
    BudgetTripped,
    BudgetWarned,
    CheckpointExpired,
    CheckpointFailed,
    CheckpointRecovered,
    CheckpointSaved,
    CheckpointStarted,
    Event,
    LockAcquired,
    LockExpired,
    LockReleased,
    MemoryDeleted,
    MemoryExpired,
    MemoryRetrieved,
    MemoryStored,
    ProfileParked,
    ProfileUnparked,
    SessionClosed,
    SessionPaused,
    SessionRecovered,
    SessionResumed,
    SessionStarted,
    SignalExpired,
    SignalSent,
    SwarmError,
    SwarmInitialized,
    SwarmMilestoneReached,
    SwarmPhaseChanged,
    SwarmScaled,
    SwarmTerminated,
    WorkspaceCreated,
    WorkspaceFilesChanged,
    WorkspaceRemoved,
    WorkspaceScanned,
    WorkspaceSnapshotTaken,
    WorkspaceSynced,
)
from core.events.envelope import to_us
from core.projections.draft import Draft
from core.projections.records import (
    Bookmark,
    Budget,
    Checkpoint,
    Lock,
    Memory,
    Profile,
    Session,
    Signal,
    Swarm,
    Workspace,
    line,
)

_BUDGET_STATUS: Mapping[type[Event], Literal["set", "warned", "tripped"]] = {
    BudgetSet: "set",
    BudgetWarned: "warned",
    BudgetTripped: "tripped",
}


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


def fold_memory(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `memory/…` stream."""
    match payload:
        case MemoryStored():
            entry_id = f"{payload.namespace}/{payload.key}"
            before = draft.memory.get(entry_id)
            entry = Memory(
                id=entry_id, namespace=payload.namespace, key=payload.key, memory_type=payload.memory_type,
                size_bytes=payload.size_bytes, artifact=payload.artifact, expires_us=_us(payload.expires_at),
                stored_us=event.recorded_us, position=event.position, hits=0 if before is None else before.hits,
                last_hit_us=None if before is None else before.last_hit_us,
            )  # fmt: skip
            draft.memory.put(entry_id, entry)
        case MemoryRetrieved(hit=True):
            entry = draft.memory.get(f"{payload.namespace}/{payload.key}")
            if entry is not None:
                draft.memory.put(entry.id, replace(entry, hits=entry.hits + 1, last_hit_us=event.recorded_us))
        case MemoryDeleted() | MemoryExpired():
            draft.memory.drop(f"{payload.namespace}/{payload.key}")
        case _:
            pass


def fold_swarm(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `swarm/…` stream."""
    swarm_id = event.aggregate_id
    swarm = draft.swarm.get(swarm_id) or Swarm(id=swarm_id)
    match payload:
        case SwarmInitialized():
            swarm = replace(
                swarm, status="running", topology=payload.topology, min_agents=payload.min_agents,
                max_agents=payload.max_agents, size=payload.max_agents,
            )  # fmt: skip
        case SwarmScaled():
            swarm = replace(swarm, size=payload.current)
        case SwarmPhaseChanged():
            swarm = replace(swarm, phase=line(payload.current))
        case SwarmMilestoneReached():
            swarm = replace(swarm, milestones=swarm.milestones + 1, last_milestone=line(payload.name))
        case SwarmError():
            swarm = replace(swarm, errors=swarm.errors + 1, last_error=line(payload.error))
        case SwarmTerminated():
            swarm = replace(swarm, status="terminated")
        case _:
            pass
    draft.swarm.put(swarm_id, swarm)


def fold_session(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `session/…` stream."""
    session_id = event.aggregate_id
    session = draft.sessions.get(session_id) or Session(
        id=session_id, started_us=event.recorded_us, position=event.position
    )
    match payload:
        case SessionStarted():
            draft.session_id = session_id
            session = replace(
                session, status="running", version=payload.version, pid=payload.pid, host=line(payload.host),
                previous=payload.previous_session_id,
            )  # fmt: skip
        case SessionPaused():
            session = replace(session, status="paused")
        case SessionResumed():
            session = replace(session, status="running")
        case SessionRecovered():
            session = replace(session, orphans=payload.orphans, lost=payload.lost, requeued=payload.requeued)
        case SessionClosed():
            session = replace(
                session, status="lost" if payload.reason == "lost" else "closed", finished_us=event.recorded_us,
                close_reason=payload.reason,
            )  # fmt: skip
        case _:
            pass
    draft.sessions.put(session_id, session)


def fold_workspace(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `workspace/…` stream."""
    workspace_id = event.aggregate_id
    workspace = draft.workspaces.get(workspace_id) or Workspace(id=workspace_id)
    match payload:
        case WorkspaceCreated():
            workspace = replace(
                workspace, status="created", path=payload.path, base_commit=payload.base_commit,
                branch_name=payload.branch_name,
            )  # fmt: skip
        case WorkspaceScanned():
            workspace = replace(workspace, files=payload.files, size_bytes=payload.size_bytes)
        case WorkspaceFilesChanged():
            workspace = replace(workspace, changes=workspace.changes + payload.count, changed_us=event.recorded_us)
        case WorkspaceSnapshotTaken():
            workspace = replace(
                workspace, snapshot_id=payload.snapshot_id, snapshot_position=event.position, racy=payload.racy
            )
        case WorkspaceSynced():
            workspace = replace(workspace, base_commit=payload.base_commit)
        case WorkspaceRemoved():
            workspace = replace(workspace, status="removed")
        case _:
            pass
    draft.workspaces.put(workspace_id, workspace)


def fold_lock(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `lock/…` stream."""
    name = event.aggregate_id
    lock = draft.locks.get(name) or Lock(id=name)
    match payload:
        case LockAcquired():
            lock = replace(
                lock, status="held", owner=payload.owner, expires_us=_us(payload.expires_at),
                fencing_token=payload.fencing_token,
            )  # fmt: skip
        case LockReleased():
            lock = replace(lock, status="released")
        case LockExpired():
            lock = replace(lock, status="expired")
        case _:
            return
    draft.locks.put(name, replace(lock, since_us=event.recorded_us))


def fold_signal(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `signal/…` stream."""
    name = event.aggregate_id
    match payload:
        case SignalSent():
            sent = Signal(
                id=name, expires_us=_us(payload.expires_at), since_us=event.recorded_us, position=event.position
            )
            draft.signals.put(name, sent)
        case SignalExpired():
            known = draft.signals.get(name) or Signal(id=name)
            draft.signals.put(name, replace(known, status="expired", since_us=event.recorded_us))
        case _:
            pass


def fold_checkpoint(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `checkpoint/…` stream."""
    checkpoint_id = event.aggregate_id
    checkpoint = draft.checkpoints.get(checkpoint_id) or Checkpoint(id=checkpoint_id, position=event.position)
    match payload:
        case CheckpointStarted():
            checkpoint = replace(checkpoint, status="started", task_id=payload.task_id, trigger=payload.trigger)
        case CheckpointSaved():
            checkpoint = replace(
                checkpoint, status="saved", state_hash=payload.state_hash, label=line(payload.label),
                keyframe_position=payload.keyframe_position, workspaces=payload.workspaces,
                saved_us=event.recorded_us,
            )  # fmt: skip
        case CheckpointFailed():
            checkpoint = replace(checkpoint, status="failed", error=line(payload.error))
        case CheckpointRecovered():
            checkpoint = replace(checkpoint, status="recovered")
        case CheckpointExpired():
            checkpoint = replace(checkpoint, status="expired")
        case _:
            pass
    draft.checkpoints.put(checkpoint_id, checkpoint)


def fold_bookmark(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `bookmark/…` stream."""
    match payload:
        case BookmarkSet():
            flag = Bookmark(
                id=event.aggregate_id, branch=payload.branch, position=payload.position, label=line(payload.label)
            )
            draft.bookmarks.put(flag.id, flag)
        case BookmarkRemoved():
            draft.bookmarks.drop(event.aggregate_id)
        case _:
            pass


def fold_budget(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `budget/…` stream."""
    match payload:
        case BudgetSet() | BudgetWarned() | BudgetTripped():
            budget_id = event.aggregate_id
            status = _BUDGET_STATUS[type(payload)]
            budget = Budget(
                id=budget_id, status=status, scope=payload.scope, unit=payload.unit, limit=payload.limit,
                used=payload.used,
            )  # fmt: skip
            draft.budgets.put(budget_id, budget)
        case _:
            pass


def fold_profile(draft: Draft, event: AnyEvent, payload: Event) -> None:
    """Fold one event of a `profile/…` stream."""
    name = event.aggregate_id
    match payload:
        case ProfileParked():
            parked = Profile(id=name, status="parked", until_us=_us(payload.until), reason=line(payload.reason))
            draft.profiles.put(name, parked)
        case ProfileUnparked():
            draft.profiles.put(name, Profile(id=name))
        case _:
            pass
