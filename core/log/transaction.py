"""What happens inside one write transaction: plan a batch of appends, insert it, commit.

Everything here runs in the writer's thread, one call at a time. Since nobody else writes, heads are kept in
memory: the last position, the last hash of each branch, the version of recently used streams. They change only
after a commit, so a transaction that fails leaves them true.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import Struct

from core.errors import BranchExists, DuplicateEvent, LogError, UnknownBranch, VersionConflict
from core.events.envelope import Payload, StoredEvent
from core.ids import uuid7_bytes
from core.log.anchor import Head
from core.log.branches import Branch, Branches, Lineage
from core.log.chain import GENESIS, link, payload_digest
from core.log.rows import COLUMNS, INSERT, Labels, Row, header, stored

VERSIONS_KEPT = 50_000  # streams whose version is remembered; others cost one indexed lookup


class Fact(Struct, frozen=True):
    """An event that has passed validation."""

    text: str
    payload: Payload


class StreamAppend(Struct, frozen=True):
    """Facts for one stream."""

    stream: str
    facts: Sequence[Fact]
    expected_version: int | None
    cause: int | None


class Request(Struct, frozen=True):
    """One call of `append` or `append_many`."""

    appends: Sequence[StreamAppend]
    branch: str
    event_ids: Sequence[bytes] | None
    actor: str
    session_id: str
    tenant_id: str
    correlation_id: bytes | None
    causation_id: int | None

    def count(self) -> int:
        """How many events it holds."""
        return sum(len(append.facts) for append in self.appends)

    def size(self) -> int:
        """How many characters of payload it holds."""
        return sum(len(fact.text) for append in self.appends for fact in append.facts)


Outcome = list[StoredEvent] | LogError


class Transactions:
    """The units of work of the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, committed: Callable[[Head], None]) -> None:
        """Go on where the log ends; `committed` is told where that is after every commit."""
        self.branches = load_branches(connection)
        self._committed = committed
        (self.position,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        self._versions: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._hashes: dict[str, bytes] = {}

    def commit(self, connection: sqlite3.Connection, requests: Sequence[Request], now_us: int) -> list[Outcome]:
        """Store a batch in one transaction: per request its events, or why it alone was refused.

        Raises:
            sqlite3.Error: nothing of the whole batch was stored.
        """
        draft = _Draft(self, connection, now_us)
        outcomes: list[Outcome] = []
        for request in requests:
            try:
                outcomes.append(draft.plan(request))
            except LogError as refused:
                outcomes.append(refused)
        if draft.rows:
            self._insert(connection, draft)
        return outcomes

    def fork(self, connection: sqlite3.Connection, branch: Branch, request: Request, now_us: int) -> list[StoredEvent]:
        """Store a branch's row and its first own event in one transaction.

        Raises:
            BranchExists, UnknownBranch: nothing was stored.
            sqlite3.Error: nothing was stored.
        """
        if self.branches.knows(branch.name):
            raise BranchExists(branch.name)
        if branch.parent is None:
            raise UnknownBranch(branch.name)
        self.branches.lineage(branch.parent)
        draft = _Draft(self, connection, now_us)
        draft.branches = Branches([*self.branches.all(), branch])
        events = draft.plan(request)
        self._insert(connection, draft, branch)
        self.branches.add(branch)
        return events

    def _insert(self, connection: sqlite3.Connection, draft: _Draft, branch: Branch | None = None) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if branch is not None:
                connection.execute(
                    "INSERT INTO branches(name, parent, at, request_id, created_at) VALUES (?, ?, ?, ?, ?)",
                    (branch.name, branch.parent, branch.at, branch.request_id, branch.created_us),
                )
            connection.executemany(INSERT, draft.rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._adopt(draft)
        self._committed(Head(draft.rows[-1][0], draft.rows[-1][13]))

    def _adopt(self, draft: _Draft) -> None:
        self.position = draft.position
        self._hashes.update(draft.hashes)
        for key, version in draft.versions.items():
            self._versions[key] = version
            self._versions.move_to_end(key)
        while len(self._versions) > VERSIONS_KEPT:
            self._versions.popitem(last=False)

    def version(self, connection: sqlite3.Connection, lineage: Lineage, stream: str) -> int:
        """The stream's version at the end of the lineage; 0 when it does not exist."""
        key = (lineage[-1].branch, stream)
        known = self._versions.get(key)
        if known is None:
            known = self._versions[key] = stream_version(connection, lineage, stream)
        return known

    def last_hash(self, connection: sqlite3.Connection, lineage: Lineage) -> bytes:
        """The hash of the lineage's last event."""
        branch = lineage[-1].branch
        known = self._hashes.get(branch)
        if known is None:
            known = self._hashes[branch] = _last_hash(connection, lineage)
        return known


class _Draft:
    """A batch being planned: rows to insert, and the heads as they will be once it is committed."""

    def __init__(self, base: Transactions, connection: sqlite3.Connection, now_us: int) -> None:
        self._base, self._connection, self._now_us = base, connection, now_us
        self.branches = base.branches
        self.position = base.position
        self.versions: dict[tuple[str, str], int] = {}
        self.hashes: dict[str, bytes] = {}
        self.rows: list[Row] = []
        self._by_id: dict[bytes, StoredEvent] = {}

    def plan(self, request: Request) -> list[StoredEvent]:
        """Add the request's rows, or return what it stored before.

        Raises:
            VersionConflict, DuplicateEvent, UnknownBranch: nothing was added.
        """
        lineage = self.branches.lineage(request.branch)
        if request.event_ids is not None:
            known = self._known(request.event_ids)
            if known:
                return _same_events(request, known)
        self._check_versions(request, lineage)
        ids = iter(request.event_ids) if request.event_ids is not None else None
        previous = self.hashes.get(request.branch) or self._base.last_hash(self._connection, lineage)
        events: list[StoredEvent] = []
        for append in request.appends:
            version = self._version(request.branch, append.stream, lineage)
            cause = append.cause or request.causation_id
            for fact in append.facts:
                version += 1
                self.position += 1
                event_id = uuid7_bytes() if ids is None else next(ids)
                row = self._row(request, append.stream, version, event_id, fact, cause, previous)
                previous = row[13]
                self.rows.append(row)
                event = StoredEvent(*row[:14], fact.payload)
                if ids is not None:
                    self._by_id[event_id] = event
                events.append(event)
                cause = self.position
            self.versions[request.branch, append.stream] = version
        self.hashes[request.branch] = previous
        return events

    def _row(
        self, request: Request, stream: str, version: int, event_id: bytes, fact: Fact, cause: int | None,
        previous: bytes,
    ) -> Row:  # fmt: skip
        payload = fact.payload
        labels: Labels = (
            self.position, request.branch, stream, version, event_id, payload.type, payload.schema_version,
            self._now_us, request.session_id, request.tenant_id, request.correlation_id, cause, request.actor,
        )  # fmt: skip
        return (*labels, link(previous, header(labels), payload_digest(fact.text)), fact.text)

    def _version(self, branch: str, stream: str, lineage: Lineage) -> int:
        drafted = self.versions.get((branch, stream))
        return self._base.version(self._connection, lineage, stream) if drafted is None else drafted

    def _check_versions(self, request: Request, lineage: Lineage) -> None:
        for append in request.appends:
            if append.expected_version is None:
                continue
            actual = self._version(request.branch, append.stream, lineage)
            if actual != append.expected_version:
                raise VersionConflict(append.stream, append.expected_version, actual)

    def _known(self, event_ids: Sequence[bytes]) -> dict[bytes, StoredEvent]:
        if len(set(event_ids)) != len(event_ids):
            raise DuplicateEvent(next(id_ for id_ in event_ids if event_ids.count(id_) > 1).hex())
        known = {id_: self._by_id[id_] for id_ in event_ids if id_ in self._by_id}
        for event_id in event_ids:
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM events WHERE event_id = ?",  # noqa: S608  constants
                (event_id,),
            ).fetchall()
            for event in stored(rows):
                known[event_id] = event
        return known


def _same_events(request: Request, known: dict[bytes, StoredEvent]) -> list[StoredEvent]:
    """The stored events of a repeated request.

    Raises:
        DuplicateEvent: it is not a repetition: some ids are new, or belong elsewhere, or are in another order.
    """
    streams = [append.stream for append in request.appends for _ in append.facts]
    ids = request.event_ids or ()
    events = [known.get(event_id) for event_id in ids]
    last = 0
    repeated: list[StoredEvent] = []
    for event_id, stream, event in zip(ids, streams, events, strict=True):
        if event is None or event.stream != stream or event.branch != request.branch or event.position <= last:
            raise DuplicateEvent(next(iter(known)).hex() if event is None else event_id.hex())
        last = event.position
        repeated.append(event)
    return repeated


def load_branches(connection: sqlite3.Connection) -> Branches:
    """All branches of the log."""
    rows = connection.execute("SELECT name, parent, at, request_id, created_at FROM branches").fetchall()
    return Branches(Branch(*row) for row in rows)


def stream_version(connection: sqlite3.Connection, lineage: Lineage, stream: str) -> int:
    """The stream's version at the end of the lineage; 0 when it does not exist."""
    for segment in reversed(lineage):
        if segment.up_to is None:
            row = connection.execute(
                "SELECT max(version) FROM events WHERE stream = ? AND branch = ?", (stream, segment.branch)
            ).fetchone()
        else:
            row = connection.execute(
                "SELECT version FROM events WHERE stream = ? AND branch = ? AND position <= ?"
                " ORDER BY version DESC LIMIT 1",
                (stream, segment.branch, segment.up_to),
            ).fetchone()
        if row is not None and row[0] is not None:
            return row[0]
    return 0


def _last_hash(connection: sqlite3.Connection, lineage: Lineage) -> bytes:
    position = lineage_head(connection, lineage)
    if not position:
        return GENESIS
    return connection.execute("SELECT hash FROM events WHERE position = ?", (position,)).fetchone()[0]


def lineage_head(connection: sqlite3.Connection, lineage: Lineage) -> int:
    """The last position of the lineage; 0 when it is empty."""
    for segment in reversed(lineage):
        # The index over forks is partial: the planner needs to be told that main is not meant.
        own = "branch = 'main'" if segment.branch == "main" else "branch <> 'main' AND branch = :branch"
        row = connection.execute(
            f"SELECT position FROM events WHERE {own} AND (:up_to IS NULL OR position <= :up_to)"  # noqa: S608  constants
            " ORDER BY position DESC LIMIT 1",
            {"branch": segment.branch, "up_to": segment.up_to},
        ).fetchone()
        if row is not None:
            return row[0]
    return 0
