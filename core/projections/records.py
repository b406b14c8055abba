"""What the state is made of: one immutable record per agent, task, execution …, each with a `status`.

Times are microseconds since 1970 (UTC) as recorded; positions are positions in the log. No record holds a text
body: titles and errors are cut to one line, prompts, output and results are read from the log when asked for.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from core.events import PermissionOption
from core.events.envelope import EPOCH, MICROSECOND

AgentStatus = Literal[
    "starting", "idle", "busy", "waiting-permission", "stopping", "parked", "unknown", "restarting", "paused",
    "stopped", "failed", "terminated",
]  # fmt: skip
Health = Literal["ok", "failing", "unknown"]

TaskStatus = Literal[
    "blocked", "scheduled", "queued", "claimed", "running", "paused", "completed", "failed", "lost",
    "dead-lettered", "cancelled",
]  # fmt: skip

LINE_CHARACTERS = 200
"""The longest text a record keeps."""


class Agent(Struct, frozen=True, gc=False, kw_only=True):
    """A supervised worker."""

    id: str
    name: str = ""
    profile: str = ""
    role: str = ""
    domain: str = ""
    capabilities: tuple[str, ...] = ()
    protocol: str = "command"
    workspace: str = ""
    service: bool = False
    """Whether it runs a command of its own, rather than its tasks' commands."""
    depth: int = 0
    """How many agents stand between the user, or the scheduler, and this one."""
    status: AgentStatus = "starting"
    before_pause: AgentStatus = "idle"
    reason: str = ""
    since_us: int = 0
    """When the status last changed."""
    spawned_us: int = 0
    position: int = 0
    """Of the event that made it."""
    pid: int | None = None
    pid_started_at: int = 0
    shim_pid: int | None = None
    boot_id: str = ""
    task_id: str | None = None
    execution_id: str | None = None
    conversation_id: str | None = None
    attempt: int = 0
    restarts: int = 0
    restart_at_us: int | None = None
    """When a restart is due."""
    completed: int = 0
    """Tasks it brought to their end."""
    failed: int = 0
    """Tasks it brought to another outcome than `completed`."""
    output_lines: int = 0
    last_output_us: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    context_used_tokens: int | None = None
    context_size_tokens: int | None = None
    cost_usd_micros: int = 0
    exit_code: int | None = None
    error: str = ""

    @property
    def health(self) -> Health:
        """`failing` while restarting or failed; `unknown` when nobody can tell."""
        if self.status in {"restarting", "failed"}:
            return "failing"
        return "unknown" if self.status == "unknown" else "ok"


class Task(Struct, frozen=True, gc=False, kw_only=True):
    """A unit of work and where it is in the queue."""

    id: str
    title: str = ""
    kind: str = ""
    status: TaskStatus = "queued"
    priority: int = 0
    profile: str = "shell"
    depends_on: tuple[str, ...] = ()
    waiting_on: tuple[str, ...] = ()
    reason: str = ""
    """Why it is where it is, when that is not plain from the status."""
    max_attempts: int = 1
    timeout_ms: int | None = None
    run_at_us: int | None = None
    """When it may run; kept until it is queued."""
    workspace: str = ""
    labels: tuple[str, ...] = ()
    idempotent: bool = False
    depth: int = 0
    """How many agents stand between the user and this task."""
    position: int = 0
    """Of the event that made it."""
    created_us: int = 0
    queued_position: int = 0
    """Its place in the queue: smaller waits longer."""
    since_us: int = 0
    """When the status last changed."""
    before_pause: TaskStatus = "queued"
    agent_id: str | None = None
    execution_id: str | None = None
    executions: tuple[str, ...] = ()
    attempt: int = 0
    """Rises at every claim."""
    fence: int = 0
    failures: int = 0
    """Attempts that count against `max_attempts`."""
    retryable: bool = True
    """Whether the last failure may be tried again."""
    losses: int = 0
    """Attempts nobody knows the end of."""
    cancel_requested: bool = False
    force_requested: bool = False
    started_us: int | None = None
    finished_us: int | None = None
    finished_position: int = 0
    duration_ms: int | None = None
    error: str = ""
    stale_results: int = 0
    version: int = 0
    """Of the task's stream: what an append that was decided on this record expects."""
    last_position: int = 0
    """Of the newest event on the task's stream: what its next move follows from."""
    cost_usd_micros: int = 0
    tokens: int = 0


class Execution(Struct, frozen=True, gc=False, kw_only=True):
    """One attempt at a task by one agent."""

    id: str
    status: Literal["running", "paused", "completed", "failed", "cancelled"] = "running"
    parent: str | None = None
    task_id: str = ""
    agent_id: str = ""
    position: int = 0
    started_us: int = 0
    finished_us: int | None = None
    duration_ms: int | None = None
    steps: int = 0
    open_steps: tuple[str, ...] = ()
    tool_calls: int = 0
    open_tool_calls: tuple[str, ...] = ()
    tool_name: str = ""
    """The tool used last."""
    messages: int = 0
    artifacts: int = 0
    plan_done: int = 0
    plan_total: int = 0
    goal_status: str = ""
    goal_score: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    context_used_tokens: int | None = None
    context_size_tokens: int | None = None
    cost_usd_micros: int = 0
    model: str = ""
    error: str = ""
    custom: int = 0


class Memory(Struct, frozen=True, gc=False, kw_only=True):
    """One entry of shared memory; its value is read from the log."""

    id: str
    namespace: str
    key: str
    status: Literal["stored"] = "stored"
    memory_type: str = ""
    size_bytes: int = 0
    artifact: str | None = None
    expires_us: int | None = None
    stored_us: int = 0
    position: int = 0
    """Of the event that holds the value."""
    hits: int = 0
    last_hit_us: int | None = None


class Swarm(Struct, frozen=True, gc=False, kw_only=True):
    """The fleet as a whole."""

    id: str
    status: Literal["running", "terminated"] = "running"
    topology: str = ""
    min_agents: int = 0
    max_agents: int = 0
    size: int = 0
    """Agents wanted."""
    phase: str = ""
    milestones: int = 0
    last_milestone: str = ""
    errors: int = 0
    last_error: str = ""


class Session(Struct, frozen=True, gc=False, kw_only=True):
    """One run of the orchestrator."""

    id: str
    status: Literal["running", "paused", "closed", "lost"] = "running"
    version: str = ""
    pid: int = 0
    host: str = ""
    previous: str | None = None
    started_us: int = 0
    finished_us: int | None = None
    close_reason: str = ""
    orphans: int = 0
    lost: int = 0
    requeued: int = 0
    position: int = 0


class Workspace(Struct, frozen=True, gc=False, kw_only=True):
    """A directory agents work in."""

    id: str
    status: Literal["created", "removed"] = "created"
    path: str = ""
    base_commit: str = ""
    branch_name: str = ""
    files: int = 0
    size_bytes: int = 0
    changes: int = 0
    changed_us: int | None = None
    snapshot_id: str = ""
    snapshot_position: int = 0
    racy: bool = False


class Lock(Struct, frozen=True, gc=False, kw_only=True):
    """A named lock with a fencing token."""

    id: str
    status: Literal["held", "released", "expired"] = "held"
    owner: str = ""
    expires_us: int | None = None
    fencing_token: int = 0
    since_us: int = 0


class Signal(Struct, frozen=True, gc=False, kw_only=True):
    """A named value with an end; the value is read from the log."""

    id: str
    status: Literal["sent", "expired"] = "sent"
    expires_us: int | None = None
    since_us: int = 0
    position: int = 0


class Permission(Struct, frozen=True, gc=False, kw_only=True):
    """A question of an agent, and its answer."""

    id: str
    status: Literal["pending", "granted", "denied", "expired"] = "pending"
    execution_id: str = ""
    agent_id: str = ""
    tool_call_id: str = ""
    tool_name: str = ""
    options: tuple[PermissionOption, ...] = ()
    deadline_us: int | None = None
    requested_us: int = 0
    position: int = 0
    decided_us: int | None = None
    by: str = ""
    kind: str = ""
    reason: str = ""


class Checkpoint(Struct, frozen=True, gc=False, kw_only=True):
    """A saved moment with its files."""

    id: str
    status: Literal["started", "saved", "failed", "recovered", "expired"] = "started"
    task_id: str | None = None
    trigger: str = ""
    label: str = ""
    state_hash: str = ""
    keyframe_position: int = 0
    workspaces: dict[str, str] = {}
    error: str = ""
    position: int = 0
    saved_us: int | None = None


class Bookmark(Struct, frozen=True, gc=False, kw_only=True):
    """A flag at an instant."""

    id: str
    status: Literal["set"] = "set"
    branch: str = "main"
    position: int = 0
    label: str = ""


class Usage(Struct, frozen=True, gc=False, kw_only=True):
    """What was used up in a session, on a day, or by a profile in a session."""

    id: str
    """See `session_scope`, `day_scope` and `profile_scope`."""
    tokens: int = 0
    """Input and output together."""
    cost_usd_micros: int = 0


def session_scope(session_id: str) -> str:
    """What usage and budgets of a session go by."""
    return f"session {session_id}"


DAY = "day "


def day_scope(at_us: int) -> str:
    """What usage and budgets of a day go by; a day is one of UTC."""
    return f"{DAY}{(EPOCH + at_us * MICROSECOND).date().isoformat()}"


def profile_scope(profile: str, session_id: str) -> str:
    """What usage and budgets of a profile in a session go by."""
    return f"profile {profile} in {session_id}"


class Budget(Struct, frozen=True, gc=False, kw_only=True):
    """A cap and how much of it was used when that was last told."""

    id: str
    status: Literal["set", "warned", "tripped"] = "set"
    scope: str = ""
    unit: str = ""
    limit: int = 0
    used: int = 0


class Profile(Struct, frozen=True, gc=False, kw_only=True):
    """What the log knows of a profile: whether its queue is parked."""

    id: str
    status: Literal["ready", "parked"] = "ready"
    until_us: int | None = None
    reason: str = ""


class Totals(Struct, frozen=True, gc=False, kw_only=True):
    """Counters over everything that ever happened, evicted records included."""

    events: int = 0
    unknown_events: int = 0
    tasks: int = 0
    agents: int = 0
    claims: int = 0
    rested: int = 0
    """How often a task came to rest: the next number in `State.resting`."""
    dropped: int = 0
    """How many of those numbers are gone."""
    output_lines: int = 0
    dropped_lines: int = 0
    completed_duration_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd_micros: int = 0


def line(text: str) -> str:
    """The first line of a text, cut to what a record keeps."""
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= LINE_CHARACTERS else first[: LINE_CHARACTERS - 1] + "…"
