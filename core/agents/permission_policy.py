"""What may be done without asking, and which of an agent's options says what. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from core.agents.records import text_at
from core.config import Permissions
from core.events import PermissionOption, PermissionRequested

Answer = Literal["allow", "deny"]


def by_policy(settings: Permissions, asked: PermissionRequested) -> Answer | None:
    """The answer of the profile; None when somebody has to be asked."""
    names = _names(asked)
    if _any_matches(settings.deny, names):
        return "deny"
    if _any_matches(settings.allow, names):
        return "allow"
    return None if settings.policy == "ask" else settings.policy


def option_for(options: Iterable[PermissionOption], answer: Answer) -> PermissionOption | None:
    """The option that says it, once rather than for ever; chosen by its kind, never by its place. None: not offered."""
    wanted = ("allow_once", "allow_always") if answer == "allow" else ("reject_once", "reject_always")
    by_kind = {option.kind: option for option in reversed(list(options))}
    return next((by_kind[kind] for kind in wanted if kind in by_kind), None)


def likeness(asked: PermissionRequested) -> tuple[str, ...]:
    """What makes two requests the same to somebody who said `always`: the tool and the call, by name."""
    return tuple(_names(asked))


def _names(asked: PermissionRequested) -> list[str]:
    names = (text_at(asked.input, "name"), text_at(asked.input, "kind"), asked.tool_name)
    return [name for name in names if name]


def _any_matches(patterns: Iterable[str], names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
