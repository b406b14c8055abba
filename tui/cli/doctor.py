"""What `cw doctor` looks at. It changes nothing and starts nothing but `git --version`."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec import Struct

from core.engine import Desk
from core.errors import CodewalkersError, LogOwned
from core.known_agents import KNOWN_AGENTS
from core.log.lock import OwnerLock
from core.log.write_ahead import overgrown
from core.processes.strays import find_strays
from core.project import Project
from core.settings import load_config
from tui.text import bytes_, count

SAFE_SQLITE = (3, 51, 3)  # before it, several checkpointing processes can damage a database


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    state: Literal["good", "warn", "bad"]
    text: str


async def examine(project: Project) -> list[Finding]:
    """Look at everything."""
    here = await asyncio.to_thread(lambda: [*_machine(), *_terminal(), *_project(project)])
    return [*here, *await _log(project)]


def _machine() -> Iterator[Finding]:
    yield Finding("cw", "good", f"{version('codewalkers')} on Python {platform.python_version()}, {platform.system()}")
    if sqlite3.sqlite_version_info >= SAFE_SQLITE:
        yield Finding("sqlite", "good", sqlite3.sqlite_version)
    else:
        text = (
            f"{sqlite3.sqlite_version}: safe here, but let nothing else write .codewalkers/events.db (fixed in 3.51.3)"
        )
        yield Finding("sqlite", "warn", text)
    git = shutil.which("git")
    yield Finding("git", "good" if git else "warn", git or "not found: `cw demo` and workspaces need it")


def _terminal() -> Iterator[Finding]:
    if not sys.stdout.isatty():
        yield Finding("terminal", "warn", "none here: the dashboard needs one")
        return
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or os.environ.get("TERM", "")
    small = size.columns < 40 or size.lines < 12
    yield Finding(
        "terminal", "warn" if small else "good", f"{size.columns} by {size.lines} cells, {colours or 'no TERM'}"
    )
    encoding = sys.stdout.encoding or ""
    if encoding.lower().replace("-", "") != "utf8":
        yield Finding("encoding", "warn", f"{encoding}: set LANG to a UTF-8 locale, or glyphs are drawn in ASCII")


def _project(project: Project) -> Iterator[Finding]:
    try:
        config = load_config(project.root)
    except CodewalkersError as error:
        yield Finding("config", "bad", str(error))
    else:
        yield Finding("config", "good", f"{len(config.profiles)} profiles: {', '.join(sorted(config.profiles))}")
        programs = {
            name: profile.command[0]
            for name, profile in config.profiles.items()
            if profile.command and not isinstance(profile.command, str)
        }
        missing = {name: program for name, program in programs.items() if shutil.which(program) is None}
        known = [name for name, agent in KNOWN_AGENTS.items() if config.profiles[name].command == agent["command"]]
        yield Finding("agents", "good", _agents([name for name in known if name not in missing], known))
        for name in sorted(missing.keys() - set(known)):
            yield Finding("profile", "warn", f"{name}: {missing[name]} is not on PATH")
    if not project.ours.is_dir():
        yield Finding("project", "good", f"{project.root}: nothing here yet; the first command that writes makes it")
        return
    mode = stat.S_IMODE(project.ours.stat().st_mode)
    if mode & 0o077:
        yield Finding("project", "warn", f"{project.ours} can be read by others; chmod 700 it")
    elif not os.access(project.ours, os.W_OK):
        yield Finding("project", "bad", f"{project.ours} cannot be written by this user")
    else:
        yield Finding("project", "good", str(project.root))


def _agents(found: list[str], known: list[str]) -> str:
    absent = ", ".join(name for name in known if name not in found)
    here = f"{', '.join(found)} on PATH" if found else "none that is known by name is on PATH"
    return f"{here}; not there: {absent}" if absent else here


async def _log(project: Project) -> list[Finding]:
    if not await asyncio.to_thread(project.log.exists):
        return []
    try:
        async with Desk.observe(project.root) as desk:
            stats = await desk.journal.log.stats()
            found = [
                Finding("log", "good", f"{count(stats.events)} events, {bytes_(stats.size_bytes)}"),
                *await asyncio.to_thread(lambda: [*_write_ahead(project.log)]),
                *await asyncio.to_thread(_owner, project, desk.journal.log.log_id),
            ]
            found += await _index(desk, stats.events)
            unknown = desk.queries.state.totals.unknown_events
            if unknown:
                found.append(
                    Finding("events", "warn", f"{count(unknown)} cannot be read by this version; they are kept")
                )
            return found
    except CodewalkersError as error:
        return [Finding("log", "bad", str(error))]


async def _index(desk: Desk, events: int) -> list[Finding]:
    path, searchable = desk.timeline.file.path, await desk.timeline.searchable()
    trouble = desk.timeline.file.trouble
    if trouble is not None:
        return [Finding("index", "warn", f"{trouble}; the next `cw` makes it again, until then the past is slower")]
    if not await asyncio.to_thread(path.exists):
        return [Finding("index", "good", "none yet: `cw` makes it while it runs")]
    size = (await asyncio.to_thread(path.stat)).st_size
    return [Finding("index", "good", f"{bytes_(size)}; texts of {count(searchable)} of {count(events)} events")]


def _write_ahead(log_path: Path) -> Iterator[Finding]:
    found = overgrown(log_path)
    if found is not None:
        yield Finding("write-ahead", "warn", found.sentence)


def _owner(project: Project, log_id: str) -> list[Finding]:
    try:
        OwnerLock.acquire(project.log).release()
    except LogOwned as owned:
        return [Finding("owner", "good", f"process {owned.pid} has it open")]
    except CodewalkersError as error:
        return [Finding("owner", "bad", str(error))]
    strays = find_strays(f"{log_id}/")
    if strays:
        pids = ", ".join(str(stray.identity.pid) for stray in strays)
        return [Finding("processes", "warn", f"left over from a crash: {pids}; `cw recover` ends them")]
    return [Finding("owner", "good", "nobody has it open")]
