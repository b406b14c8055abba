"""Sessions: runs of the orchestrator, never spanning two processes."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.envelope import Event

CloseReason = Literal["quit", "signal", "lost"]


class SessionStarted(Event):
    """An orchestrator runs."""

    type: ClassVar[str] = "session:started"
    session_id: str
    version: str = ""
    pid: int = 0
    host: str = ""
    previous_session_id: str | None = None


class SessionPaused(Event):
    """No new task is claimed."""

    type: ClassVar[str] = "session:paused"
    reason: str = ""


class SessionResumed(Event):
    """The opposite of `session:paused`."""

    type: ClassVar[str] = "session:resumed"
    reason: str = ""


class SessionRecovered(Event):
    """What a crash left behind is settled."""

    type: ClassVar[str] = "session:recovered"
    orphans: int = 0
    """Processes of the crashed run that were found and ended."""
    lost: int = 0
    """Attempts whose end nobody knows."""
    requeued: int = 0


class SessionClosed(Event):
    """The orchestrator ended; `lost` is written by the next one."""

    type: ClassVar[str] = "session:closed"
    reason: CloseReason = "quit"
