"""A message that reached nobody: its agent had finished, or had never listened."""

from __future__ import annotations

from core.events import StepFailed, StoredEvent


def undelivered(message: StoredEvent) -> StepFailed:
    """What is recorded instead of the turn it would have been."""
    return StepFailed(
        step_id=f"message-{message.position}", error="the message was not delivered: the agent had finished"
    )
