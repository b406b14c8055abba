"""One process of an agent: started, its output recorded, ended, its end awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from core.agents.command import Prepared
from core.agents.context import Context
from core.agents.output import OutputRecorder
from core.agents.redaction import Redactor
from core.concurrency import task_group
from core.errors import LaunchFailed
from core.processes import Run, RunExit


class SupervisedProcess:
    """`async with running()`, then `finish` it. Orders given before it exists are carried out once it does."""

    def __init__(
        self,
        context: Context,
        prepared: Prepared,
        agent_id: str,
        task_id: str,
        execution_id: str,
        cause: Callable[[], int | None],
    ) -> None:
        self._context, self._prepared = context, prepared
        self._redactor = Redactor(prepared.secrets)
        self._out, self._err = (
            OutputRecorder(
                context.journal, agent_id, channel, self._redactor, cause, task_id=task_id, execution_id=execution_id
            )
            for channel in ("stdout", "stderr")
        )
        self._run: Run | None = None
        self._stop = self._kill = self._suspended = False

    @property
    def last_words(self) -> str:
        """The last line it printed, error output first."""
        return self._err.last_line or self._out.last_line

    @property
    def last_output(self) -> str:
        """The last line of its standard output."""
        return self._out.last_line

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Run, None]:
        """Start it for the length of an `async with`: whatever makes us leave, nothing of it stays.

        Raises:
            LaunchFailed: nothing was left behind.
        """
        try:
            run = self._run = await self._context.runner.start(self._prepared.spec)
        except LaunchFailed as failed:
            raise LaunchFailed(self._redactor.text(str(failed))) from failed
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

    async def finish(self) -> RunExit:
        """Record the output of the running process until its whole tree is gone."""
        if self._run is None:
            raise RuntimeError("the process was never started")
        return await self._recorded(self._run)

    async def _recorded(self, run: Run) -> RunExit:
        # The output ends soon after the run: its runner lets go of what a stranger still holds.
        async with task_group() as tasks:
            tasks.create_task(self._out.record(run.stdout), name="record stdout")
            tasks.create_task(self._err.record(run.stderr), name="record stderr")
            await self._feed(run)
            return await run.wait()

    async def _feed(self, run: Run) -> None:
        if run.stdin is None or self._prepared.stdin is None:
            return
        with suppress(ConnectionError):  # it may end without reading: its exit says what that means
            run.stdin.write(self._prepared.stdin)
            await run.stdin.drain()
            run.stdin.close()

    def stop(self, *, force: bool) -> None:
        """Begin the stop ladder, or kill it at once."""
        self._stop, self._kill = True, self._kill or force
        if self._run is not None:
            self._run.kill() if force else self._run.stop()

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
