"""What is left of a run: every process that has its token among its arguments or in its marker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil

PATIENCE_S = 10.0
ROUND_S = 0.02


def alive(token: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _carries(process, token)]


def _carries(process: psutil.Process, token: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return token in " ".join(process.cmdline()) or token in process.environ().get("CW_RUN_ID", "")
    except psutil.Error:
        return False


def left_after(token: str, limit_s: float = PATIENCE_S) -> list[str]:
    """What lives still when all had this long to end; returns as soon as nothing does."""
    for _ in range(round(limit_s / ROUND_S)):
        left = alive(token)
        if not left:
            return []
        psutil.wait_procs(left, timeout=ROUND_S)
    return [f"{process.pid} {process.name()}" for process in alive(token)]


async def left_of(token: str, limit_s: float = PATIENCE_S) -> list[str]:
    return await asyncio.to_thread(left_after, token, limit_s)


async def until(token: str, condition: Callable[[list[psutil.Process]], bool]) -> bool:
    """Whether this came to be true of the live processes of a run before our patience ended."""

    def watch() -> bool:
        for _ in range(round(PATIENCE_S / ROUND_S)):
            processes = alive(token)
            if condition(processes):
                return True
            psutil.wait_procs(processes[:1], timeout=ROUND_S)
        return False

    return await asyncio.to_thread(watch)
