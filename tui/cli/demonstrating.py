"""`cw demo`: see it work without configuring anything."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

import typer

from core.engine import Engine
from core.events import AgentOutput, StoredEvent
from core.plan import Plan
from core.projections import State, Task
from core.settings import Settings
from tui.cli.dashboard import has_terminal, open_dashboard
from tui.cli.headless import INTERRUPTED, Headless, Narrator
from tui.cli.invocation import current
from tui.cli.printing import say
from tui.cli.running import HeadlessOption, MaxAgents, configured
from tui.demo import MEANT_TO_FAIL, demo_plan, make_demo

_SHOWN = 4  # lines of one burst of output; a screenful of somebody's linter would hide everything else
_GOES_ON = frozenset({"queued", "scheduled"})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)


def demo(headless: HeadlessOption = False, max_agents: MaxAgents = None) -> None:
    """Watch four agents bring a small project to its release: two minutes, real processes, no keys, no network."""
    path = current.directory = make_demo()
    settings, plan = configured(current.project, max_agents), demo_plan(path)
    if not headless and has_terminal():
        code = open_dashboard(settings=settings, plan=plan)
    else:
        most = settings.read().config.max_agents
        say(f"{len(plan.tasks)} tasks, at most {most} agents, two minutes with four, in {path}")
        say()
        code = asyncio.run(run_demo(path, settings, plan))
    _say_what_next(path, interrupted=code == INTERRUPTED)
    raise typer.Exit(code)


async def run_demo(path: Path, settings: Settings, plan: Plan) -> int:
    """Run the plan and stream it; the exit code says whether everything went as it was meant to, failures included."""
    async with Engine.open(path, settings=settings) as engine, Headless(engine, _Guide()) as headless:
        ids = (await engine.commands.enqueue_plan(plan)).values()
        code = await headless.until_over(list(ids))
        tasks = engine.queries.state.tasks
        return code if code == INTERRUPTED else int(bool(_surprises([tasks[task_id] for task_id in ids])))


class _Guide(Narrator):
    """Tells it briefly, and says which failures were on purpose."""

    def tell(self, event: StoredEvent, state: State) -> None:
        payload = event.payload
        if not isinstance(payload, AgentOutput) or payload.is_raw or len(payload.lines) <= _SHOWN:
            super().tell(event, state)
            return
        left_out = f"… {len(payload.lines) - 2:,} more lines, all in the log"
        for line in (payload.lines[0], left_out, payload.lines[-1]):
            self._line(event, payload.task_id, f"| {line}")

    def sum_up(self, tasks: Sequence[Task]) -> None:
        say()
        say(f"{len(tasks)} tasks: {sum(task.status == 'completed' for task in tasks)} completed")
        if any(task.status in _GOES_ON for task in tasks):
            return  # interrupted: it is too early to say
        surprises = _surprises(tasks)
        failed = [task for task in tasks if task.status != "completed" and task not in surprises]
        _list(f"{len(failed)} did not, and were meant not to:", failed)
        _list("This was not meant to happen:", surprises)


def _surprises(tasks: Sequence[Task]) -> list[Task]:
    """Tasks that ended otherwise than they were meant to."""
    return [task for task in tasks if (task.status == "completed") == (MEANT_TO_FAIL in task.labels)]


def _list(heading: str, tasks: Sequence[Task]) -> None:
    if tasks:
        say(heading)
    for task in tasks:
        why = task.error or task.reason or f"waits for {', '.join(task.waiting_on)}"
        say(f"  {task.id:<5} {task.status:<14} {task.title:<30} {why}")


def _say_what_next(path: Path, *, interrupted: bool) -> None:
    here = shlex.quote(str(path))
    say()
    say(f"Everything is kept in {path}. What to try now:")
    commands = {f"cw -C {here} run": "go on where it stopped"} if interrupted else {}
    commands |= {
        f"cw -C {here}": "go back in time: , and . step, e finds the failures",
        f"cw -C {here} tasks": "how each task ended",
        f"cw -C {here} events --type task:failed": "every failed attempt, and why",
        f"cw -C {here} verify": "nothing in the log was changed since",
        f"git -C {here} log --oneline --graph": "what the agents committed",
        f"cw -C {here} run {here}/plan.toml": "all of it once more",
    }
    width = max(map(len, commands))
    for command, what in commands.items():
        say(f"  {command:<{width}}  {what}")
