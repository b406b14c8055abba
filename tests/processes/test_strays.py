"""What an earlier run left behind is found and ended, and nobody else is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from fakes.cast import Part
from fakes.traces import left_after

from core.processes import strays
from core.processes.identity import Identity, identify, is_alive
from core.processes.strays import end_run, end_strays, find_strays

ROOT = Path(__file__).parents[2]
Dashboard = Callable[..., subprocess.Popen[bytes]]


class Street:
    """Sleeping processes that the test owns."""

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup

    def start(self, *command: str | Path | bytes, **env: str) -> subprocess.Popen[bytes]:
        env = {"PATH": os.environ["PATH"], **env}
        process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._cleanup.enter_context(process)
        self._cleanup.callback(process.kill)
        return process

    def sleeper(self, marker: str | None) -> Identity:
        process = self.start("sleep", "1000", **({} if marker is None else {"CW_RUN_ID": marker}))
        identity = identify(process.pid)
        assert identity
        return identity


@pytest.fixture
def street() -> Iterator[Street]:
    with ExitStack() as cleanup:
        yield Street(cleanup)


@pytest.fixture
def prefix() -> str:
    return f"test-{Part('none').token}"


def test_a_process_with_our_marker_is_found(street: Street, prefix: str) -> None:
    identity = street.sleeper(f"{prefix}-1")
    (stray,) = find_strays(prefix)
    assert (stray.identity, stray.marker, stray.is_shim) == (identity, f"{prefix}-1", False)
    assert stray.command == "sleep 1000"


def test_strays_are_ended_and_strangers_are_not(street: Street, prefix: str) -> None:
    strays = [street.sleeper(f"{prefix}-1"), street.sleeper(f"{prefix}-2")]
    strangers = [street.sleeper(None), street.sleeper(f"another-{prefix}-1")]
    swept = asyncio.run(end_strays(prefix))
    assert {stray.identity for stray in swept.ended} == set(strays)
    assert swept.remaining == ()
    assert [is_alive(stranger) for stranger in strangers] == [True, True]


def test_one_run_is_ended_without_others_whose_marker_begins_alike(street: Street, prefix: str) -> None:
    meant, other = street.sleeper(f"{prefix}-1"), street.sleeper(f"{prefix}-10")
    swept = asyncio.run(end_run(f"{prefix}-1"))
    assert [stray.identity for stray in swept.ended] == [meant]
    assert is_alive(other)


def test_a_recorded_process_is_ended_although_its_environment_tells_nothing(street: Street, prefix: str) -> None:
    identity = street.sleeper(None)
    swept = asyncio.run(end_strays(prefix, [identity]))
    assert [(stray.identity, stray.marker) for stray in swept.ended] == [(identity, "")]


@pytest.mark.parametrize("difference", [{"pid_started_at": 1}, {"boot_id": "another boot"}])
def test_who_got_the_number_of_a_recorded_process_is_spared(
    street: Street, prefix: str, difference: dict[str, object]
) -> None:
    owner = street.sleeper(None)
    swept = asyncio.run(end_strays(prefix, [msgspec.structs.replace(owner, **difference)]))
    assert (swept.ended, swept.remaining) == ((), ())
    assert is_alive(owner)


async def test_an_empty_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="everybody's"):
        find_strays("")
    with pytest.raises(ValueError, match="everybody's"):
        await end_strays("")


def test_neither_we_nor_our_ancestors_are_strays(prefix: str) -> None:
    script = "sleep 1000 & echo $!; $0 -c 'from core.processes.strays import find_strays as f; import sys;"
    script += " print([s.identity.pid for s in f(sys.argv[1])])' $1; kill $!"
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "CW_RUN_ID": f"{prefix}-1",
    }
    nested = subprocess.run(["sh", "-c", script, sys.executable, prefix], env=env, capture_output=True, check=True)
    sibling, found = nested.stdout.decode().splitlines()
    assert found == f"[{sibling}]"


def test_a_shim_whose_dashboard_died_may_finish_its_ladder(dashboard: Dashboard, tmp_path: Path) -> None:
    part, saved = Part("saves_its_work"), tmp_path / "saved"
    spec = part.spec(str(saved), "SIGTERM")
    process = dashboard(spec)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    known = find_strays(spec.marker)
    process.kill()
    swept = asyncio.run(end_strays(spec.marker))
    assert sorted(stray.is_shim for stray in known) == [False, True]
    assert set(swept.ended) <= set(known)
    assert swept.remaining == ()
    assert left_after(part.token) == []
    assert saved.read_text() == "saved"


def test_a_parent_younger_than_its_child_only_got_an_old_number() -> None:
    def row(pid: int, started_at: int, parent: int) -> strays._Row:
        return strays._Row(Identity(pid=pid, pid_started_at=started_at, boot_id=""), parent, "")

    parent, child, stranger = row(2, 50, 1), row(3, 60, 2), row(4, 40, 2)
    table = {row.identity.pid: row for row in (parent, child, stranger)}
    assert strays._descendants([parent], table, set()) == [parent, child]


def test_what_a_dead_shim_left_is_ended_with_all_below_it(street: Street) -> None:
    part = Part("cleared_environment")
    spec = part.spec()
    leader = street.start(*spec.argv, CW_RUN_ID=spec.marker)
    assert leader.stdout
    assert leader.stdout.readline() == b"ready\n"
    swept = asyncio.run(end_strays(spec.marker))
    assert leader.pid in {stray.identity.pid for stray in swept.ended}
    assert left_after(part.token) == []
