"""Real agents: where they come from, and what they are told so that they talk to our model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from core.config import BUILT_IN, Profile

KEY = "key-canary-51c0d2"
"""What agents are given as the key of their model; it must not be seen anywhere."""


class Agent(NamedTuple):
    """An agent that is installed."""

    name: str
    program: Path
    converses: tuple[str, ...]
    """Its arguments when it is to speak the Agent Client Protocol."""
    environment: Mapping[str, str]

    def conversing(self) -> Profile:
        """One that is spoken with, and asks before it does anything that matters."""
        conversation = {"start_timeout": "2m", "open_timeout": "2m"}  # this machine may be busy
        return Profile.model_validate({
            "adapter": "acp", "command": [str(self.program), *self.converses], "env": self.environment,
            "conversation": conversation,
        })  # fmt: skip

    def printing(self) -> Profile:
        """One that is given one prompt and asks nothing, as it is built in."""
        known = BUILT_IN[self.name]
        environment = {**known.env, **self.environment, "GOOSE_MODE": "auto"}
        return known.model_copy(update={"command": (str(self.program), *known.command[1:]), "env": environment})


def goose(directory: Path, home: Path, model: str) -> Agent:
    """It asks before each tool call."""
    program = installed(directory, "@aaif/goose-binary-linux-x64@1.52.0", "goose")
    environment = {
        "HOME": str(home), "GOOSE_PROVIDER": "openai", "OPENAI_HOST": model, "OPENAI_API_KEY": KEY,
        "GOOSE_MODEL": "stub-1", "GOOSE_MODE": "approve", "GOOSE_DISABLE_KEYRING": "1",
    }  # fmt: skip
    return Agent("goose", program, ("acp", "--with-builtin", "developer"), environment)


def opencode(directory: Path, home: Path, model: str) -> Agent:
    """It asks before it uses a shell or changes a file."""
    program = installed(directory, "opencode-ai@1.18.33", "opencode")
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{model}/v1", "apiKey": KEY},
                "models": {"stub-1": {}}}  # fmt: skip
    settings = {"provider": {"stub": provider}, "model": "stub/stub-1", "permission": {"bash": "ask", "edit": "ask"}}
    _write(home / ".config" / "opencode" / "opencode.json", settings)
    return Agent("opencode", program, ("acp",), {"HOME": str(home)})


def gemini(directory: Path, home: Path, model: str) -> Agent:
    """It asks before it does anything."""
    program = installed(directory, "@google/gemini-cli@0.61.0", "gemini")
    _write(home / ".gemini" / "settings.json", {"security": {"auth": {"selectedType": "gemini-api-key"}}})
    environment = {
        "HOME": str(home), "GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": model, "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }  # fmt: skip
    return Agent("gemini", program, ("--acp",), environment)


AGENTS: Mapping[str, Callable[[Path, Path, str], Agent]] = {"goose": goose, "opencode": opencode, "gemini": gemini}


def installed(directory: Path, package: str, program: str) -> Path:
    """The program of an npm package, installed there unless it is there already."""
    if not (directory / "node_modules").exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, package]
        subprocess.run(command, check=True)
    linked = directory / "node_modules" / ".bin" / program
    if linked.exists():
        return linked
    return next(path for path in (directory / "node_modules").rglob(f"bin/{program}") if path.is_file())


def _write(path: Path, settings: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(settings))
