"""The benchmark runs small, and answers in the documented shape. Whether it is fast is never asked here."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import watchfiles
from msgspec import convert

from tui.bench.figures import Floor, at_least, at_most, beside, figure, percentile
from tui.bench.peers import Peer, installed
from tui.bench.rounds import take_turns
from tui.bench.suite import SECTIONS, Report
from tui.cli import run

SMALL = ("--events", "5000", "--rounds", "1", "--seconds", "0.02")


@pytest.fixture
def report(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    """A small run of one section, as a program would read it."""
    assert run(["bench", request.param, "--json", "--dir", str(tmp_path), *SMALL]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1, "JSON is all there is"
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    return convert(json.loads(out), Report)


@pytest.mark.parametrize("report", SECTIONS, indirect=True)
def test_a_section_is_measured_and_told_in_the_documented_shape(report: Report) -> None:
    (section,) = report.sections
    assert report.environment.cpus >= 1
    assert report.environment.sync_us >= 0
    assert section.about
    assert section.seconds > 0
    assert len(section.figures) == len({one.name for one in section.figures})
    for one in section.figures:
        assert one.value >= 0
        assert one.unit
        assert (one.floor is None) == (one.met is None)
        assert one.beside or one.floor is not None, "a number alone says nothing"
        for base in one.beside:
            assert base.ratio is None or base.ratio >= 0
            assert base.floor is None or base.met is not None


def test_it_is_printed_as_a_table_with_where_it_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", "append", "--dir", str(tmp_path), *SMALL]) == 0
    out = capsys.readouterr().out
    assert "CPUs" in out
    assert "one durable page takes" in out
    assert "bare sqlite3" in out
    assert "100 producers" in out


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_nothing_is_left_behind(tmp_path: Path, signum: int) -> None:
    cw = Path(sys.executable).with_name("cw")
    call = [cw, "bench", "append", "--dir", tmp_path, "--seconds", "60"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        while "CPUs" not in program.stdout.readline():
            pass
        (made,) = tmp_path.iterdir()
        for _ in watchfiles.watch(made, rust_timeout=100, yield_on_timeout=True):
            if any(made.iterdir()):
                break
        program.send_signal(signum)
        _, err = program.communicate()
    assert (program.returncode, err) == (130, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [("bench", "speed"), ("bench", "--dir", "/nowhere"), ("bench", "--events", "10"), ("bench", "--rounds", "0")],
)
def test_a_wrong_call_gets_one_sentence(wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(list(wrong)) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1


async def test_everybody_takes_a_turn_in_every_round_and_nobody_is_always_first() -> None:
    turns: list[str] = []

    def contestant(name: str, value: float) -> object:
        async def contest() -> float:
            turns.append(name)
            return value

        return contest

    values = await take_turns({"a": contestant("a", 1), "b": contestant("b", 2)}, 2)
    assert values == {"a": [1, 1], "b": [2, 2]}
    assert turns == ["a", "b", "b", "a"]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    base = beside("base", ours=[10, 40, 90], theirs=[10, 10, 30], floor=at_least(3))
    assert (base.value, base.ratio, base.met) == (10, 3, True)


def test_a_figure_is_the_median_and_held_against_its_floor() -> None:
    assert figure("x", "ms", [1, 9, 4], floor=at_most(3)).met is False
    assert figure("x", "ms", [1, 9, 4], floor=Floor(4, "most")).value == 4


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 3
    assert percentile([3, 1, 2, 4], 0.99) == 4
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_a_library_that_is_not_there_is_named_and_left_out() -> None:
    found, missing = installed([Peer("no-such-library", "never", lambda *_: pytest.fail("it is not there"))])
    assert found == {}
    assert "no-such-library is not installed" in missing[0]
