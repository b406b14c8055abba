"""History: the state at any position, and the log's index that the timeline is drawn from.

Viewing is pure: nothing here appends, starts a process or writes a file.
"""

from core.history.timeline import Timeline

__all__ = ["Timeline"]
