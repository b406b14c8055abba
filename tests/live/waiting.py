"""Waiting for what real agents do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import watchfiles
from fakes.stage import PATIENCE_S


async def until_made(file: Path) -> None:
    """Return when somebody has made the file."""
    async with asyncio.timeout(PATIENCE_S):
        async for _ in watchfiles.awatch(
            file.parent, step=50, debounce=100, yield_on_timeout=True, rust_timeout=500, recursive=False
        ):
            if file.exists():
                return
