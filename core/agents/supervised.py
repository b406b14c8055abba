"""One process of an agent: started, talked with, ended, its end awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext

from msgspec.structs import replace

from core.agents.adapter import Adapter
from core.agents.command import Prepared
from core.agents.context import Context
from core.agents.decoding import Outcome
from core.agents.offer import Offer
from core.agents.recording import Recording
from core.concurrency import task_group
from core.errors import LaunchFailed
from core.events import StoredEvent
from core.processes import Run, RunExit


class SupervisedProcess:
    """`async with running()`, then `finish` it. Orders given before it exists are carried out once it does."""

    def __init__(
        self,
        context: Context,
        prepared: Prepared,
        adapter: Adapter,
        recording: Recording,
        offer: Offer = nullcontext,
    ) -> None:
        self._context, self._prepared, self._offer = context, prepared, offer
        self._adapter, self._recording = adapter, recording
        self._run: Run | None = None
        self._stop = self._kill = self._suspended = False

    @property
    def last_words(self) -> str:
        """The last line it printed, error output first."""
        return self._recording.last_words

    @property
    def last_output(self) -> str:
        """The last line of its standard output."""
        return self._recording.last_output

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Run, None]:
        """Start it for the length of an `async with`: whatever makes us leave, nothing of it stays.

        Raises:
            LaunchFailed: nothing was left behind.
        """
        async with self._offer(self._prepared.spec) as spec:
            try:
                run = self._run = await self._context.runner.start(spec)
            except LaunchFailed as failed:
                raise LaunchFailed(self._recording.redacted(str(failed))) from failed
            try:
                if self._kill:
                    run.kill()
                elif self._stop:
                    run.stop()
                elif self._suspended:
                    run.suspend()
                yield run
            finally:
                run.kill()  # harmless when it is over

    async def finish(self) -> tuple[RunExit, Outcome | None]:
        """Talk with the running process and record what it says, until its whole tree is gone.

        Returns how it ended, and how what it did ended if its protocol says so.
        """
        if self._run is None:
            raise RuntimeError("the process was never started")
        # The output ends soon after the run: its runner lets go of what a stranger still holds.
        async with self._recording.storing(), task_group() as tasks:
            talk = tasks.create_task(self._adapter.talk(self._run, self._recording), name="talk")
            tasks.create_task(self._recording.stderr(self._run.stderr), name="record stderr")
            end, outcome = await self._run.wait(), await talk
        if outcome is not None:
            outcome = replace(outcome, text=self._recording.redacted(outcome.text))
        return end, outcome

    def stop(self, *, force: bool) -> None:
        """End it gently: by the adapter's way, else by the stop ladder. Or kill it at once."""
        self._stop, self._kill = True, self._kill or force
        if self._run is None:
            return
        if force:
            self._run.kill()
        elif not self._adapter.leave():
            self._run.stop()

    def react(self, event: StoredEvent) -> bool:
        """Tell the adapter what others appended to the execution's stream; whether it sees to it."""
        return self._adapter.react(event)

    def suspend(self) -> None:
        """Freeze the whole tree."""
        self._suspended = True
        if self._run is not None:
            self._run.suspend()

    def resume(self) -> None:
        """Let the whole tree go on."""
        self._suspended = False
        if self._run is not None:
            self._run.resume()
