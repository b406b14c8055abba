"""Waiting for a screen to be done with what it was asked for."""

from __future__ import annotations

from textual.pilot import Pilot

from tui.app import CodewalkersApp

ROUNDS = 400  # of letting the app go on; only a test that fails needs them all


async def settled(pilot: Pilot[int]) -> None:
    """Return when nothing is under way any more, except an open dialog's wait for its answer."""
    app = pilot.app
    assert isinstance(app, CodewalkersApp)
    for _ in range(ROUNDS):
        await pilot.pause()
        dialog = app.screen is not app.dashboard
        if all(worker.is_finished or (dialog and worker.group == "keys") for worker in app.workers):
            return
    raise AssertionError(f"still under way: {[worker for worker in app.workers if not worker.is_finished]}")
