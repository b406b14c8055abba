"""Agent processes: where they live, how they end, what they print.

Invariants: every process we start dies with us, because its parent is a shim holding a life pipe to us; a run
is over only when its whole tree is empty; output is read in chunks and never gathered without a bound.
Forbidden here: the log, events, tasks, anything that knows why a process runs.
"""

from core.processes.ports import Graces, Run, RunExit, Runner, RunSpec

__all__ = ["Graces", "Run", "RunExit", "RunSpec", "Runner"]
