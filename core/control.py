"""How other processes of the same user have commands carried out by the one that owns the log.

The owner listens on 127.0.0.1 and leaves its address, with a token that only its user can read, beside the log. An
order is one line of JSON, `{"token", "command", "arguments", "options"}`, and so is the answer, `{"result"}` or
`{"error", "kind"}`: the name of one of `core.errors` and its sentence. Such a command is the owner's own,
with the same checks; nobody else ever writes the log.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import cast

import msgspec

from core import errors
from core.commands import Commands
from core.concurrency import task_group
from core.crash import keep
from core.errors import CannotOpen, CodewalkersError, UsageError
from core.ids import secret
from core.log.lock import owner_pid
from core.project import Project

HOST = "127.0.0.1"
LONGEST_LINE = 4 << 20
"""Bytes of an order or an answer; a prompt is at most a quarter of a megabyte."""
PATIENCE_S = 10.0
"""For the whole of an order to come in."""
OFFERED = frozenset(name for name in dir(Commands) if not name.startswith("_")) - {"enqueue_plan"}
"""Plans are read and enqueued by whoever runs them."""


class Address(msgspec.Struct, frozen=True):
    """Where the owner listens, as it is left in a file."""

    pid: int
    port: int
    token: str


class Order(msgspec.Struct, frozen=True):
    """A command and what it is given."""

    token: str
    command: str
    arguments: list[object] = []
    options: dict[str, object] = {}


class Answer(msgspec.Struct, frozen=True):
    """What came of an order; `kind` is the error's class, empty when there is none."""

    result: object = None
    error: str = ""
    kind: str = ""


# -- the owner --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def controlled(commands: Commands, project: Project) -> AsyncGenerator[None, None]:
    """Take orders for the length of an `async with`.

    Where nothing can listen, none are taken: others are then told who owns the log, and nothing else is lost.
    """
    token, path = secret(), project.control
    async with task_group() as tasks:
        answering: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = tasks.create_task(_attend(reader, writer, token, commands, project), name="answer another cw")
            answering.add(task)
            task.add_done_callback(answering.discard)

        server = None
        with suppress(OSError):
            server = await asyncio.start_server(connected, HOST, 0, limit=LONGEST_LINE)
            await asyncio.to_thread(_leave, path, Address(os.getpid(), server.sockets[0].getsockname()[1], token))
        try:
            yield
        finally:
            if server is not None:
                server.close()
            for task in answering:
                task.cancel()
            await asyncio.to_thread(path.unlink, missing_ok=True)


def _leave(path: Path, address: Address) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_bytes(msgspec.json.encode(address))
    fresh.replace(path)


async def _attend(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str, commands: Commands, project: Project
) -> None:
    with closing(writer), suppress(OSError):  # whoever went away wants no answer
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await reader.readline()
        except (TimeoutError, ValueError):  # too slow, or too long
            return
        writer.write(msgspec.json.encode(await _carried_out(line, token, commands, project)) + b"\n")
        await writer.drain()


async def _carried_out(line: bytes, token: str, commands: Commands, project: Project) -> Answer:
    try:
        order = msgspec.json.decode(line, type=Order)
    except msgspec.MsgspecError:
        return Answer(error="that is no order", kind=UsageError.__name__)
    if not hmac.compare_digest(order.token.encode(), token.encode()):
        return Answer(error="the token is not the owner's", kind=UsageError.__name__)
    if order.command not in OFFERED:
        sentence = f"the cw that owns this project knows no command {order.command!r}: it is of another version"
        return Answer(error=sentence, kind=UsageError.__name__)
    from pydantic import ValidationError, validate_call  # only now: most sessions never need it

    try:
        return Answer(result=await validate_call(getattr(commands, order.command))(*order.arguments, **order.options))
    except CodewalkersError as error:
        return Answer(error=str(error), kind=type(error).__name__)
    except ValidationError as error:
        return Answer(error=f"{order.command}: {error.errors()[0]['msg']}", kind=UsageError.__name__)
    except Exception as error:  # noqa: BLE001  a mistake of ours costs this order, not the fleet
        kept = await asyncio.to_thread(keep, project, error)
        return Answer(error=f"the cw that owns this project made a mistake; {kept} says more", kind="CodewalkersError")


# -- everybody else ---------------------------------------------------------------------------------------------------


def owners_commands(project: Project) -> Commands | None:
    """The commands as the owner of the log carries them out; None when it takes no orders."""
    try:
        address = msgspec.json.decode(project.control.read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError):
        return None
    if address.pid != owner_pid(project.log):
        return None  # of one that was killed
    return cast("Commands", _Forwarded(address))


class _Forwarded:
    """Has every command of `Commands`, and sends it to the owner."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __getattr__(self, command: str) -> Callable[..., Awaitable[object]]:
        async def forward(*arguments: object, **options: object) -> object:
            return await _asked(self._address, Order(self._address.token, command, [*arguments], options))

        return forward


async def _asked(address: Address, order: Order) -> object:
    try:
        reader, writer = await asyncio.open_connection(HOST, address.port, limit=LONGEST_LINE)
        with closing(writer):
            writer.write(msgspec.json.encode(order) + b"\n")
            line = await reader.readline()
    except OSError:
        line = b""
    if not line:
        raise CannotOpen("the log", f"process {address.pid}, which owns it, went away before it answered")
    answer = msgspec.json.decode(line, type=Answer)
    if answer.kind:
        raise _error(answer)
    return answer.result


def _error(answer: Answer) -> CodewalkersError:
    """The owner's error: of its class, as far as that is known here, and with its sentence."""
    known = getattr(errors, answer.kind, CodewalkersError)
    error = known.__new__(known)
    error.args = (answer.error,)
    return error
