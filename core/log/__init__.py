"""The event log: append-only, durable, gap-free, hash-chained; one writer, many readers.

Invariant: `append` returns when the events are on disk; what it returned is never changed, lost or reordered.
Order is the position; time only labels it. Forbidden here: knowing what any event means.
"""

from core.events import Append, StoredEvent
from core.log.branches import Branch
from core.log.event_log import EventLog
from core.log.reader import Snapshot
from core.log.statistics import LogStats
from core.log.streams import StreamSummary
from core.log.verify import Verification

__all__ = ["Append", "Branch", "EventLog", "LogStats", "Snapshot", "StoredEvent", "StreamSummary", "Verification"]
