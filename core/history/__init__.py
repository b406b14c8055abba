"""History: the state at any position, and the log's index that the timeline is drawn from.

Viewing is pure: nothing here appends or starts a process, and the one file written here, by the log's owner, holds
only what can be made again from the log.
"""

from core.history.indexer import Indexer
from core.history.timeline import Timeline

__all__ = ["Indexer", "Timeline"]
