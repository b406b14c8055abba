"""A message that reached nobody: its agent had finished or had never listened, or may not begin another turn."""

from __future__ import annotations

from core.events import StepFailed, StoredEvent

FINISHED = "the agent had finished"


def undelivered(message: StoredEvent, why: str = FINISHED) -> StepFailed:
    """What is recorded instead of the turn it would have been."""
    return StepFailed(step_id=f"message-{message.position}", error=f"the message was not delivered: {why}")
