"""What tasks noted themselves about their runs, held against what the log says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from core.events import ExecutionStarted, StoredEvent, TaskFailed, TaskLost, TaskRequeued

NOTE = "echo $CW_TASK_ID $CW_EXECUTION_ID"
"""The shell command that says on its standard output which run this is."""


def check_runs(notes: Path, events: Sequence[StoredEvent]) -> set[str]:
    """No attempt ran twice, none ran before its intent was stored, and between two of a task the log says why.

    The tasks that ran.
    """
    runs = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    executions = [execution for _, execution in runs]
    assert len(executions) == len({*executions}), "no attempt ran twice"
    begun = {event.aggregate_id: event.position for event in events if isinstance(event.payload, ExecutionStarted)}
    assert {*executions} <= {*begun}, "none ran before its intent was stored"
    reasons = [event for event in events if isinstance(event.payload, TaskFailed | TaskLost | TaskRequeued)]
    ran = {task_id for task_id, _ in runs}
    for task_id in ran:
        starts = sorted(begun[execution] for task, execution in runs if task == task_id)
        for first, second in pairwise(starts):
            assert any(
                first < event.position < second for event in reasons if event.aggregate_id == task_id
            ), f"{task_id} ran twice and nothing says why"  # fmt: skip
    return ran
