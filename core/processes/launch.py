"""Why a process could not be started, in one clear sentence each.

Invariant: every way in which a launch can fail ends in `LaunchFailed`. Forbidden here: starting anything.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import LaunchFailed
from core.processes.ports import RunSpec
from core.processes.reports import Failed


def check_spec(spec: RunSpec) -> None:
    """Refuse what no system call can express.

    Raises:
        LaunchFailed: an argument, the directory or the environment cannot be handed to a process.
    """
    if not spec.argv or not spec.argv[0]:
        raise LaunchFailed("cannot start a process: no program was named")
    if not spec.marker:
        raise LaunchFailed(f"{_cannot(spec)}: its run has no marker")
    for what, text in _texts(spec):
        if "\0" in text:
            raise LaunchFailed(f"{_cannot(spec)}: {what} contains a NUL character")
        try:
            os.fsencode(text)
        except UnicodeEncodeError as error:
            raise LaunchFailed(f"{_cannot(spec)}: {what} contains a character that has no bytes") from error
    for name in spec.env:
        if not name or "=" in name:
            raise LaunchFailed(f"{_cannot(spec)}: {name!r} cannot name an environment variable")


def _texts(spec: RunSpec) -> Iterator[tuple[str, str]]:
    """Everything that is handed over, with a name that gives no secret away."""
    yield "the directory", spec.cwd
    yield "the marker", spec.marker
    for place, argument in enumerate(spec.argv):
        yield f"argument {place}" if place else "its name", argument
    for name, value in spec.env.items():
        yield "the name of an environment variable", name
        yield f"the environment variable {name!r}", value


def agent_refused(spec: RunSpec, report: Failed) -> LaunchFailed:
    """The shim ran and the agent did not."""
    return LaunchFailed(f"{_cannot(spec)}: {_agent_reason(spec, report)}")


def shim_refused(spec: RunSpec, error: OSError) -> LaunchFailed:
    """Not even the shim ran."""
    return LaunchFailed(f"{_cannot(spec)}: {_system_reason(error.errno or 0)}")


def shim_died(spec: RunSpec, last_words: str) -> LaunchFailed:
    """The shim ended before it said how the agent's start went."""
    told = f" and said: {last_words}" if last_words else " without a word"
    return LaunchFailed(f"{_cannot(spec)}: the process that starts it ended first{told}")


def shim_silent(spec: RunSpec, limit_s: float) -> LaunchFailed:
    """The shim did not say in time how the agent's start went."""
    return LaunchFailed(f"{_cannot(spec)}: it did not start within {limit_s:g} s")


def closed(spec: RunSpec) -> LaunchFailed:
    """The runner takes nothing any more."""
    return LaunchFailed(f"{_cannot(spec)}: the runner is closed")


def _cannot(spec: RunSpec) -> str:
    return f"cannot start {spec.argv[0]!r}"


def _agent_reason(spec: RunSpec, report: Failed) -> str:
    if report.step == "cwd":
        return f"its directory {spec.cwd!r} {_DIRECTORY.get(report.errno) or os.strerror(report.errno)}"
    if report.step == "program" and report.errno == errno.ENOENT:
        return _missing(spec)
    if report.step == "program" and report.errno in _PROGRAM:
        return _PROGRAM[report.errno]
    return _system_reason(report.errno)


def _missing(spec: RunSpec) -> str:
    program = spec.argv[0]
    if "/" not in program:
        return f"there is no such program in PATH ({spec.env.get('PATH', os.defpath)})"
    if Path(spec.cwd, program).exists():
        return "the interpreter its first line names does not exist"
    return "there is no such file"


def _system_reason(number: int) -> str:
    return _SYSTEM.get(number) or f"the system refuses: {os.strerror(number)}"


_DIRECTORY = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a directory",
    errno.EACCES: "may not be entered",
}
_PROGRAM = {
    errno.EACCES: "it is not executable",
    errno.ENOEXEC: "it is neither a binary nor a script with a first line that names its interpreter",
    errno.ENOTDIR: "there is no such file",
}
_SYSTEM = {
    errno.E2BIG: "its arguments and environment are larger than this system allows",
    errno.EMFILE: "this program has too many files open",
    errno.ENFILE: "this machine has too many files open",
    errno.EAGAIN: "this user has too many processes",
    errno.ENOMEM: "this machine is out of memory",
}
