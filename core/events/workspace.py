"""Workspaces: the directories agents work in."""

from __future__ import annotations

from typing import ClassVar

from core.events.envelope import Event


class WorkspaceScanned(Event):
    """How large the directory is."""

    type: ClassVar[str] = "workspace:scanned"
    files: int = 0
    size_bytes: int = 0


class WorkspaceCreated(Event):
    """A directory of its own, on a branch of its own."""

    type: ClassVar[str] = "workspace:created"
    path: str
    base_commit: str = ""
    branch_name: str = ""


class WorkspaceFilesChanged(Event):
    """Files changed; debounced, at most 500 paths, `count` says how many there were."""

    type: ClassVar[str] = "workspace:files-changed"
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    count: int = 0


class WorkspaceSnapshotTaken(Event):
    """The files were captured."""

    type: ClassVar[str] = "workspace:snapshot-taken"
    snapshot_id: str
    tree: str = ""
    base_commit: str = ""
    skipped: tuple[str, ...] = ()
    racy: bool = False
    """Whether somebody may have been writing meanwhile."""


class WorkspaceRestored(Event):
    """The files are as they were captured; the undo snapshot holds what they replaced."""

    type: ClassVar[str] = "workspace:restored"
    snapshot_id: str
    undo_snapshot_id: str = ""


class WorkspaceSynced(Event):
    """The workspace took over its base's newer state."""

    type: ClassVar[str] = "workspace:synced"
    base_commit: str = ""


class WorkspaceRemoved(Event):
    """The directory is gone."""

    type: ClassVar[str] = "workspace:removed"
    reason: str = ""
