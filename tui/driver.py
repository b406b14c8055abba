"""The terminal, which may stall or go away while agents run: nobody waits for it.

Textual writes in a thread, through a queue that blocks the event loop when it is full. Here the loop runs on: what a
stalled terminal cannot take is left out, and the whole screen is drawn again when it can; a terminal that is gone
ends the program as a hangup does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from queue import Full
from typing import IO

from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

STOP_LIMIT_S = 2.0  # for the last words to a terminal that has stalled


class PatientWriter(WriterThread):
    """Writes what it can; its `write` never blocks."""

    def __init__(self, file: IO[str], gone: Callable[[], None], caught_up: Callable[[], None]) -> None:
        super().__init__(file)
        self._gone, self._caught_up = gone, caught_up
        self._missed = False

    def write(self, text: str) -> None:
        try:
            self._queue.put_nowait(text)
        except Full:
            self._missed = True

    def run(self) -> None:
        alive = True
        while (text := self._queue.get()) is not None:
            if alive and not (alive := self._written(text)):
                self._gone()
            if self._missed and self._queue.empty():
                self._missed = False
                self._caught_up()

    def _written(self, text: str) -> bool:
        try:
            self._file.write(text)
            if self._queue.empty():
                self._file.flush()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        try:
            self._queue.put(None, timeout=STOP_LIMIT_S)
        except Full:
            return  # it waits for the terminal for as long as the program lives
        self.join(STOP_LIMIT_S)


class TerminalDriver(LinuxDriver):
    """Textual's driver with a patient writer."""

    @property
    def _writer_thread(self) -> PatientWriter | None:
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, thread: WriterThread | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  Textual makes it, we make ours of it
        self._writer: PatientWriter | None = None
        if thread is not None and self._file is not None:
            self._loop = asyncio.get_running_loop()
            self._writer = PatientWriter(self._file, _hang_up, self._draw_anew)

    def _draw_anew(self) -> None:
        with suppress(RuntimeError):  # the loop has ended: so has the drawing
            self._loop.call_soon_threadsafe(self._refresh)

    def _refresh(self) -> None:
        app: App[object] = self._app
        app.screen.refresh(layout=True)


def _hang_up() -> None:
    os.kill(os.getpid(), signal.SIGHUP)
