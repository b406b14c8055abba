"""The door to our tools: what comes over HTTP and is no agent of ours gets nowhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fakes.calling import Agent, asked, at_work, calling, connected, heard, raw
from fakes.stage import PATIENCE_S, SteppedClock, kinds, opened, until

from core.api.gate import BREATH_S
from core.config import Config, Tools
from core.engine import Engine
from core.projections import State

LIST = calling("list_tasks")
NEWEST = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


async def test_a_call_without_a_token_is_refused(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        status, headers, body = await raw(agent.access, headers={"Authorization": None}, body=LIST)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert body.startswith(b"unknown token")


@pytest.mark.parametrize("said", ["Bearer wrong", "Bearer ", "Bearer", "Basic {token}", "{token}", "Bearer {token}x"])
async def test_a_call_with_another_token_is_refused(project: Path, said: str) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        said = said.format(token=agent.access.token)
        status, _, _ = await raw(agent.access, headers={"Authorization": said}, body=LIST)
        assert status == 401


async def test_a_call_that_carries_two_tokens_is_refused(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        twice = {"authorization": f"Bearer {agent.access.token}"}  # beside the usual one, which is capitalised
        status, _, _ = await raw(agent.access, headers=twice, body=LIST)
        assert status == 401


async def test_a_dismissed_agent_is_refused(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        assert (await raw(agent.access, body=LIST))[0] == 200
        engine.tools.dismiss(agent.access.token)
        engine.tools.dismiss(agent.access.token)  # harmless
        assert (await raw(agent.access, body=LIST))[0] == 401


@pytest.mark.parametrize("host", ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:{port}.evil.example"])
async def test_a_call_to_another_host_is_refused_though_it_has_the_token(project: Path, host: str) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        port = urlsplit(agent.access.url).port
        status, _, _ = await raw(agent.access, headers={"Host": host.format(port=port)}, body=LIST)
        assert status == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
async def test_a_call_from_a_web_page_is_refused_though_it_has_the_token(project: Path, origin: str) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        port = urlsplit(agent.access.url).port
        status, _, _ = await raw(agent.access, headers={"Origin": origin.format(port=port)}, body=LIST)
        assert status == 403


async def test_a_call_from_our_own_origin_is_served(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        own = agent.access.url.removesuffix("/mcp")
        assert (await raw(agent.access, headers={"Origin": own}, body=LIST))[0] == 200


async def test_there_is_one_path_and_one_method(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        assert (await raw(agent.access, path="/", body=LIST))[0] == 404
        for method in ("GET", "DELETE", "PUT"):
            status, headers, _ = await raw(agent.access, method=method)
            assert (status, headers["allow"]) == (405, "POST")


async def test_a_huge_request_is_refused_before_it_is_read(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        status, _, body = await raw(agent.access, headers={"Content-Length": str(10**12)})
        assert status == 413
        assert body.startswith(b"a request may have 9,437,184 bytes")


async def test_a_huge_request_of_unstated_size_is_refused(project: Path) -> None:
    config = Config(tools=Tools(max_artifact_bytes=0))
    async with Engine.open(project, config=config) as engine:
        agent = await at_work(engine)
        chunk = b"x" * (1024 * 1024 + 1)
        body = f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n0\r\n\r\n"
        headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
        assert (await raw(agent.access, headers=headers, body=body))[0] == 413


@pytest.mark.parametrize("version", [None, "2025-06-18", "2026-07-28", "1999-01-01"])
async def test_garbage_is_refused_and_harms_nobody(project: Path, version: str | None) -> None:
    garbage = [b"", b"{", b"\xff\xfe", b"42", b"[]", b'"text"', b"null", b"[" * 100_000, b'{"id": 1}']
    async with opened(project) as engine:
        agent = await at_work(engine)
        for body in garbage:
            status, _, answer = await raw(agent.access, headers={"MCP-Protocol-Version": version}, body=body)
            assert 400 <= status < 500, body
            assert b"Traceback" not in answer
        assert (await raw(agent.access, body=LIST))[0] == 200


@pytest.mark.parametrize("era", [{}, NEWEST])
async def test_half_a_character_harms_nobody(project: Path, era: dict[str, object]) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        request = json.loads(calling("enqueue_task", title="\ud800", profile="shell"))
        request["params"] |= era
        headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "enqueue_task"}
        body = json.dumps(request).encode()
        status, _, answer = await raw(agent.access, headers=headers if era else None, body=body)
        assert status == 400 or json.loads(answer)["result"]["isError"]
        assert (await raw(agent.access, body=LIST))[0] == 200


async def test_each_token_speaks_for_its_own_agent(project: Path) -> None:
    async with opened(project) as engine:
        agents = [await at_work(engine) for _ in range(3)]

        async def reports(agent: Agent, times: int) -> None:
            async with connected(agent.access) as client:
                for _ in range(times):
                    await client.call_tool("report_goal", {"goal": agent.id, "status": "progressing"})

        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(reports(agent, 5) for agent in agents))
        for agent in agents:
            stream = f"execution/{agent.execution_id}"
            goals = [event async for event in engine.journal.log.read(streams=[stream], types=["goal:evaluated"])]
            assert [event.payload.goal_id for event in goals] == [agent.id] * 5
            assert {event.actor for event in goals} == {f"agent:{agent.id}"}


async def test_a_client_that_has_to_wait_hears_that_we_are_there(project: Path) -> None:
    clock = SteppedClock()
    async with opened(project, clock=clock) as engine:
        agent = await at_work(engine)
        question = calling("approve", tool_name="Bash", input={"command": "ls"})
        reader, writer = await asked(agent.access, body=question)
        state = await until(engine, _asks)
        await clock.until_somebody_naps(BREATH_S)
        clock.advance(BREATH_S)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        first = await reader.read(4)
        (request,) = state.permissions
        await engine.commands.answer_permission(request)
        rest = await reader.read()
        writer.close()
        answer = json.loads(_unchunked(first + rest))
        assert json.loads(answer["result"]["content"][0]["text"])["behavior"] == "allow"


async def test_a_question_is_over_when_the_client_leaves(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        _, writer = await asked(agent.access, body=calling("approve", tool_name="Bash", input={}))
        await until(engine, _asks)
        writer.transport.abort()
        state = await until(engine, lambda state: not _asks(state))
        assert [permission.status for permission in state.permissions.values()] == ["expired"]
        assert state.agents[agent.id].status == "busy"


async def test_a_question_is_over_when_the_agent_is_dismissed(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("approve", tool_name="Bash", input={}))
        await until(engine, _asks)
        engine.tools.dismiss(agent.access.token)
        assert (await heard(reader))[0] == 401
        writer.close()
        state = await until(engine, lambda state: not _asks(state))
        assert [permission.status for permission in state.permissions.values()] == ["expired"]


async def test_the_end_of_the_engine_ends_open_calls_and_records_it(project: Path) -> None:
    async with opened(project) as engine:
        agent = await at_work(engine)
        reader, writer = await asked(agent.access, body=calling("spawn_agent", profile="shell"))
        await until(engine, _asks)
        await engine.close("requeue")
        recorded = await kinds(engine)
        assert recorded.index("permission:expired") < recorded.index("session:closed")
        assert recorded.index("tool-call:completed") < recorded.index("session:closed")
        await reader.read()
        writer.close()


async def test_the_end_of_the_engine_leaves_no_socket_and_no_task(project: Path) -> None:
    before = asyncio.all_tasks()
    async with opened(project) as engine:
        agent = await at_work(engine)
        await agent.call("list_tasks")
        idle_reader, idle = await asked(agent.access, headers={"Connection": "keep-alive"}, body=LIST)
        await idle_reader.readuntil(b"\r\n\r\n")
        _, half = await asked(agent.access, headers={"Content-Length": "100"}, body=b"{")
    assert asyncio.all_tasks() == before
    idle.close()
    half.close()
    address = urlsplit(agent.access.url)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address.hostname, address.port)


async def test_an_agent_may_call_as_soon_as_it_is_admitted(project: Path) -> None:
    async with opened(project) as engine:
        engine.tools.admit("nobody", "nothing")
        access = engine.tools.admit("nobody", "nothing")
        status, _, body = await raw(access, body=calling("list_tasks"))  # while the libraries are being imported
        assert status == 200
        assert json.loads(body)["result"]["isError"] is False


async def test_an_engine_that_ends_while_the_libraries_are_imported_ends_well(project: Path) -> None:
    before = asyncio.all_tasks()
    async with opened(project) as engine:
        engine.tools.admit("nobody", "nothing")
    assert asyncio.all_tasks() == before


def test_a_fleet_without_tools_imports_no_server(project: Path) -> None:
    script = f"""
import asyncio, sys
from core.engine import Engine
async def main():
    async with Engine.open({str(project)!r}) as engine:
        await engine.commands.enqueue("work", command="true")
        await engine.supervisor.idle()
asyncio.run(main())
print([name for name in ("mcp", "uvicorn", "starlette", "httpx2") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def _asks(state: State) -> bool:
    return any(permission.status == "pending" for permission in state.permissions.values())


def _unchunked(body: bytes) -> bytes:
    """The text of a body that came in chunks."""
    text = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        text, body = text + body[:length], body[length + 2 :]
    return text
