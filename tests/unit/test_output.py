"""Recording output: in order, in batches, within bounds, and never faster than the log."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agents.output import (
    BATCH_BYTES,
    BATCH_EVERY_S,
    CHUNK_BYTES,
    ENDING_LINES,
    LEAST_COST_BYTES,
    LINE_BYTES,
    LINES_PER_BATCH,
    OutputRecorder,
)
from core.agents.redaction import Redactor
from core.events import AgentOutput, encode
from core.events.registry import MAX_PAYLOAD_BYTES
from core.journal import Decision
from core.projections import State


class Ledger:
    """What stands in for the journal and its clock: every output appended, and every nap taken between."""

    def __init__(self) -> None:
        self.outputs: list[AgentOutput] = []
        self.steps: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.clock = self

    async def record_fact(self, decision: Decision, *, actor: str, cause: int | None = None) -> None:
        await self.open.wait()
        (append,) = decision(State.empty())
        (output,) = append.events
        assert isinstance(output, AgentOutput)
        assert actor == append.stream.replace("/", ":")
        encode(output)
        self.outputs.append(output)
        self.steps.append("append")

    async def sleep(self, seconds: float) -> None:
        assert seconds == BATCH_EVERY_S
        self.steps.append("nap")
        await asyncio.sleep(0)

    @property
    def lines(self) -> list[str]:
        return [line for output in self.outputs for line in output.lines]

    @property
    def dropped(self) -> int:
        return sum(output.dropped_lines for output in self.outputs)


@pytest.fixture
async def ledger() -> Ledger:
    return Ledger()


def recorder(ledger: Ledger, **settings: object) -> OutputRecorder:
    secrets = Redactor({"TOKEN": "s3cr3t-value"})
    return OutputRecorder(ledger, "a", "stdout", secrets, lambda: 7, task_id="T-1", execution_id="T-1.1", **settings)


def reader_of(data: bytes, *, end: bool = True) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    if end:
        reader.feed_eof()
    return reader


async def test_lines_that_come_together_are_stored_together(ledger: Ledger) -> None:
    await recorder(ledger).record(reader_of(b"one\ntwo\n\nthree"))
    (output,) = ledger.outputs
    assert output.lines == ("one", "two", "", "three")
    assert (output.channel, output.task_id, output.execution_id) == ("stdout", "T-1", "T-1.1")
    assert not output.truncated


async def test_between_two_events_there_is_always_a_nap(ledger: Ledger) -> None:
    await recorder(ledger).record(reader_of(b"a line of some length\n" * 50_000))
    assert len(ledger.outputs) > 3
    assert "append append" not in " ".join(ledger.steps)


async def test_no_event_holds_more_than_it_may(ledger: Ledger) -> None:
    data = b"\n" * (LINES_PER_BATCH * 2) + (b"x" * CHUNK_BYTES + b"\n") * 20 + (b"\x01" * 9_000 + b"\n") * 50
    await recorder(ledger).record(reader_of(data))
    assert max(len(output.lines) for output in ledger.outputs) <= LINES_PER_BATCH
    assert max(len(encode(output)[0]) for output in ledger.outputs) <= MAX_PAYLOAD_BYTES
    assert BATCH_BYTES + LINE_BYTES + 1_000 < MAX_PAYLOAD_BYTES


async def test_a_line_longer_than_a_chunk_keeps_its_beginning_and_says_what_is_missing(ledger: Ledger) -> None:
    await recorder(ledger).record(reader_of(b"y" * 1_000_000 + b"\nnext\n"))
    first, second = ledger.lines
    assert first == "y" * 65_536 + "…[truncated 934,464 bytes]"
    assert second == "next"


async def test_a_line_that_swells_when_encoded_is_cut_and_marked(ledger: Ledger) -> None:
    await recorder(ledger).record(reader_of(b"\x01" * 60_000 + b"\n"))
    (output,) = ledger.outputs
    assert output.truncated
    assert output.lines[0].endswith("…")


async def test_over_its_budget_lines_are_counted_and_only_the_last_are_kept(ledger: Ledger) -> None:
    lines = [f"line number {number:05}" for number in range(5_000)]
    await recorder(ledger, budget_bytes=20_000).record(reader_of("\n".join(lines).encode()))
    kept = ledger.lines[:-ENDING_LINES]
    assert kept == lines[: len(kept)]
    assert ledger.lines[-ENDING_LINES:] == lines[-ENDING_LINES:]
    assert len(ledger.lines) + ledger.dropped == len(lines)
    assert ledger.outputs[-1].truncated


async def test_a_short_line_costs_enough_of_the_budget_that_it_is_spent_in_bounded_time(ledger: Ledger) -> None:
    await recorder(ledger, budget_bytes=LEAST_COST_BYTES * 1_000).record(reader_of(b"\n" * 5_000))
    assert len(ledger.lines) == 1_000 + ENDING_LINES
    assert ledger.dropped == 4_000 - ENDING_LINES


async def test_the_last_words_are_the_last_line_that_is_not_blank_also_over_the_budget(ledger: Ledger) -> None:
    within, beyond = recorder(ledger), recorder(ledger, budget_bytes=10)
    await within.record(reader_of(b"first\nlast\n  \n\n"))
    await beyond.record(reader_of(b"first\n" * 100 + b"last\n\n"))
    assert within.last_line == beyond.last_line == "last"


async def test_no_secret_is_stored_within_or_over_the_budget(ledger: Ledger) -> None:
    await recorder(ledger, budget_bytes=100).record(reader_of(b"it is s3cr3t-value\n" * 100))
    assert {*ledger.lines} == {"it is [REDACTED:TOKEN]"}


async def test_while_the_log_is_busy_the_process_has_to_wait(ledger: Ledger) -> None:
    ledger.open.clear()
    waiting, reader = recorder(ledger), reader_of(b"some words in a line\n" * 100_000, end=False)
    before = len(reader._buffer)
    recording = asyncio.create_task(waiting.record(reader))
    for _ in range(1_000):
        await asyncio.sleep(0)
    taken = before - len(reader._buffer)
    assert taken <= 2 * BATCH_BYTES + CHUNK_BYTES, "the rest stays in the pipe"
    reader.feed_eof()
    ledger.open.set()
    await recording
    assert len(ledger.lines) == 100_000


async def test_a_log_that_refuses_ends_the_recording_with_its_reason(ledger: Ledger) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    ledger.record_fact = refuse
    with pytest.raises(ZeroDivisionError):
        await recorder(ledger).record(reader_of(b"one\n" * 100_000, end=False))


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, 400))
def test_whatever_comes_every_line_is_kept_or_counted(chunks: list[bytes], budget: int) -> None:
    async def play() -> None:
        ledger = Ledger()
        await recorder(ledger, budget_bytes=budget).record(reader_of(b"".join(chunks)))
        expected = b"".join(chunks).split(b"\n")
        whole = len(expected) - (not expected[-1].strip(b"\r"))
        assert len(ledger.lines) + ledger.dropped == whole

    asyncio.run(play())
