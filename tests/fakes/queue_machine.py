"""What the queue promises, whatever happens in whatever order, crashes included: a machine that plays and checks."""

from __future__ import annotations

from fakes.playing import CONFIG, Game, Player
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.events import (
    StoredEvent,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskLost,
    TaskRequeued,
    TaskStaleResult,
)
from core.events.envelope import to_us
from core.projections import State, Task, fold
from core.projections.moves import IN_FLIGHT, MOVES, may
from core.scheduling.policy import alive, in_flight, settle
from core.scheduling.queue import QueueIndex

STEPS = 35
ENDS = (TaskCompleted, TaskFailed, TaskLost, TaskCancelled, TaskRequeued)
"""What ends an attempt that is in flight."""

which = st.integers(0, 30)


class Queue(RuleBasedStateMachine):
    """Users, the scheduler, agents and crashes, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.game = Game()
        self.checked = State.empty()
        self.stored: list[bytes] = []
        self.ended: set[tuple[str, int]] = set()

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.game.end()

    @property
    def state(self) -> State:
        return self.game.journal.state

    def task(self, number: int) -> str | None:
        names = sorted(self.state.tasks, key=lambda name: int(name[2:]))
        return names[number % len(names)] if names else None

    def player(self, number: int) -> Player | None:
        players = list(self.game.playing.values())
        return players[number % len(players)] if players else None

    # -- the user ---------------------------------------------------------------------------------------------

    @rule(
        needs=st.lists(which, max_size=2), priority=st.integers(-1, 1), most=st.integers(1, 3),
        profile=st.sampled_from(["shell", "shell", "other"]), idempotent=st.booleans(),
        delay=st.sampled_from([0, 0, 0, 15_000]),
    )  # fmt: skip
    def enqueue(self, needs: list[int], priority: int, most: int, profile: str, idempotent: bool, delay: int) -> None:
        depends_on = [task for number in needs if (task := self.task(number))]
        self.game.do(
            self.game.commands.enqueue(
                command="x", depends_on=depends_on, priority=priority, max_attempts=most, profile=profile,
                idempotent=idempotent, delay_ms=delay,
            )
        )  # fmt: skip

    @rule(shape=st.sampled_from([[[], [0]], [[], [0], [0], [1, 2]], [[], [], [0, 1]]]))
    def plan(self, shape: list[list[int]]) -> None:
        tables = [{"id": str(n), "run": "x", "depends_on": [str(m) for m in needs]} for n, needs in enumerate(shape)]
        self.game.do(self.game.commands.enqueue_plan(tables))

    @rule(number=which, force=st.booleans(), running=st.booleans())
    def cancel(self, number: int, force: bool, running: bool) -> None:
        player = self.player(number) if running else None
        if task := player.task_id if player else self.task(number):
            self.game.ask(self.game.commands.cancel_task(task, force=force))

    @rule(number=which, asked=st.sampled_from(["pause", "resume", "retry_task"]))
    def pause_resume_or_retry(self, number: int, asked: str) -> None:
        task = self.task(number)
        if task and self.state.tasks[task].status not in IN_FLIGHT:
            self.game.ask(getattr(self.game.commands, asked)(task))

    @rule(number=which, priority=st.integers(-2, 2))
    def change_priority(self, number: int, priority: int) -> None:
        if task := self.task(number):
            self.game.ask(self.game.commands.set_priority(task, priority))

    @precondition(lambda self: alive(self.state))
    @rule(number=which)
    def stop_an_agent(self, number: int) -> None:
        agents = alive(self.state)
        self.game.stop_agent(agents[number % len(agents)].id)

    # -- the scheduler ----------------------------------------------------------------------------------------

    @rule(steps=st.sampled_from(["settle", "staff", "claim", "settle staff claim"]))
    def schedule(self, steps: str) -> None:
        if "settle" in steps:
            self.game.settle()
        if "staff" in steps:
            self.game.do(self.game.scheduler._staff())
        if "claim" in steps:
            self.game.do(self.game.scheduler._dispatch())

    @rule(seconds=st.sampled_from([1, 20, 600]))
    def time_passes(self, seconds: int) -> None:
        self.game.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def the_clock_is_set(self, seconds: int) -> None:
        self.game.clock.jump(seconds)

    # -- agents -----------------------------------------------------------------------------------------------

    @rule(number=which, twice=st.booleans())
    def go_on(self, number: int, twice: bool) -> None:
        for player in [self.player(number)] * (1 + twice):
            if player:
                self.game.do(player.go_on())

    @rule(number=which, outcome=st.sampled_from(["completed", "completed", "failed", "failed", "lost"]))
    def end(self, number: int, outcome: str) -> None:
        if player := self.player(number):
            self.game.conclude(player, outcome)

    @rule(number=which, outcome=st.sampled_from(["completed", "failed", "failed"]))
    def run_a_whole_attempt(self, number: int, outcome: str) -> None:
        self.game.clock.advance(60)
        self.schedule("settle staff claim")
        if player := self.player(number):
            self.game.do(player.go_on())
            self.game.do(player.go_on())
            self.game.conclude(player, outcome)

    @rule(number=which)
    def fail_for_good(self, number: int) -> None:
        if player := self.player(number):
            self.game.conclude(player, "failed", retryable=False)

    @precondition(lambda self: self.game.ghosts)
    @rule(number=which, outcome=st.sampled_from(["completed", "failed"]))
    def end_too_late(self, number: int, outcome: str) -> None:
        again = [ghost for ghost in self.game.ghosts if self.state.tasks[ghost.task_id].status in IN_FLIGHT]
        ghosts = again or self.game.ghosts
        ghost = ghosts[number % len(ghosts)]
        before = self.state.tasks[ghost.task_id]
        self.game.do(ghost.conclude_too_late(outcome))
        after = self.state.tasks[ghost.task_id]
        assert after.stale_results == before.stale_results + 1, "it is kept"
        assert after.status == before.status, "and not applied"

    # -- the end of a session ---------------------------------------------------------------------------------

    @rule()
    def crash_and_recover(self) -> None:
        flying = in_flight(self.state)
        self.game.crash()
        self.game.open()
        assert self.game.desk.recovered is not None
        self.check_what_recovery_did(flying)

    def check_what_recovery_did(self, flying: list[Task]) -> None:
        after = self.game.reopened_with
        assert in_flight(after) == []
        assert alive(after) == []
        for task in flying:
            status = after.tasks[task.id].status
            if task.cancel_requested:
                assert status == "cancelled"
            elif task.status == "claimed" and status == "queued":
                assert after.tasks[task.id].losses in {task.losses, task.losses + 1}
            else:
                assert status == "queued" if task.idempotent and task.losses < 3 else "lost"

    @rule()
    def quit_and_return(self) -> None:
        self.game.quit()
        self.game.open()
        assert self.game.desk.recovered is None
        assert in_flight(self.state) == []

    @rule()
    def come_to_rest(self) -> None:
        """Nothing waits for anything that has happened already, and who waits says for what."""
        self.game.come_to_rest()
        now = self.game.clock.now()
        for task in self.state.tasks.values():
            assert settle(task, now, self.state, CONFIG.retry, lambda limit: limit) is None
            assert task.status != "failed"
            if task.status == "scheduled":
                assert task.run_at_us is not None
                assert task.run_at_us > to_us(now)
            if task.status == "blocked":
                assert task.reason or self.can_go_on(task), "it waits for something alive or says for what"
                assert task.waiting_on == tuple(
                    needed for needed in dict.fromkeys(task.depends_on)
                    if self.state.task_outcome(needed) != "completed"
                )  # fmt: skip

    def can_go_on(self, task: Task) -> bool:
        """Whether all it waits for may still complete without anybody's help."""
        for needed in task.waiting_on:
            other = self.state.tasks[needed]
            if other.status in {"dead-lettered", "cancelled", "lost"}:
                return False
            if other.status == "blocked" and not self.can_go_on(other):
                return False
        return True

    # -- what always holds ------------------------------------------------------------------------------------

    def check(self) -> None:
        """All of it, for who plays by hand."""
        self.every_move_is_legal_and_the_live_state_is_the_fold_of_the_log()
        self.an_agent_has_one_task_and_a_task_one_agent()
        self.the_index_knows_what_the_state_knows()

    @invariant()
    def every_move_is_legal_and_the_live_state_is_the_fold_of_the_log(self) -> None:
        for event in self.read_on():
            task = self.checked.tasks.get(event.aggregate_id) if event.stream.startswith("task/") else None
            if task is not None:
                self.check_move(task, event)
            self.checked = fold(self.checked, event)
        assert self.checked.to_json() == self.state.to_json()

    def read_on(self) -> list[StoredEvent]:
        """What was appended since; and what was stored before is there still."""

        async def read() -> list[StoredEvent]:
            return [event async for event in self.game.journal.log.read()]

        events = self.game.do(read())
        ids = [event.event_id_bytes for event in events]
        assert ids[: len(self.stored)] == self.stored
        fresh = events[len(self.stored) :]
        self.stored = ids
        return fresh

    def check_move(self, task: Task, event: StoredEvent) -> None:
        payload = event.payload
        born = task.version == 1  # the second event puts a new task where it belongs
        if type(payload) in MOVES and not born:
            assert may(task, type(payload)), f"{task.id} is {task.status}: {payload}"
        if isinstance(payload, TaskClaimed):
            assert (payload.attempt, payload.fence) == (task.attempt + 1, task.fence + 1)
        if isinstance(payload, ENDS) and task.status in IN_FLIGHT:
            assert (task.id, task.fence) not in self.ended, "an attempt ends once"
            self.ended.add((task.id, task.fence))
            if task.cancel_requested:
                assert isinstance(payload, TaskCancelled | TaskCompleted), "what was cancelled is not tried again"
        if isinstance(payload, TaskFailed):
            assert task.failures < task.max_attempts
        if isinstance(payload, TaskStaleResult):
            assert payload.fence <= task.fence

    @invariant()
    def an_agent_has_one_task_and_a_task_one_agent(self) -> None:
        flying = in_flight(self.state)
        holders = [task.agent_id for task in flying]
        assert len(holders) == len({*holders})
        assert {*holders} == {*self.game.playing}
        assert len(alive(self.state)) <= CONFIG.max_agents
        for agent in alive(self.state):
            assert (agent.task_id is not None) == (agent.id in self.game.playing)

    @invariant()
    def the_index_knows_what_the_state_knows(self) -> None:
        fresh, followed = QueueIndex(self.state), self.game.scheduler._index
        for longest in (False, True):
            for profiles in (["shell"], ["other"], ["shell", "other"]):
                assert followed.best(self.state, profiles, longest_waiting=longest) == fresh.best(
                    self.state, profiles, longest_waiting=longest
                )


def play(games: int) -> None:
    how = settings(max_examples=games, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Queue, settings=how)
