"""Commands that tend a project: init, recover, verify, stats, doctor."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from core.config import CONFIG_NAME
from core.engine import Desk
from core.history.soundness import Soundness, check_keyframes
from core.log import Verification
from tui.cli.desks import look, own
from tui.cli.invocation import current
from tui.cli.printing import local_time, say, say_json, table
from tui.text import bytes_, count

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

TEMPLATE = """\
# Codewalkers: every key is optional, these are the defaults. A change is in force at once while `cw` runs;
# `cw config` shows what is in force, and `cw config check` all that is wrong.

# max_agents = 4                  # agents of all profiles together

# Known by name, when installed: aider claude codex gemini goose mini opencode. `cw doctor` lists what is there:
# `cw add "Mend the parser" --profile codex --prompt "…"`. Settings without a command change what is known:
# [profiles.codex]
# max = 2

# [profiles.reviewer]             # a kind of agent: `cw add "look at it" --profile reviewer --prompt "…"`
# command = ["my-agent", "--message", "{prompt}"]
# max = 2
# idle_timeout = "5m"
# timeout = "30m"                 # for tasks that set none
# pass_env = ["MY_AGENT_API_KEY"] # handed on, and kept out of the log
# [profiles.reviewer.restart]
# when = "on-failure"             # never, on-failure, always: for agents that run on their own
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (init, recover, verify, stats, doctor):
        app.command()(command)


def init(json: Json = False) -> None:
    """Make this directory a project, with a configuration to fill in."""
    project = current.project
    project.prepare()
    path = project.root / CONFIG_NAME
    fresh = not path.exists()
    if fresh:
        path.write_text(TEMPLATE, encoding="utf-8")
    if json:
        say_json({"project": str(project.root), "config": str(path), "made": fresh})
    else:
        say(f"{path} {'was written' if fresh else 'is there already'}; `cw` opens the dashboard")


def recover(json: Json = False) -> None:
    """Settle what a crash left in flight, without running anything."""

    async def act(desk: Desk) -> dict[str, object]:
        found = desk.recovered
        if found is None:
            return {"recovered": False}
        return {
            "recovered": True, "session": found.session_id, "orphans": found.orphans, "lost": found.lost,
            "requeued": found.requeued, "remaining": list(found.remaining),
        }  # fmt: skip

    found = own(act)
    if json:
        say_json(found)
    elif found["recovered"]:
        say(
            f"session {found['session']} had crashed: {found['orphans']} processes ended, "
            f"{found['lost']} attempts lost, {found['requeued']} tasks requeued"
        )
    else:
        say("there is nothing to recover")


def verify(json: Json = False) -> None:
    """Check that nothing in the log was changed, is missing or was cut off, and that keyframes are what it folds to."""

    async def check(desk: Desk) -> tuple[Verification, Soundness]:
        log = desk.journal.log
        return await log.verify(), await check_keyframes(log, desk.timeline.file)

    found, keyframes = look(check)
    good = found.good and keyframes.first_bad is None
    if json:
        fields = ("events", "first_bad", "reason", "head_hash", "anchored", "lineages")
        say_json({"good": good, **{field: getattr(found, field) for field in fields}, "keyframes": keyframes})
    else:
        _tell(found, keyframes)
    raise typer.Exit(0 if good else 1)


def _tell(found: Verification, keyframes: Soundness) -> None:
    if found.good:
        say(f"good: {count(found.events)} events, head {found.head_hash[:16]}")
    else:
        say(f"bad at {found.first_bad}: {found.reason}")
    if len(found.lineages) > 1:
        for lineage in found.lineages:
            bad = f"bad at {lineage.first_bad}: {lineage.reason}"
            say(f"  {lineage.branch}: {f'good up to {lineage.head}' if lineage.first_bad is None else bad}")
    if found.anchored is None:
        say("  no anchor beside the log: a cut end would not be noticed")
    elif found.lost:
        say("  remove events.db-anchor beside the log to go on without what is gone")
    if keyframes.first_bad is not None:
        say(f"bad: the keyframe at {keyframes.first_bad} is not what the log folds to; remove index.db beside the log")
    elif keyframes.checked:
        say(f"  {keyframes.checked} keyframes are what the log folds to")


def stats(json: Json = False) -> None:
    """Show the log in numbers."""
    found = look(lambda desk: desk.journal.log.stats())
    if json:
        say_json(found)
        return
    say(f"{count(found.events)} events in {count(found.streams)} streams on {found.branches} branches")
    say(f"{bytes_(found.size_bytes)} and {bytes_(found.wal_bytes)} of write-ahead log")
    say(f"from {local_time(found.first_us)} to {local_time(found.last_us)}")
    table(["TYPE", "EVENTS"], [[name, count(number)] for name, number in found.by_type.items()], right=(1,))


def doctor(json: Json = False) -> None:
    """Look for what could go wrong here: versions, the terminal, the project, the log."""
    from tui.cli.doctor import examine

    findings = asyncio.run(examine(current.project))
    if json:
        say_json([{"what": found.what, "state": found.state, "text": found.text} for found in findings])
    else:
        marks = {"good": "ok  ", "warn": "warn", "bad": "BAD "}
        for found in findings:
            say(f"{marks[found.state]}  {found.what:<12} {found.text}")
    raise typer.Exit(1 if any(found.state == "bad" for found in findings) else 0)
