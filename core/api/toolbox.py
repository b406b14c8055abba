"""The tools: what each wants to be told, what it does, and what it answers.

A tool is the model of its arguments; the docstring and the fields' descriptions are what the agent reads. Names and
texts come to it without secrets. What it raises is told to the agent as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from core.api.calls import Call
from core.api.files import read_file
from core.api.limits import Allowance
from core.api.questions import ask
from core.artifacts import Artifacts
from core.commands import Commands
from core.config import Config, Profile
from core.durations import parse_ms
from core.errors import Refused
from core.events import ArtifactStored, GoalEvaluated
from core.projections import Permission, Task, in_order
from core.scheduling.policy import why_waiting

Duration = Annotated[int, BeforeValidator(parse_ms), WithJsonSchema({"type": "string"})]
Fields = Mapping[str, object]


class House(Struct, frozen=True):
    """What the tools work with."""

    commands: Commands
    config: Callable[[], Config]
    artifacts: Artifacts
    root: Path
    """Of the project."""
    allowance: Allowance

    def profile_of(self, call: Call) -> Profile:
        """The caller's profile."""
        return self.config().profile(call.caller.agent.profile) or Profile()

    async def permit(self, call: Call, tool_name: str, arguments: object) -> None:
        """Look whether the caller's profile allows it, and ask the user when it does not say.

        Raises:
            Refused: the answer is no, or there is none.
        """
        if self.profile_of(call).may_spawn:
            return
        settings = self.profile_of(call).permissions
        answer = await ask(call, settings, tool_name, arguments, tool_call_id=call.reported_as)
        if answer.status != "granted":
            raise Refused(_refusal(answer))


class Tool(BaseModel):
    """What all tools share: they take no keys but their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reads_only: ClassVar[bool] = False
    is_recorded: ClassVar[bool] = True
    """Whether a call of it becomes a tool call in the log; else what it does is its record."""
    as_sent: ClassVar[frozenset[str]] = frozenset()
    """Fields that have the agent's own words, secrets and all, and so are nothing for the log as they are."""

    async def use(self, call: Call, house: House) -> Fields:
        """Do it.

        Raises:
            CodewalkersError: a sentence for the agent.
        """
        raise NotImplementedError


class EnqueueTask(Tool):
    """Add a task to the queue that you share with the user and with other agents. It runs later, apart from you.

    Give it a prompt for an agent, or a shell command to run.
    """

    title: str = Field(min_length=1, max_length=200, description="What the task is, in a few words.")
    prompt: str = Field(default="", description="What an agent shall do. The title, when there is no command either.")
    run: str = Field(default="", description="A shell command to run instead. The user may be asked first.")
    profile: str = Field(default="", description="The kind of agent to give it to; left out, an agent like you.")
    priority: int = Field(default=0, ge=-1_000, le=1_000, description="Higher runs first.")
    depends_on: tuple[str, ...] = Field(default=(), description="Ids of tasks that must be completed before.")
    max_attempts: int = Field(default=1, ge=1, le=100, description="How often to try before giving up.")
    delay: Duration = Field(default=0, description="Not before this time has passed, like 30s, 5m or 1h30m.")
    timeout: Duration | None = Field(default=None, description="How long it may take, like 30s, 5m or 1h30m.")

    @model_validator(mode="after")
    def _check_work(self) -> EnqueueTask:
        if self.run and self.prompt:
            raise ValueError("give a prompt or a command to run, not both")
        return self

    async def use(self, call: Call, house: House) -> Fields:
        with house.allowance.adding(call.caller, house.config().tools) as depth:
            if self.run:
                await house.permit(call, call.tool, {"title": self.title, "run": self.run})
            task_id = await house.commands.enqueue(
                self.title, prompt="" if self.run else self.prompt or self.title, command=self.run,
                profile=self.profile or ("shell" if self.run else call.caller.agent.profile),
                priority=self.priority, depends_on=self.depends_on, max_attempts=self.max_attempts,
                delay_ms=self.delay, timeout_ms=self.timeout, depth=depth, actor=call.caller.actor, cause=call.cause,
            )  # fmt: skip
        return {"task_id": task_id, "title": self.title, "status": call.journal.state.task_outcome(task_id)}


class ListTasks(Tool):
    """See the tasks of the queue and how they are, newest first."""

    reads_only = True

    status: str = Field(default="", description="Only tasks of this status, like queued, running or failed.")
    limit: int = Field(default=50, ge=1, le=500, description="At most so many.")

    async def use(self, call: Call, house: House) -> Fields:
        state = call.journal.state
        found = [task for task in in_order(state.tasks) if self.status in {"", task.status}]
        shown = found[: -self.limit - 1 : -1]
        counts = {status: count for status, count in sorted(state.task_counts.items()) if count}
        described = [_described(task, why_waiting(state, house.config(), task)) for task in shown]
        return {"counts": counts, "tasks": described, "not_shown": len(found) - len(shown)}


class SpawnAgent(Tool):
    """Add an agent to the fleet. The user is asked first, unless your profile may spawn."""

    profile: str = Field(min_length=1, description="The kind of agent, as in the project's configuration.")
    reason: str = Field(default="", max_length=1_000, description="Why it is needed; the user reads it.")

    async def use(self, call: Call, house: House) -> Fields:
        if house.config().profile(self.profile) is None:
            known = ", ".join(sorted(house.config().profiles))
            raise Refused(f"there is no profile {self.profile!r}; there are {known}")
        with house.allowance.adding(call.caller, house.config().tools) as depth:
            await house.permit(call, call.tool, {"profile": self.profile, "reason": self.reason})
            agent_id = await house.commands.spawn(self.profile, depth=depth, actor=call.caller.actor, cause=call.cause)
        return {"agent_id": agent_id, "profile": self.profile}


class ReportGoal(Tool):
    """Say how far a goal of your work is reached; the user sees it at once."""

    goal: str = Field(min_length=1, max_length=200, description="The goal, in the same few words each time.")
    status: Literal["met", "not_met", "progressing"] = Field(description="How it is.")
    score: float | None = Field(default=None, ge=0, le=1, description="How much of it is reached, from 0 to 1.")
    reason: str = Field(default="", max_length=10_000, description="What makes you say so.")

    async def use(self, call: Call, house: House) -> Fields:  # noqa: ARG002
        goal = GoalEvaluated(goal_id=self.goal, status=self.status, score=self.score, reason=self.reason or None)
        await call.record(goal)
        return {"goal": self.goal, "status": self.status}


class StoreArtifact(Tool):
    """Keep a result of your work, for the user and for later: a file by its path, or content as text or base64."""

    name: str = Field(min_length=1, max_length=200, description="What it is called, like report.md.")
    path: str = Field(default="", description="A file to keep, relative to where you work.")
    text: str = Field(default="", description="Or the content itself.")
    base64: str = Field(default="", description="Or the content in base64, when it is no text.")
    media_type: str = Field(default="", max_length=100, description="Like text/markdown or image/png.")

    as_sent = frozenset({"path", "text", "base64"})

    async def use(self, call: Call, house: House) -> Fields:
        limits = house.config().tools
        content = await self._content(call, house, limits.max_artifact_bytes)
        with house.allowance.storing(len(content), limits):
            content_hash = await house.artifacts.keep(content)
            stored = ArtifactStored(
                artifact_id=self.name, content_hash=content_hash, size_bytes=len(content), media_type=self.media_type
            )
            await call.record(stored)
        return {"name": self.name, "content_hash": content_hash, "size_bytes": len(content)}

    async def _content(self, call: Call, house: House, limit_bytes: int) -> bytes:
        if sum(map(bool, (self.path, self.text, self.base64))) != 1:
            raise Refused("give exactly one of path, text and base64, and not an empty one")
        if self.path:
            task = call.journal.state.tasks.get(call.caller.execution.task_id)
            workspace = (task.workspace if task is not None else "") or call.caller.agent.workspace
            return await read_file(house.root, workspace, self.path, limit_bytes)
        if self.text:
            return self.text.encode("utf-8", "replace")
        try:
            return base64.b64decode(self.base64, validate=True)
        except ValueError as error:
            raise Refused(f"the content is not base64: {error}") from error


class Approve(Tool):
    """Ask the user whether you may use another tool. Meant for the option --permission-prompt-tool of Claude Code."""

    model_config = ConfigDict(extra="ignore")

    is_recorded = False
    as_sent = frozenset({"input"})

    tool_name: str = Field(min_length=1, max_length=1_000, description="The tool you want to use.")
    input: dict[str, object] = Field(default_factory=dict[str, object], description="What you want to give it.")
    tool_use_id: str = Field(default="", max_length=1_000, description="Your own name of the call.")

    async def use(self, call: Call, house: House) -> Fields:
        settings = house.profile_of(call).permissions
        tool_call_id = self.tool_use_id or call.reported_as
        answer = await ask(call, settings, self.tool_name, self.input, tool_call_id=tool_call_id)
        if answer.status == "granted":
            return {"behavior": "allow", "updatedInput": self.input}
        return {"behavior": "deny", "message": _refusal(answer)}


TOOLS: Mapping[str, type[Tool]] = {
    "enqueue_task": EnqueueTask,
    "list_tasks": ListTasks,
    "spawn_agent": SpawnAgent,
    "report_goal": ReportGoal,
    "store_artifact": StoreArtifact,
    "approve": Approve,
}


def _described(task: Task, waits: str) -> Fields:
    described: dict[str, object] = {
        "task_id": task.id, "title": task.title, "status": task.status, "profile": task.profile,
        "priority": task.priority, "depends_on": task.depends_on, "agent_id": task.agent_id, "error": task.error,
        "waits_because": waits,
    }  # fmt: skip
    return {name: value for name, value in described.items() if value}


def _refusal(answer: Permission) -> str:
    if answer.status == "expired":
        return "the user did not answer in time, which counts as no"
    if answer.by == "policy":
        return "your profile does not allow it"
    return f"the user said no: {answer.reason}" if answer.reason else "the user said no"
