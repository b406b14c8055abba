"""The log against a model, with a fuse: killed between any two steps, nothing acknowledged is missing or in two.

Appends, batches of them, repeated ids, forks and reads in any order. What was under way when the fuse blew is there
whole or not at all. `CW_STORIES` raises the number of stories.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from fakes.fuse import Fuse, Fused, left_behind
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.errors import LogError, VersionConflict
from core.events import Append, TaskCreated
from core.history import Timeline
from core.log import EventLog, connection

STORIES = int(os.environ.get("CW_STORIES", "25"))
STEPS = 30

Told = tuple[str, str]
"""Stream and title of an event."""
FUSES = st.none() | st.none() | st.integers(0, 12)
STREAMS = st.sampled_from(["task/a", "task/b", "agent/a"])


class Story(RuleBasedStateMachine):
    """One log and what ought to be in it: per branch what it tells, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.fuse = Fused.fuse = Fuse()
        self.told: dict[str, list[Told]] = {"main": []}
        self.lives, self.titles, self.ids = count(), count(), count(1)
        self.unanswered: tuple[str, list[Append], list[UUID]] | None = None
        self.loop = asyncio.Runner()
        self.path = self.home / "0" / "events.db"
        self.path.parent.mkdir()

    @initialize()
    def begin(self) -> None:
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.log = self.run(self.stack.enter_async_context(EventLog.open(self.path)))
        self.after = self.home / str(next(self.lives) + 1) / "events.db"
        self.fuse.arm(None, self.path, self.after)

    def run(self, doing: Awaitable[object]):
        async def wait() -> object:
            return await doing

        return self.loop.run(wait())

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.loop.close()
        shutil.rmtree(self.home)

    # -- what is done, and what ought to be so then -----------------------------------------------------------

    def facing(self, fuse: int | None, doing: Callable[[], Awaitable[object]]) -> bool:
        """Do it with a fuse; whether it was answered. After a blow it goes on with what was left."""
        self.fuse.arm(fuse, self.path, self.after)
        try:
            self.run(doing())
        except LogError:
            if not self.fuse.blown:
                raise
        answered = not self.fuse.blown
        if not answered:
            self.go_on_with_what_was_left()
        else:
            self.fuse.arm(None, self.path, self.after)
        return answered

    def go_on_with_what_was_left(self) -> None:
        self.run(self.stack.aclose())
        self.path = self.after
        self.open()

    def read(self, branch: str) -> list[Told]:
        async def read() -> list[Told]:
            return [
                (event.stream, event.payload.title)
                async for event in self.log.read(branch=branch)
                if isinstance(event.payload, TaskCreated)
            ]

        return self.run(read())

    def some(self, streams: list[str]) -> tuple[list[Append], list[Told]]:
        told = [(stream, f"event {next(self.titles)}") for stream in streams]
        return [Append(stream, [TaskCreated(title=title)]) for stream, title in told], told

    def version(self, branch: str, stream: str) -> int:
        return sum(of == stream for of, _ in self.told[branch])

    @rule(streams=st.lists(STREAMS, min_size=1, max_size=4), fuse=FUSES, data=st.data())
    def append(self, streams: list[str], fuse: int | None, data: st.DataObject) -> None:
        branch = data.draw(st.sampled_from(sorted(self.told)))
        appends, told = self.some(streams)
        ids = [UUID(int=next(self.ids)) for _ in told]
        if self.facing(fuse, lambda: self.log.append_many(appends, branch=branch, event_ids=ids)):
            self.told[branch] += told
            return
        self.unanswered = branch, appends, ids
        now = self.read(branch)
        assert now in (self.told[branch], [*self.told[branch], *told])
        self.told[branch] = now

    @rule()
    def repeat_what_was_not_answered(self) -> None:
        if self.unanswered is None:
            return
        branch, appends, ids = self.unanswered
        told = [(append.stream, event.title) for append in appends for event in append.events]
        self.run(self.log.append_many(appends, branch=branch, event_ids=ids))
        if told[0] not in self.told[branch]:
            self.told[branch] += told
        self.unanswered = None

    @rule(streams=st.lists(STREAMS, min_size=2, max_size=6), fuse=FUSES, data=st.data())
    def append_all_at_once(self, streams: list[str], fuse: int | None, data: st.DataObject) -> None:
        """Several callers whose appends share transactions: each is answered, or there whole or not at all."""
        branch = data.draw(st.sampled_from(sorted(self.told)))
        calls = [self.some([stream, stream]) for stream in streams]
        answers: list[object] = []

        async def all_of_them() -> None:
            appending = (self.log.append_many(appends, branch=branch) for appends, _ in calls)
            answers.extend(await asyncio.gather(*appending, return_exceptions=True))

        self.facing(fuse, all_of_them)
        answered = [told for (_, told), answer in zip(calls, answers, strict=True) if isinstance(answer, list)]
        now = self.read(branch)
        before, after = now[: len(self.told[branch])], now[len(self.told[branch]) :]
        assert before == self.told[branch]
        assert [after[at : at + 2] for at in range(0, len(after), 2)] == [told for _, told in calls if told[0] in after]
        assert all(told[0] in after for told in answered)
        self.told[branch] = now

    @rule(stream=STREAMS, off=st.integers(-1, 1), fuse=FUSES, data=st.data())
    def append_where_the_stream_is_thought_to_be(
        self, stream: str, off: int, fuse: int | None, data: st.DataObject
    ) -> None:
        branch = data.draw(st.sampled_from(sorted(self.told)))
        expected = self.version(branch, stream) + off
        ((append,), told) = self.some([stream])
        refused: list[VersionConflict] = []

        async def try_it() -> None:
            try:
                await self.log.append(stream, append.events, branch=branch, expected_version=expected)
            except VersionConflict as conflict:
                refused.append(conflict)

        answered = self.facing(fuse, try_it)
        now = self.read(branch)
        if refused or off:
            assert off or not answered
            assert now == self.told[branch]
        elif answered:
            assert now == [*self.told[branch], *told]
        else:
            assert now in (self.told[branch], [*self.told[branch], *told])
        self.told[branch] = now

    @rule(fuse=FUSES, data=st.data())
    def fork(self, fuse: int | None, data: st.DataObject) -> None:
        parent = data.draw(st.sampled_from(sorted(self.told)))
        at = data.draw(st.integers(0, self.run(self.log.head(parent))))
        name = f"fork-{next(self.titles)}"

        async def shared() -> list[Told]:
            events = self.log.read(branch=parent, up_to=at)
            return [(one.stream, one.payload.title) async for one in events if isinstance(one.payload, TaskCreated)]

        told = self.run(shared()) if at else []
        if not self.facing(fuse, lambda: self.log.fork(name, parent=parent, at=at, request_id=name)):
            if name not in {branch.name for branch in self.run(self.log.branches())}:
                return
            assert self.run(self.log.fork(name, parent=parent, at=at, request_id=name)).name == name
        self.told[name] = told

    @rule()
    def be_killed(self) -> None:
        self.fuse.blow()
        self.go_on_with_what_was_left()

    @rule()
    def close_and_open(self) -> None:
        self.run(self.stack.aclose())
        left_behind(self.path, self.after)
        self.path = self.after
        self.open()

    @invariant()
    def every_branch_tells_what_was_acknowledged(self) -> None:
        assert {branch.name for branch in self.run(self.log.branches())} == set(self.told)
        for branch, told in self.told.items():
            assert self.read(branch) == told
            assert branch == "main" or self.run(self.log.version(f"branch/{branch}", branch)) == 1
            for stream in ("task/a", "task/b", "agent/a"):
                assert self.run(self.log.version(stream, branch)) == self.version(branch, stream)

    @invariant()
    def the_chain_holds_and_nothing_is_cut_off(self) -> None:
        found = self.run(self.log.verify())
        assert found.good, found.reason
        assert found.anchored is not None or found.events == 0

    @invariant()
    def the_past_is_the_fold(self) -> None:
        async def same() -> bool:
            timeline = Timeline(self.log)
            head = await self.log.head()
            return await timeline.state_at(head) == await timeline.state_at(head, cold=True)

        assert self.run(same())


def test_whatever_is_done_and_whenever_it_is_killed_nothing_acknowledged_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fused(uri: str) -> sqlite3.Connection:
        made = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False,
            factory=Fused if uri.endswith("mode=rw") else sqlite3.Connection,
        )  # fmt: skip
        made.execute(f"PRAGMA busy_timeout = {connection.BUSY_TIMEOUT_MS}")
        return made

    monkeypatch.setattr(connection, "_connect", fused)
    story = settings(max_examples=STORIES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Story, settings=story)
