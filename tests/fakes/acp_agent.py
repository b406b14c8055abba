"""An agent of the Agent Client Protocol that does what its prompt says; what it may do is told in its argument."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from uses_tools import call

ABLE = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
HISTORY = Path("history")


def out(message: dict[str, object]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(number: object, **result: object) -> None:
    out({"id": number, "result": result})


def update(kind: str, **fields: object) -> None:
    out({"method": "session/update", "params": {"sessionId": "s1", "update": {"sessionUpdate": kind, **fields}}})


def chunk(text: str) -> None:
    update("agent_message_chunk", content={"type": "text", "text": text})


def read() -> dict[str, object]:
    line = sys.stdin.readline()
    if not line:
        if "stays" in ABLE:
            os.kill(os.getpid(), 19)  # SIGSTOP: it does not go by itself
        sys.exit(0)
    return json.loads(line)


def options(kinds: list[str]) -> list[dict[str, str]]:
    return [{"optionId": f"id-{kind}", "name": kind, "kind": kind} for kind in kinds]


ALL = ["allow_always", "allow_once", "reject_once", "reject_always"]


def ask(title: str, number: object = "q", *, kinds: list[str] = ALL, tool: str = "execute") -> str | None:
    """The kind that was chosen; None when the question was withdrawn."""
    call = {"toolCallId": f"call-{title}", "title": title, "kind": tool, "rawInput": {"command": title}}
    out({"id": number, "method": "session/request_permission", "params": {
        "sessionId": "s1", "toolCall": call, "options": options(kinds),
    }})  # fmt: skip
    while (message := read()).get("id") != number:
        HEARD.append(str(message.get("method")))
    HEARD.append(f"answer {message['result']['outcome'].get('optionId', 'cancelled')}")
    return message["result"]["outcome"].get("optionId")


HEARD: list[str] = []


def wait_for_cancel() -> None:
    while (message := read()).get("method") != "session/cancel":
        HEARD.append(str(message.get("method")))
    HEARD.append("session/cancel")


def act(word: str, rest: str) -> str:
    """The reason to stop."""
    match word:
        case "ask":
            chosen = ask(rest)
            update(
                "tool_call_update",
                toolCallId=f"call-{rest}",
                status="completed" if str(chosen).startswith("id-allow") else "failed",
            )
            chunk(f"{rest}: {chosen}\n")
        case "ask-with":
            chunk(f"{ask(f'curl -u {os.environ[rest]}')}\n")
        case "ask-twice":
            chunk(f"{ask(rest)} {ask(rest)}\n")
        case "ask-narrow":
            chunk(f"{ask('x', kinds=rest.split())}\n")
        case "ask-kind":
            chunk(f"{ask('x', tool=rest)}\n")
        case "wait":
            chunk("waiting\n")
            wait_for_cancel()
            return "cancelled"
        case "ask-and-wait":
            asked = ask(rest)
            if asked is None:
                wait_for_cancel()
                Path("heard").write_text("\n".join(HEARD))
                return "cancelled"
        case "deaf":
            chunk("deaf\n")
            while True:
                read()
        case "env":
            chunk(f"{os.environ.get(rest)}\n{os.environ.get(rest, '')[:4]}")
            chunk(f"{os.environ.get(rest, '')[4:]}\n")
            update(
                "tool_call",
                toolCallId="t",
                title=f"use {os.environ.get(rest)}",
                rawInput={os.environ.get(rest, ""): 1},
                status="completed",
            )
        case "plan":
            update(
                "plan",
                entries=[
                    {"content": "one", "priority": "high", "status": "completed"},
                    {"content": "two", "status": "pending"},
                ],
            )
            update("agent_thought_chunk", content={"type": "text", "text": "hm"})
            update("usage_update", used=10, size=100, cost={"amount": 0.5, "currency": "USD"})
            update("current_mode_update", currentModeId="careful")
        case "use":
            tool, _, arguments = rest.partition(" ")
            (server,) = SERVERS
            token = server["headers"][0]["value"].removeprefix("Bearer ")
            update("tool_call", toolCallId="t1", title=f"{server['name']}: {tool}", status="in_progress")
            result = call(server["url"], token, tool, json.loads(arguments))
            update("tool_call_update", toolCallId="t1", status="completed", rawOutput=result)
            chunk(f"{result['content'][0]['text']}\n")
        case "spend":
            ask("spend")
            update("usage_update", used=10, size=100, cost={"amount": float(rest), "currency": "USD"})
        case "mode":
            chunk(f"{SET['mode']}\n")
        case "leave":
            GOING.append("now")
        case "give-up":
            return "cancelled"
        case "die":
            os._exit(7)
        case "fail":
            raise RuntimeError(rest)
        case _:
            chunk(f"heard {word} {rest}".rstrip() + "\n")
    return "end_turn"


GOING: list[str] = []
SERVERS: list[dict[str, object]] = []
SET = {"mode": "none"}


def main() -> None:
    while True:
        message = read()
        number, params = message.get("id"), message.get("params") or {}
        match message.get("method"):
            case "initialize":
                answer(number, protocolVersion=1, agentCapabilities=ABLE)
            case "session/new":
                Path("servers").write_text(json.dumps(params["mcpServers"]))
                SERVERS.extend(params["mcpServers"])
                if "forgets" in ABLE:
                    HISTORY.unlink(missing_ok=True)
                modes = {"currentModeId": "none", "availableModes": [{"id": "careful", "name": "Careful"}]}
                option = {"id": "how", "category": "mode", "currentValue": "none"}
                offered = (
                    {"modes": modes} if "modes" in ABLE else {"configOptions": [option]} if "options" in ABLE else {}
                )
                answer(number, sessionId="s1", **offered)
            case "session/set_mode" | "session/set_config_option" as method:
                wanted = (
                    params["modeId"] if method == "session/set_mode" else {"how": params["value"]}[params["configId"]]
                )
                if wanted == "careful":
                    SET["mode"] = wanted
                    answer(number)
                else:
                    out({"id": number, "error": {"code": -32602, "message": "no such mode"}})
            case "session/load" | "session/resume" as method:
                if "forgets" in ABLE:
                    out({"id": number, "error": {"code": -32002, "message": "not found"}})
                    continue
                if method == "session/load":
                    for line in HISTORY.read_text().splitlines():
                        chunk(f"again {line}\n")
                answer(number)
            case "session/prompt":
                text = params["prompt"][0]["text"]
                with HISTORY.open("a") as history:
                    history.write(f"{text}\n")
                word, _, rest = text.partition(" ")
                try:
                    answer(number, stopReason=act(word, rest))
                    if GOING:
                        return
                except RuntimeError as error:
                    out({"id": number, "error": {"code": -32603, "message": str(error)}})
            case _:
                pass


main()
