"""A process is who it is, not the number it has."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.processes.identity import Identity, boot_id, identify, is_alive, send_signal


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    identity = identify(process.pid)
    assert identity
    return identity


def test_an_identity_stays_the_same(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity_of(sleeper) == identity_of(sleeper)
    assert identity_of(sleeper).boot_id == boot_id() != ""


def test_a_process_that_is_gone_has_none() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert identify(process.pid) is None


def test_the_process_itself_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    assert send_signal(identity_of(sleeper), signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM


@pytest.mark.parametrize("difference", [{"pid_started_at": 1}, {"boot_id": "another boot"}])
def test_who_only_has_the_same_number_is_never_signalled(
    sleeper: subprocess.Popen[bytes], difference: dict[str, object]
) -> None:
    stranger = msgspec.structs.replace(identity_of(sleeper), **difference)
    assert not send_signal(stranger, signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_signal_to_the_dead_is_not_sent() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        identity = identity_of(process)
        process.kill()
    assert not send_signal(identity, signal.SIGKILL)


def test_who_only_waits_to_be_buried_is_not_alive() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        identity = identity_of(process)
        assert is_alive(identity)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert identify(process.pid) == identity
        assert not is_alive(identity)
    assert not is_alive(identity)


def test_a_name_with_brackets_and_blanks_does_not_confuse_it(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([program, "1000"]) as process:
        identity = identify(process.pid)
        process.kill()
    with subprocess.Popen(["sleep", "1000"]) as later:
        assert identity
        assert 0 < identity.pid_started_at <= identity_of(later).pid_started_at
        later.kill()
