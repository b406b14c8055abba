"""Real agents: where they come from, and what they are told so that they talk to our model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from core.config import Profile

KEY = "key-canary-51c0d2"
"""What agents are given as the key of their model; it must not be seen anywhere."""


def goose(directory: Path, home: Path, model: str) -> Profile:
    """It asks before each tool call."""
    program = installed(directory, "@aaif/goose-binary-linux-x64@1.52.0", "goose")
    environment = {
        "GOOSE_PROVIDER": "openai", "OPENAI_HOST": model, "OPENAI_API_KEY": KEY, "GOOSE_MODEL": "stub-1",
        "GOOSE_MODE": "approve", "GOOSE_DISABLE_KEYRING": "1",
    }  # fmt: skip
    return _profile([str(program), "acp", "--with-builtin", "developer"], home, environment)


def opencode(directory: Path, home: Path, model: str) -> Profile:
    """It asks before it uses a shell or changes a file."""
    program = installed(directory, "opencode-ai@1.18.33", "opencode")
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{model}/v1", "apiKey": KEY},
                "models": {"stub-1": {}}}  # fmt: skip
    settings = {"provider": {"stub": provider}, "model": "stub/stub-1", "permission": {"bash": "ask", "edit": "ask"}}
    _write(home / ".config" / "opencode" / "opencode.json", settings)
    return _profile([str(program), "acp"], home, {})


def gemini(directory: Path, home: Path, model: str) -> Profile:
    """It asks before it does anything."""
    program = installed(directory, "@google/gemini-cli@0.61.0", "gemini")
    _write(home / ".gemini" / "settings.json", {"security": {"auth": {"selectedType": "gemini-api-key"}}})
    environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": model, "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    return _profile([str(program), "--acp"], home, environment)


AGENTS: Mapping[str, Callable[[Path, Path, str], Profile]] = {"goose": goose, "opencode": opencode, "gemini": gemini}


def installed(directory: Path, package: str, program: str) -> Path:
    """The program of an npm package, installed there unless it is there already."""
    if not (directory / "node_modules").exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, package]
        subprocess.run(command, check=True)
    linked = directory / "node_modules" / ".bin" / program
    if linked.exists():
        return linked
    return next(path for path in (directory / "node_modules").rglob(f"bin/{program}") if path.is_file())


def _profile(command: list[str], home: Path, environment: Mapping[str, str]) -> Profile:
    conversation = {"start_timeout": "2m", "open_timeout": "2m"}  # this machine may be busy
    return Profile.model_validate({
        "adapter": "acp", "command": command, "env": {"HOME": str(home), **environment}, "conversation": conversation,
    })  # fmt: skip


def _write(path: Path, settings: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(settings))
