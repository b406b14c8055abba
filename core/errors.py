"""Every error a user can meet, on one screen.

Each class says when it is raised and what to do about it; the numbers stay on the error as attributes, and
`exit_code` is what `cw` exits with when nothing else handles it (1 work failed, 2 usage or configuration,
3 the log cannot be opened or is owned by somebody else).

    CodewalkersError
    ├── LogError
    │   ├── VersionConflict       another writer appended to the stream first
    │   ├── DuplicateEvent        an event id is already used for something else
    │   ├── InvalidEvent          the event does not survive its own encoding
    │   ├── PayloadTooLarge       store an artifact and refer to it
    │   ├── UnknownBranch
    │   ├── BranchExists
    │   ├── LogClosed             the log was closed, or its writer died
    │   ├── LogReadOnly           this handle may only read
    │   ├── StorageFailed         the disk is full or broken; nothing was stored
    │   │   └── LogVanished       somebody removed or replaced the file while it was open
    │   └── CannotOpen
    │       ├── LogOwned          another process is writing
    │       ├── NotOurDatabase
    │       └── NewerSchema
    ├── UsageError
    │   ├── ConfigError           codewalkers.toml
    │   ├── PlanError             a plan file, or a task that cannot be enqueued
    │   ├── NotFound              no task, agent, profile … of that name
    │   └── IllegalMove           the task or agent is not in a state that allows it
    └── RunError
        ├── NoCapacity            no agent became free in time
        ├── Refused               an agent asked for more than it may have
        └── LaunchFailed          the process could not be started
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class CodewalkersError(Exception):
    """The root of every error this program raises on purpose; its text is one sentence for the user."""

    exit_code: ClassVar[int] = 1


class LogError(CodewalkersError):
    """Something about the event log."""


class VersionConflict(LogError):
    """Another writer appended to the stream first. Read it again, decide again, retry."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream!r} is at version {actual}, expected {expected}; nothing was stored")
        self.stream, self.expected, self.actual = stream, expected, actual


class DuplicateEvent(LogError):
    """Some of the given event ids are already stored, for other events. Use fresh ids."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event id {event_id} is already used by another event; nothing was stored")
        self.event_id = event_id


class InvalidEvent(LogError):
    """The event cannot be encoded, or does not decode back to its own type. Mend the event."""

    def __init__(self, event_type: str, reason: str) -> None:
        super().__init__(f"{event_type} is not valid: {reason}; nothing was stored")
        self.event_type, self.reason = event_type, reason


class PayloadTooLarge(LogError):
    """The encoded payload is over the limit. Store an artifact first and refer to it."""

    def __init__(self, event_type: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{event_type} is {size_bytes:,} bytes, the limit is {limit_bytes:,}; store an artifact and refer to it"
        )
        self.event_type, self.size_bytes, self.limit_bytes = event_type, size_bytes, limit_bytes


class UnknownBranch(LogError):
    """No branch of that name exists. `cw branches` lists them."""

    exit_code = 2

    def __init__(self, branch: str) -> None:
        super().__init__(f"there is no branch {branch!r}")
        self.branch = branch


class BranchExists(LogError):
    """A branch of that name was made by another request. Choose another name."""

    exit_code = 2

    def __init__(self, branch: str) -> None:
        super().__init__(f"a branch named {branch!r} already exists; choose another name")
        self.branch = branch


class LogClosed(LogError):
    """The log was closed while something still wanted to use it."""

    def __init__(self) -> None:
        super().__init__("the event log is closed")


class LogReadOnly(LogError):
    """This handle was opened for reading."""

    exit_code = 3

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was opened read-only")
        self.path = path


class StorageFailed(LogError):
    """The disk refused: full, read-only, failing, or the file is gone. What was not acknowledged is not stored."""

    exit_code = 3

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot write {path}: {reason}; what was acknowledged before is safe")
        self.path, self.reason = path, reason


class LogVanished(StorageFailed):
    """The log's file was removed or replaced while open; what it held was saved beside it when that was possible."""

    def __init__(self, path: str, rescued: str | None) -> None:
        saved = f"everything acknowledged was saved to {rescued}" if rescued else "it could not be saved"
        super().__init__(path, f"the file was removed or replaced; {saved}")
        self.rescued = rescued


class CannotOpen(LogError):
    """The log cannot be opened; nothing was changed."""

    exit_code = 3

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot open {path}: {reason}; nothing was changed")
        self.path, self.reason = path, reason


class LogOwned(CannotOpen):
    """Another process owns the log. Use that one, or quit it first; reading commands work meanwhile."""

    def __init__(self, path: str, pid: int | None) -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(path, f"{owner} owns it; use that one or quit it first")
        self.pid = pid


class NotOurDatabase(CannotOpen):
    """The file exists and is not a Codewalkers log. Move it away or choose another directory."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "it is not a Codewalkers log; move it away or choose another directory")


class NewerSchema(CannotOpen):
    """The log was written by a newer version. Upgrade Codewalkers."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(path, f"it has schema {found} and this version knows {known}; upgrade Codewalkers")
        self.found, self.known = found, known


class UsageError(CodewalkersError):
    """The request cannot be right as it stands."""

    exit_code = 2


class Mistake(NamedTuple):
    """One thing that is wrong with what somebody wrote: where, and what to do about it."""

    path: tuple[str | int, ...]
    """Keys from the outside in; empty when it is about all of it."""
    what: str
    file: str = ""
    """Or the name of an environment variable."""
    line: int | None = None

    @property
    def key(self) -> str:
        """The key as it is written."""
        return ".".join(map(str, self.path))

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(filter(None, (place, self.key, self.what)))


class ConfigError(UsageError):
    """The configuration is wrong; the message names file, line and key of the first mistake, `mistakes` has all."""

    def __init__(self, first: Mistake, *others: Mistake) -> None:
        more = f" (and {len(others)} more: `cw config check` names all)" if others else ""
        super().__init__(f"{first}{more}")
        self.mistakes = (first, *others)


class PlanError(UsageError):
    """A plan or a task in it is wrong; the message names what, and where when it came from a file."""


class NotFound(UsageError):
    """No such task, agent, profile, request … The message says what was looked for."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind, self.name = kind, name


class IllegalMove(UsageError):
    """The task or agent is in a state that does not allow what was asked."""

    def __init__(self, subject: str, status: str, move: str) -> None:
        super().__init__(f"{subject} is {status} and cannot be {move}")
        self.subject, self.status, self.move = subject, status, move


class RunError(CodewalkersError):
    """Something about a running process."""


class NoCapacity(RunError):
    """No agent became free in time; nothing was started. The message says which limit held it back."""


class Refused(RunError):
    """An agent asked for more than the limits or the user allow. The message says which limit, or who refused."""


class LaunchFailed(RunError):
    """The process could not be started; nothing was left behind."""
