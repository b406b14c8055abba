"""Checkpoints: saved moments with their files."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import field

from core.events.envelope import Event

CheckpointTrigger = Literal["task_completed", "iteration_boundary", "periodic", "manual"]


class CheckpointStarted(Event):
    """A checkpoint is being made."""

    type: ClassVar[str] = "checkpoint:started"
    checkpoint_id: str
    task_id: str | None = None
    step_id: str | None = None
    trigger: CheckpointTrigger = "manual"


class CheckpointSaved(Event):
    """The checkpoint is whole. The hash covers tasks, agents, memory, locks, signals and file trees."""

    type: ClassVar[str] = "checkpoint:saved"
    checkpoint_id: str
    state_hash: str = ""
    keyframe_position: int = 0
    workspaces: dict[str, str] = field(default_factory=dict[str, str])
    """Workspace → file snapshot."""
    label: str = ""


class CheckpointFailed(Event):
    """The checkpoint could not be made."""

    type: ClassVar[str] = "checkpoint:failed"
    checkpoint_id: str = ""
    error: str


class CheckpointRecovered(Event):
    """The checkpoint was returned to."""

    type: ClassVar[str] = "checkpoint:recovered"
    checkpoint_id: str = ""


class CheckpointExpired(Event):
    """The checkpoint's files were let go."""

    type: ClassVar[str] = "checkpoint:expired"
    checkpoint_id: str = ""
