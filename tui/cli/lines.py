"""An event as one line of text, for lists on a plain terminal."""

from __future__ import annotations

from core.events import StoredEvent
from tui.cli.printing import local_time
from tui.telling import tell


def event_line(event: StoredEvent) -> str:
    """Position, time, stream, type and what it says."""
    return f"{event.position:>7}  {local_time(event.recorded_us)}  {event.stream:<18} {event.type:<22} {tell(event)}"
