"""Which files changed in a stretch of history, as the log tells it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from core.events import StoredEvent, WorkspaceFilesChanged


class FilesChanged(Struct, frozen=True):
    """Paths by workspace and path; a file that came and went again is in none of them."""

    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unlisted: int = 0
    """How many more changes there were than paths that were recorded."""

    @property
    def count(self) -> int:
        """How many there are altogether."""
        return len(self.added) + len(self.modified) + len(self.deleted) + self.unlisted

    def reversed(self) -> FilesChanged:
        """The same, told backwards."""
        return FilesChanged(self.deleted, self.modified, self.added, self.unlisted)


def files_changed(events: Iterable[StoredEvent]) -> FilesChanged:
    """What the workspaces' events add up to. Paths are `workspace/path` when there are several workspaces."""
    known: dict[tuple[str, str], str] = {}
    unlisted = 0
    for event in events:
        payload = event.payload
        if not isinstance(payload, WorkspaceFilesChanged):
            continue
        for change, paths in (("added", payload.added), ("modified", payload.modified), ("deleted", payload.deleted)):
            for path in paths:
                _note(known, (event.aggregate_id, path), change)
        unlisted += max(0, payload.count - len(payload.added) - len(payload.modified) - len(payload.deleted))
    several = len({workspace for workspace, _ in known}) > 1
    names: dict[str, list[str]] = {"added": [], "modified": [], "deleted": []}
    for (workspace, path), change in sorted(known.items()):
        names[change].append(f"{workspace}/{path}" if several else path)
    return FilesChanged(tuple(names["added"]), tuple(names["modified"]), tuple(names["deleted"]), unlisted)


def _note(known: dict[tuple[str, str], str], file: tuple[str, str], change: str) -> None:
    match known.get(file), change:
        case "added", "deleted":
            del known[file]
        case "added", _:
            pass
        case "deleted", "added":
            known[file] = "modified"
        case _:
            known[file] = change
