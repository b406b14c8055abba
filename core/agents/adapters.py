"""Which adapter talks with which process, and everything that is needed to start one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext

from core.agents.acp.adapter import AcpAdapter
from core.agents.adapter import Adapter, Errand
from core.agents.command import CommandAdapter, prepare
from core.agents.context import Context
from core.agents.jsonl import DocumentAdapter, JsonlAdapter, document_of
from core.agents.offer import Offer, offer_of
from core.agents.presets import DOCUMENTS
from core.agents.recording import Recording
from core.agents.redaction import Redactor
from core.agents.supervised import SupervisedProcess
from core.config import Profile
from core.errors import LaunchFailed
from core.events import TaskCreated


async def process_for(
    context: Context,
    profile: Profile,
    cause: Callable[[], int | None],
    *,
    agent_id: str,
    run_name: str,
    task: TaskCreated | None = None,
    task_id: str = "",
    execution_id: str = "",
    conversation_id: str = "",
) -> SupervisedProcess:
    """The process for a task, or for the profile's own command when there is none; nothing is started yet.

    Raises:
        LaunchFailed: it cannot be started.
    """
    adapter_name = "command" if task is not None and task.command else profile.adapter
    prepared = await asyncio.to_thread(
        prepare,
        context,
        profile,
        agent_id=agent_id,
        marker=f"{context.journal.log.log_id}/{run_name}",
        task=task,
        names={"CW_TASK_ID": task_id, "CW_EXECUTION_ID": execution_id} if task_id else {},
        spoken_to=adapter_name == "acp",
        records=str(document_of(context.project, execution_id)),
    )
    errand = Errand(
        context=context, profile=profile, agent_id=agent_id, task_id=task_id, execution_id=execution_id,
        conversation_id=conversation_id, prompt=task.prompt if task is not None else "", cwd=prepared.spec.cwd,
        stdin=prepared.stdin,
    )  # fmt: skip
    recording = Recording(
        context.journal, Redactor(prepared.secrets), cause, agent_id=agent_id, task_id=task_id,
        execution_id=execution_id, wire=profile.wire,
    )  # fmt: skip
    offer: Offer = nullcontext
    if profile.tools and adapter_name != "acp" and context.tools is not None and execution_id:
        in_arguments = task is None or not task.command
        offer = offer_of(context.tools, recording, agent_id, execution_id, in_arguments=in_arguments)
    return SupervisedProcess(context, prepared, adapter_for(adapter_name, errand), recording, offer)


def adapter_for(name: str, errand: Errand) -> Adapter:
    """The adapter of that name, as in a profile.

    Raises:
        LaunchFailed: there is none.
    """
    match name:
        case "command":
            return CommandAdapter(errand.stdin)
        case "acp":
            return AcpAdapter(errand)
        case _ if name.startswith("jsonl:"):
            preset = name.removeprefix("jsonl:")
            return DocumentAdapter(preset, errand) if preset in DOCUMENTS else JsonlAdapter(preset, errand)
        case _:
            raise LaunchFailed(f"there is no adapter {name!r}")
