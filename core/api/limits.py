"""How much agents may add: counted per agent and for the whole session, before anything is added.

Both counts live as long as their session, and no agent outlives its session, so they are kept in memory. How deep a
chain of agents is stands in the log, because tasks do outlive a session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from core.api.callers import Caller
from core.config import Tools
from core.errors import Refused


class Allowance:
    """What agents have added in this session."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()
        self._stored_bytes = 0

    @contextmanager
    def adding(self, caller: Caller, limits: Tools) -> Generator[int, None, None]:
        """For the length of a `with`, room for one task or agent more, and its depth; it stays used unless this raises.

        Raises:
            Refused: a limit is reached.
        """
        depth = caller.depth + 1
        if depth > limits.max_depth:
            raise Refused(
                f"the chain of agents would be {depth} deep and may be {limits.max_depth}; do it yourself, or say what "
                "is left to do"
            )
        mine = self._added[caller.agent_id]
        if mine >= limits.max_per_agent:
            raise Refused(f"you have added {mine} tasks and agents in this session, which is the limit for one agent")
        everybody = self._added.total()
        if everybody >= limits.max_per_session:
            raise Refused(f"agents have added {everybody} tasks and agents in this session, which is the limit")
        self._added[caller.agent_id] += 1
        try:
            yield depth
        except BaseException:
            self._added[caller.agent_id] -= 1
            raise

    @contextmanager
    def storing(self, size_bytes: int, limits: Tools) -> Generator[None, None, None]:
        """For the length of a `with`, room for an artifact; it stays used unless this raises.

        Raises:
            Refused: a limit is reached.
        """
        if size_bytes > limits.max_artifact_bytes:
            raise Refused(f"an artifact may have {limits.max_artifact_bytes:,} bytes, and this has {size_bytes:,}")
        left = limits.max_artifacts_bytes - self._stored_bytes
        if size_bytes > left:
            raise Refused(f"the artifacts of this session may grow by {left:,} bytes, and this has {size_bytes:,}")
        self._stored_bytes += size_bytes
        try:
            yield
        except BaseException:
            self._stored_bytes -= size_bytes
            raise
