"""Structured concurrency: every task of the program belongs to a group opened here.

`asyncio.TaskGroup` wraps the exception of its own body in a group; callers of ours want the exception itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def task_group() -> AsyncGenerator[asyncio.TaskGroup, None]:
    """A `TaskGroup` whose body's exception comes out as it is, once all tasks of the group have ended.

    A task that fails cancels the body and the other tasks, and its failure comes out: alone as it is, several
    as a group.
    """
    raised: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            try:
                yield group
            except BaseException as error:
                raised = error
                raise
    except BaseExceptionGroup as failed:
        raise _chief(failed, raised) from None


def _chief(failed: BaseExceptionGroup, raised: BaseException | None) -> BaseException:
    others = [error for error in failed.exceptions if error is not raised]
    if raised is not None and not others:
        return raised
    return others[0] if len(others) == 1 else failed
