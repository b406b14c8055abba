"""What our libraries have to say goes to a file of the project, never to the terminal, and never blocks the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue

LOGGERS = ("mcp", "uvicorn", "core.api")
LARGEST_BYTES = 1024 * 1024  # of the file; the one before it is kept


@asynccontextmanager
async def written_to(path: Path) -> AsyncGenerator[None, None]:
    """For the length of an `async with`, warnings and errors of those who serve are written to the file."""
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(queue)
    writing, listener = await asyncio.to_thread(_begin, path, queue)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
        await asyncio.to_thread(_stop, listener, writing)


def _begin(path: Path, queue: SimpleQueue[logging.LogRecord]) -> tuple[logging.Handler, QueueListener]:
    writing = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=1, delay=True, encoding="utf-8")
    writing.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    listener = QueueListener(queue, writing)
    listener.start()
    return writing, listener


def _stop(listener: QueueListener, writing: logging.Handler) -> None:
    listener.stop()
    writing.close()
