"""Agents: supervised workers. Intent first: `AgentSpawned` is durable before any process exists."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.events.envelope import Event

AgentPresence = Literal["idle", "busy", "waiting-permission", "stopping", "parked", "unknown"]
"""What `agent:status-changed` may say; the other statuses follow from their own events."""

OutputChannel = Literal["stdout", "stderr", "text", "thought", "wire-in", "wire-out"]

Command = str | tuple[str, ...]
"""A shell line for `sh -c`, or a program and its arguments."""


class AgentSpawned(Event):
    """An agent joins the fleet; nothing runs yet."""

    type: ClassVar[str] = "agent:spawned"
    name: str
    profile: str = ""
    role: str = ""
    domain: str = ""
    capabilities: tuple[str, ...] = ()
    command: Command = ()
    """What the agent itself runs; empty for an agent that runs what its tasks say."""
    protocol: str = "command"
    """The adapter that understands it."""
    workspace: str = ""
    depth: int = 0
    """How many agents stand between the user, or the scheduler, and this one."""


class AgentStarted(Event):
    """A process of the agent exists."""

    type: ClassVar[str] = "agent:started"
    pid: int
    pid_started_at: int = 0
    """With `pid` and `boot_id` the process's identity: ticks since boot on Linux, else microseconds since 1970."""
    shim_pid: int | None = None
    boot_id: str = ""
    attempt: int = 1
    execution_id: str = ""


class AgentStatusChanged(Event):
    """The agent became idle, busy, … and why."""

    type: ClassVar[str] = "agent:status-changed"
    previous: str = ""
    current: AgentPresence
    reason: str = ""


class AgentTaskAssigned(Event):
    """The agent has claimed a task."""

    type: ClassVar[str] = "agent:task-assigned"
    task_id: str


class AgentTaskCompleted(Event):
    """The agent is done with a task, whatever came of it."""

    type: ClassVar[str] = "agent:task-completed"
    task_id: str
    outcome: str = "completed"


class AgentOutput(Event):
    """Lines the agent printed: redacted, batched, at most one such event per 50 ms and channel.

    On the channels `text` and `thought`, a line that ends in exactly one blank goes on in the next one.
    """

    type: ClassVar[str] = "agent:output"
    channel: OutputChannel = "stdout"
    lines: tuple[str, ...] = ()
    truncated: bool = False
    """Whether any line was cut or left out."""
    dropped_lines: int = 0
    dropped_bytes: int = 0
    task_id: str = ""
    execution_id: str = ""

    @property
    def is_raw(self) -> bool:
        """Whether these are records of a protocol as they were sent: kept to be looked up, and told otherwise."""
        return self.channel in {"wire-in", "wire-out"}


class AgentStopRequested(Event):
    """Somebody wants the agent to end."""

    type: ClassVar[str] = "agent:stop-requested"
    force: bool = False
    reason: str = ""


class AgentPaused(Event):
    """The agent's processes are suspended and it takes no task."""

    type: ClassVar[str] = "agent:paused"
    reason: str = ""


class AgentResumed(Event):
    """The opposite of `agent:paused`."""

    type: ClassVar[str] = "agent:resumed"
    reason: str = ""


class AgentRestarting(Event):
    """The agent ended and will be started again after a delay."""

    type: ClassVar[str] = "agent:restarting"
    attempt: int
    delay_ms: int = 0
    reason: str = ""


class AgentStopped(Event):
    """The agent's process is over, as was wanted or by itself."""

    type: ClassVar[str] = "agent:stopped"
    exit_code: int | None = None
    signal: str | None = None
    reason: str = ""


class AgentFailed(Event):
    """The agent's process could not start or ended badly."""

    type: ClassVar[str] = "agent:failed"
    error: str
    exit_code: int | None = None
    signal: str | None = None


class AgentTerminated(Event):
    """The agent left the pool for good."""

    type: ClassVar[str] = "agent:terminated"
    reason: str = ""


class ConversationOpened(Event):
    """The agent's own session, by its own id."""

    type: ClassVar[str] = "conversation:opened"
    conversation_id: str
    resumable: bool = False
