"""Which process exactly: a pid alone names another process tomorrow.

Invariant: no signal leaves this module without the identity having been compared just before. Forbidden here:
guessing; what cannot be compared is not signalled. All of it asks the kernel: call it from a thread in async code.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from pathlib import Path

import psutil
from msgspec import Struct

from core.processes import shim


class Identity(Struct, frozen=True, kw_only=True):
    """One process of one boot of this machine; no other ever had it or will."""

    pid: int
    pid_started_at: int
    """Clock ticks since boot on Linux, microseconds since 1970 elsewhere."""
    boot_id: str


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None when nobody has."""
    start = started_at(pid)
    return None if start is None else Identity(pid=pid, pid_started_at=start, boot_id=boot_id())


def is_alive(identity: Identity) -> bool:
    """Whether this process still runs; one that ended and waits to be buried does not."""
    if identify(identity.pid) != identity:
        return False
    if sys.platform == "linux":
        row = shim.look(identity.pid)
        return row is not None and not row[2]
    try:
        return psutil.Process(identity.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it ended just now
        return False


def started_at(pid: int) -> int | None:
    """When the kernel says this process started, as in `Identity`; None when there is none."""
    if sys.platform == "linux":
        row = shim.look(pid)
        return int(row[1]) if row else None
    try:
        return round(psutil.Process(pid).create_time() * 1_000_000)
    except psutil.Error:  # gone, or not ours to ask about
        return None


def send_signal(identity: Identity, signum: int) -> bool:
    """Signal this very process; False when it is gone, not ours, or somebody else has its pid."""
    if identify(identity.pid) != identity:
        return False
    return shim.signal_exactly(identity.pid, str(identity.pid_started_at), signum)


@functools.cache
def boot_id() -> str:
    """A name for this boot of the machine. Linux: random(4); macOS: `sysctl kern.bootsessionuuid`."""
    if sys.platform == "linux":
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    size = ctypes.c_size_t(64)
    answer = ctypes.create_string_buffer(size.value)
    if ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", answer, ctypes.byref(size), None, ctypes.c_size_t(0)):
        return f"{os.uname().nodename}-{psutil.boot_time():.0f}"  # a BSD: as stable as its wall clock
    return answer.value.decode()
