"""What is different between two states: records that came, went or changed, and how much was done and spent. Pure.

It does not matter which of them is older, nor whether they are of one branch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from core.events import AnyEvent
from core.history.files import FilesChanged
from core.projections import Draft, State, fold_into

KINDS = (
    "tasks", "agents", "permissions", "memory", "workspaces", "checkpoints", "locks", "signals", "budgets", "profiles",
    "swarm", "sessions", "executions",
)  # fmt: skip
"""The mappings of a state that are compared, most telling first. Bookmarks are about the log, not in it."""

UNTOLD = frozenset(
    {"version", "last_position", "position", "last_output_us", "since_us", "queued_position", "finished_position",
     "stored_us", "requested_us", "snapshot_position", "fence", "executions", "execution_id", "pid_started_at",
     "shim_pid", "boot_id", "before_pause"}
)  # fmt: skip
"""Fields that follow from others, or change with every event and say nothing by themselves."""


class FieldChange(Struct, frozen=True):
    """One field of a record. Times are microseconds since 1970, money millionths of a dollar."""

    name: str
    before: object
    after: object


class RecordChange(Struct, frozen=True, kw_only=True):
    """One record that is in one of the states only, or not the same in both."""

    kind: str
    """One of `KINDS`."""
    id: str
    change: Literal["added", "changed", "removed"]
    title: str = ""
    status_before: str | None = None
    status_after: str | None = None
    fields: tuple[FieldChange, ...] = ()
    """What else is different, in the order of the record's fields; of records in both states only."""


class Moment(Struct, frozen=True):
    """Which state it is."""

    branch: str
    position: int
    recorded_us: int
    """When its last event became durable; 0 before the first."""


class Amount(Struct, frozen=True):
    """Something that is counted."""

    name: str
    before: int
    after: int


class StateDiff(Struct, frozen=True, kw_only=True):
    """All differences of two states."""

    before: Moment
    after: Moment
    totals: tuple[Amount, ...]
    """Over everything that ever happened: events, output, tokens, millionths of a dollar."""
    tasks: tuple[Amount, ...]
    """Tasks by status, dropped ones included."""
    agents: tuple[Amount, ...]
    """Agents by status."""
    files: FilesChanged = FilesChanged()
    """As far as the log tells, between two moments of one branch."""
    records: tuple[RecordChange, ...]
    """By kind in the order of `KINDS`, then in the order they came into being."""

    def of(self, kind: str) -> tuple[RecordChange, ...]:
        """The records of one kind."""
        return tuple(change for change in self.records if change.kind == kind)


def diff(
    before: State, after: State, *, branches: tuple[str, str] = ("main", "main"), files: FilesChanged | None = None
) -> StateDiff:
    """What is different in `after`; the states are of these branches."""
    return StateDiff(
        before=Moment(branches[0], before.position, before.recorded_us),
        after=Moment(branches[1], after.position, after.recorded_us),
        files=FilesChanged() if files is None else files,
        totals=_totals(before, after),
        tasks=_amounts(before.task_counts, after.task_counts),
        agents=_amounts(_agents(before), _agents(after)),
        records=tuple(changes(before, after)),
    )


def changes(before: State, after: State) -> Iterator[RecordChange]:
    """The records that are different."""
    for kind in KINDS:
        yield from _of_kind(kind, before, after)


def changes_by(event: AnyEvent, before: State) -> Iterator[RecordChange]:
    """The records one event changes, without looking at any other."""
    draft = Draft(before)
    fold_into(draft, [event])
    after = draft.finished()
    for kind in KINDS:
        touched: Mapping[str, object] = getattr(draft, kind).changes
        yield from _told(kind, [*touched], before, after)


def _of_kind(kind: str, before: State, after: State) -> Iterator[RecordChange]:
    old: Mapping[str, Struct] = getattr(before, kind)
    new: Mapping[str, Struct] = getattr(after, kind)
    if old is new:
        return
    different = [key for key, record in new.items() if (was := old.get(key)) is not record and was != record]
    different += [key for key in old if key not in new]
    yield from _told(kind, different, before, after)


def _told(kind: str, keys: Iterable[str], before: State, after: State) -> Iterator[RecordChange]:
    """Those of the records that really are different, in the order they came into being."""
    old: Mapping[str, Struct] = getattr(before, kind)
    new: Mapping[str, Struct] = getattr(after, kind)
    for key in sorted(keys, key=lambda key: (_position(new.get(key) or old.get(key)), key)):
        was, record = old.get(key), new.get(key)
        change = None if was == record else _change(kind, key, was, record, before, after)
        if change is not None:
            yield change


def _change(
    kind: str, key: str, old: Struct | None, new: Struct | None, before: State, after: State
) -> RecordChange | None:
    known = new or old
    title = _title(known)
    if old is None or new is None:
        # A task that ended long ago has no record any more, but is not gone.
        outcome = (before if old is None else after).outcomes.get(key) if kind == "tasks" else None
        went = "changed" if outcome is not None else "added" if old is None else "removed"
        return RecordChange(
            kind=kind, id=key, change=went, title=title,
            status_before=outcome if old is None else _status(old),
            status_after=outcome if new is None else _status(new),
        )  # fmt: skip
    fields = tuple(_fields(old, new))
    if not fields and _status(old) == _status(new):
        return None
    return RecordChange(
        kind=kind, id=key, change="changed", title=title, status_before=_status(old), status_after=_status(new),
        fields=fields,
    )  # fmt: skip


def _fields(old: Struct, new: Struct) -> Iterator[FieldChange]:
    was, now = asdict(old), asdict(new)
    for name in was:
        if was[name] != now[name] and name not in UNTOLD and name != "status":
            yield FieldChange(name, was[name], now[name])


def _title(record: Struct | None) -> str:
    return str(getattr(record, "title", "") or getattr(record, "label", "") or getattr(record, "tool_name", ""))


def _status(record: Struct) -> str:
    return str(getattr(record, "status", ""))


def _position(record: Struct | None) -> int:
    return int(getattr(record, "position", 0))


def _totals(before: State, after: State) -> tuple[Amount, ...]:
    names = ("events", "tasks", "agents", "output_lines", "input_tokens", "output_tokens", "cost_usd_micros")
    return tuple(Amount(name, getattr(before.totals, name), getattr(after.totals, name)) for name in names)


def _agents(state: State) -> Mapping[str, int]:
    return Counter(agent.status for agent in state.agents.values())


def _amounts(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Amount, ...]:
    names = sorted({*before, *after})
    return tuple(
        Amount(name, before.get(name, 0), after.get(name, 0))
        for name in names
        if before.get(name, 0) or after.get(name, 0)
    )
