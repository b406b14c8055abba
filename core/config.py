"""What can be configured: validated once, immutable afterwards.

Pydantic guards this edge; inside, the models are plain values. Every key has a default, so nothing has to be written.
Where it is read from is in `core.settings`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import ErrorDetails

from core.durations import parse_ms, written_ms
from core.errors import PlanError
from core.known_agents import KNOWN_AGENTS

CONFIG_NAME = "codewalkers.toml"
PROMPT = "{prompt}"
"""In an argument of a profile's command: the task's prompt."""
TOOLS_URL = "{tools_url}"
"""In an argument of a profile's command: the address of our tools."""
RECORDS = "{records}"
"""In an argument of a profile's command: the file a program that prints no records is to write them to."""

Milliseconds = Annotated[int, BeforeValidator(parse_ms), PlainSerializer(written_ms, when_used="json")]

PASSED_ENVIRONMENT = (
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
)  # fmt: skip
"""What agents get of our environment without being asked; everything else is named in a profile."""


AdapterName = Literal[
    "command", "acp", "jsonl:claude", "jsonl:codex", "jsonl:gemini", "jsonl:goose", "jsonl:mini", "jsonl:opencode"
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Restart(_Section):
    """Whether and how often an agent that ended is started again."""

    when: Literal["never", "on-failure", "always"] = "never"
    backoff: Milliseconds = 1_000
    """Before the first restart; doubles each time, with full jitter."""
    max_backoff: Milliseconds = 60_000
    max_restarts: int = Field(default=5, ge=0)
    """Within `window`; then the agent stays failed."""
    window: Milliseconds = 600_000


class Permissions(_Section):
    """What agents may do without asking, and how long somebody has to answer them.

    Names are patterns (`*`, `?`, `[…]`) that are compared with a tool's name, its kind and the title of its call.
    """

    policy: Literal["ask", "allow", "deny"] = "ask"
    allow: tuple[str, ...] = ()
    """Allowed whatever the policy is."""
    deny: tuple[str, ...] = ()
    """Denied whatever else is said."""
    deadline: Milliseconds = 300_000
    """Nobody answered until then: denied."""


class McpServer(_Section):
    """A server of the Model Context Protocol that agents of a profile are given: a program, or an address."""

    command: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    """Set for its process. Values are treated as secrets."""
    url: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent to its address. Values are treated as secrets."""

    @model_validator(mode="after")
    def _check_kind(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give it either a command or a url")
        return self


class Conversation(_Section):
    """How conversations with agents of the Agent Client Protocol are held."""

    mode: str = ""
    """The agent's own mode, by its id; empty: the one it begins in."""
    mcp_servers: dict[str, McpServer] = Field(default_factory=dict)
    start_timeout: Milliseconds = 30_000
    """From the start of its process until it says what it can do."""
    open_timeout: Milliseconds = 60_000
    """Until it has opened a conversation."""
    cancel_timeout: Milliseconds = 10_000
    """From the request to end a turn until it has; then its process is stopped."""
    close_timeout: Milliseconds = 3_000
    """From the end of the conversation until it has gone by itself; then its process is stopped."""


class Budget(_Section):
    """How much may be used up. What agents do not report is not counted."""

    tokens: int | None = Field(default=None, ge=0)
    """Input and output together."""
    usd: float | None = Field(default=None, ge=0, le=1_000_000)
    warn_at: float = Field(default=0.8, gt=0, le=1)
    """The part of it after which to warn."""


class Budgets(_Section):
    """How much all agents together may use up."""

    session: Budget = Budget()
    day: Budget = Budget()
    """From midnight to midnight, UTC."""


class Profile(_Section):
    """A configured kind of agent."""

    adapter: AdapterName = "command"
    """What understands its agents: an exit code, a program's JSON lines, or the Agent Client Protocol."""
    command: str | tuple[str, ...] = ()
    """The program a task's prompt is given to: `{prompt}` in an argument is replaced. Or what `cw spawn` runs."""
    description: str = ""
    role: str = ""
    domain: str = ""
    capabilities: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    """Set for its processes. Values are treated as secrets: they never reach the log."""
    pass_env: tuple[str, ...] = ()
    """Names of variables handed on from our own environment; their values are treated as secrets too."""
    plain_env: tuple[str, ...] = ()
    """As `pass_env`, for values that are no secrets and may be recorded."""
    workspace: str = "."
    """Where it works, relative to the project."""
    min: int = Field(default=0, ge=0)
    max: int = Field(default=4, ge=1)
    idle_timeout: Milliseconds = 300_000
    """An idle agent above `min` leaves after this."""
    acquire_timeout: Milliseconds = 30_000
    """How long a spawn waits for room under the limits."""
    conversation: Conversation = Conversation()
    permissions: Permissions = Permissions()
    wire: bool = True
    """Whether the raw records of its protocol are kept."""
    timeout: Milliseconds | None = None
    """For tasks that set none."""
    budget: Budget = Budget()
    """For all its agents together, in a session."""
    tools: bool = False
    """Whether its agents may use our tools, over MCP. The address is in `CW_TOOLS_URL`, and in their arguments where
    `{tools_url}` stands; the bearer token is in `CW_TOOLS_TOKEN`. Agents of the Agent Client Protocol always may.
    """
    may_spawn: bool = False
    """Whether its agents may spawn agents and enqueue shell commands without asking the user."""
    restart: Restart = Restart()

    @property
    def needs_prompt(self) -> bool:
        """Whether its agents run only with a task's prompt; others can also be spawned to run on their own."""
        in_shell = isinstance(self.command, str) and "CW_PROMPT" in self.command
        return self.adapter.startswith("jsonl:") or in_shell or _mentions(self.command, PROMPT)

    @model_validator(mode="after")
    def _check_limits(self) -> Profile:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is larger than max ({self.max})")
        return self

    @model_validator(mode="after")
    def _check_command(self) -> Profile:
        if isinstance(self.command, tuple) and _pastes_prompt(self.command):
            raise ValueError('a prompt must not become a part of a shell line; use "$CW_PROMPT" there')
        if self.adapter == "jsonl:mini" and self.command and not _mentions(self.command, RECORDS):
            raise ValueError(f"its program writes its records into a file: name it as {RECORDS} in an argument")
        if TOOLS_URL in "".join(self.command) and not self.tools:
            raise ValueError(f"{TOOLS_URL} is the address of our tools, which this profile is not given: tools = true")
        return self


def _mentions(command: str | tuple[str, ...], what: str) -> bool:
    return not isinstance(command, str) and any(what in part for part in command)


def _pastes_prompt(command: tuple[str, ...]) -> bool:
    """Whether it is a shell whose script, the argument after `-c`, has the prompt in it."""
    shell = bool(command) and re.fullmatch(r"(ba|da|z|k|fi)?sh", Path(command[0]).name)
    pairs = pairwise(command[1:])
    return bool(shell) and any(re.fullmatch(r"-\w*c\w*", option) and PROMPT in script for option, script in pairs)


class Retry(_Section):
    """The backoff between a task's attempts: full jitter over an exponentially growing limit."""

    backoff: Milliseconds = 1_000
    max_backoff: Milliseconds = 60_000


class Tools(_Section):
    """How far agents may go with the tools we give them."""

    max_depth: int = Field(default=3, ge=0)
    """Agents that may stand between the user and what an agent enqueues or spawns; 0: agents may do neither."""
    max_per_agent: int = Field(default=50, ge=0)
    """Tasks and agents, together, that one agent may add in a session."""
    max_per_session: int = Field(default=500, ge=0)
    """Tasks and agents, together, that all agents may add in a session."""
    max_artifact_bytes: int = Field(default=4 * 1024 * 1024, ge=0)
    """Of one artifact."""
    max_artifacts_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    """Of all artifacts that agents store in a session."""


class Config(_Section):
    """Everything the project configures."""

    max_agents: int = Field(default=4, ge=1)
    """Agents of all profiles together."""
    tenant: str = "local"
    """Stands in every event, from the next start on."""
    retry: Retry = Retry()
    budget: Budgets = Budgets()
    tools: Tools = Tools()
    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Keys of the dashboard's actions, by the action's name."""
    profiles: dict[str, Profile] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _go_on_from_known(cls, given: object) -> object:
        """A profile that has a name we know, and no command, changes what we know."""
        profiles = cast("dict[str, object]", given).get("profiles") if isinstance(given, dict) else None
        if not isinstance(profiles, dict):
            return cast("object", given)
        merged = {name: _known_and(name, settings) for name, settings in cast("dict[str, object]", profiles).items()}
        return {**cast("dict[str, object]", given), "profiles": merged}

    @model_validator(mode="after")
    def _add_built_in(self) -> Config:
        for name, profile in BUILT_IN.items():
            self.profiles.setdefault(name, profile)
        return self

    def profile(self, name: str) -> Profile | None:
        """The profile of that name, configured or built in."""
        return self.profiles.get(name)

    def check_work(self, title: str, profile_name: str, *, has_command: bool) -> None:
        """Look whether an agent of the profile can do a task.

        Raises:
            PlanError: the profile does not exist, or has no command to give a prompt to.
        """
        profile = self.profile(profile_name)
        if profile is None:
            known = ", ".join(sorted(self.profiles))
            raise PlanError(f"task {title!r}: there is no profile {profile_name!r}; there are {known}")
        if not has_command and not profile.command:
            raise PlanError(f"task {title!r}: profile {profile_name!r} has no command to give a prompt to")


def _known_and(name: str, settings: object) -> object:
    if not isinstance(settings, dict) or "command" in settings:
        return cast("object", settings)
    return {**KNOWN.get(name, {}), **cast("dict[str, object]", settings)}


KNOWN: Mapping[str, Mapping[str, object]] = {
    "shell": {"description": "runs a task's command", "max": 64, "role": "shell"}, **KNOWN_AGENTS,
}  # fmt: skip
"""Settings of the profiles that are there without any configuration."""

BUILT_IN: Mapping[str, Profile] = {name: Profile.model_validate(settings) for name, settings in KNOWN.items()}


def plain(error: ErrorDetails) -> str:
    """What is wrong with a value, and what to write instead."""
    return _PLAIN.get(error["type"]) or error["msg"].removeprefix("Value error, ")


_PLAIN = {
    "extra_forbidden": "there is no such key",
    "string_type": "write text, in quotes",
    "tuple_type": 'write a list, like ["one", "two"]',
    "dict_type": "write a table",
    "model_type": "write a table",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "string_too_short": "write at least one character",
}
