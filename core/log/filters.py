"""Which events a reader wants, and which positions, as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from core.events.envelope import to_us

SAID = (
    "(CASE WHEN NOT json_valid(payload) THEN payload"
    " WHEN type = 'agent:output' AND json_extract(payload, '$.channel') IN ('wire-in', 'wire-out') THEN ''"
    " ELSE (SELECT group_concat(atom, char(10)) FROM json_tree(payload) WHERE type = 'text' AND fullkey <> '$.channel')"
    " END)"
)
"""What an event says, as SQL: every text in its payload, but not what was exchanged word for word and is told in
other events, and not by which channel it came."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which events of a lineage are wanted; None lets everything through."""

    streams: tuple[str, ...] | None = None
    aggregate_types: tuple[str, ...] | None = None
    stream_globs: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    session_id: str | None = None
    tenant_id: str | None = None
    since_us: int | None = None
    before_us: int | None = None
    words: tuple[str, ...] = ()
    """All of them occur in what the event says, letters of ASCII in either case."""

    @classmethod
    def of(
        cls,
        *,
        streams: Iterable[str] | None = None,
        aggregate_types: Iterable[str] | None = None,
        types: Iterable[str] | None = None,
        session_id: str | None = None,
        tenant_id: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> Filter:
        """The filter of `EventLog.read`'s arguments."""
        return cls(
            streams=None if streams is None else tuple(streams),
            aggregate_types=None if aggregate_types is None else tuple(aggregate_types),
            types=None if types is None else tuple(types),
            session_id=session_id,
            tenant_id=tenant_id,
            since_us=None if since is None else to_us(since),
            before_us=None if before is None else to_us(before),
        )

    def condition(self, *, by_stream: bool = True) -> tuple[str, list[object]]:
        """The filter as SQL and its parameters. `+stream` keeps the planner in the order of positions."""
        parts: list[str] = []
        values: list[object] = []
        if self.streams is not None:
            parts.append(f"{'' if by_stream else '+'}stream IN ({', '.join('?' * len(self.streams))})")
            values += self.streams
        if self.aggregate_types is not None:
            parts.append(_any("+stream GLOB ?", len(self.aggregate_types)))
            values += [f"{name}/*" for name in self.aggregate_types]
        if self.stream_globs is not None:
            parts.append(_any("+stream GLOB ?", len(self.stream_globs)))
            values += self.stream_globs
        if self.types is not None:
            parts.append(_any("type GLOB ?", len(self.types)))
            values += self.types
        for column, value in (
            ("session_id = ?", self.session_id),
            ("tenant_id = ?", self.tenant_id),
            ("recorded_at >= ?", self.since_us),
            ("recorded_at < ?", self.before_us),
        ):
            if value is not None:
                parts.append(column)
                values.append(value)
        for word in self.words:
            parts.append(
                f"payload LIKE ? ESCAPE '!' AND {SAID} LIKE ? ESCAPE '!'"
            )  # the first is quick, and lets all by
            values += [f"%{_escaped(_as_json(word))}%", f"%{_escaped(word)}%"]
        return " AND ".join(parts) or "TRUE", values


EVERYTHING = Filter()


class Span(Struct, frozen=True):
    """A range of positions: `after` exclusive, `up_to` inclusive."""

    after: int
    up_to: int


def _any(condition: str, times: int) -> str:
    return f"({' OR '.join([condition] * times)})" if times else "FALSE"


def _as_json(word: str) -> str:
    return msgspec.json.encode(word).decode()[1:-1]


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
