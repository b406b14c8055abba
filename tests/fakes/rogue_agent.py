"""Speaks the Agent Client Protocol, and misbehaves in the way its argument names."""

from __future__ import annotations

import json
import os
import sys
import time

MODE = sys.argv[1]


def out(message: object) -> None:
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def answer(number: object, **result: object) -> None:
    out({"jsonrpc": "2.0", "id": number, "result": result})


def update(what: dict[str, object], **more: object) -> None:
    out({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s1", "update": what, **more}})


def chunk(text: str, **more: object) -> None:
    update({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}, **more)


def ask(kind: str) -> None:
    out({"jsonrpc": "2.0", "id": "p", "method": "session/request_permission", "params": {
        "sessionId": "s1", "toolCall": {"toolCallId": "t"},
        "options": [{"optionId": "a", "name": "A", "kind": kind}],
    }})  # fmt: skip


def misbehave() -> None:
    match MODE:
        case "unknown-update":
            update({"sessionUpdate": "brand_new_thing", "x": 1})
            chunk("after")
        case "noise":
            out("hello I am a log line")
            out("")
            chunk("after noise")
        case "no-object":
            out("42")
            chunk("after 42")
        case "list":
            out("[1,2]")
            chunk("after list")
        case "meta":
            chunk("spoof", _meta={"session_id": "OTHER", "update": "X"})
        case "bad-utf8":
            sys.stdout.buffer.write(b"\xff\xfe\n")
            sys.stdout.flush()
            chunk("after")
        case "odd-messages":
            for odd in (
                '{"id": [1], "result": {}}',
                '{"id": {}, "method": "x"}',
                '{"method": 5, "id": 1}',
                '{"jsonrpc": "2.0"}',
                '{"id": 2, "error": {"code": "x"}}',
                '{"id": 99, "result": 1}',
                '{"method": "nobody/knows", "id": 7}',
            ):
                out(odd)
            chunk("after odd")
        case "huge":
            chunk("x" * 20_000_000)
        case "flood":
            for number in range(20_000):
                chunk(f"{number}\n")
        case "die":
            chunk("dying")
            sys.stderr.write("out of luck\n")
            sys.stderr.flush()
            os._exit(3)
        case "leave":
            os._exit(0)
        case "permission-twice":
            for _ in range(2):
                ask("allow_once")
                chunk(json.loads(sys.stdin.readline())["result"]["outcome"]["optionId"])
        case "bad-kind":
            ask("allow_forever")
            chunk(str(json.loads(sys.stdin.readline())["result"]["outcome"]))
        case "questions":
            for number in range(200):
                out({"jsonrpc": "2.0", "id": number, "method": "session/request_permission", "params": {
                    "sessionId": "s1", "toolCall": {"toolCallId": f"t{number}"},
                    "options": [{"optionId": "a", "name": "A", "kind": "allow_once"}],
                }})  # fmt: skip
        case _:
            pass


def main() -> None:
    if MODE == "deaf":
        time.sleep(1000)
    for line in sys.stdin:
        message = json.loads(line)
        number, method = message.get("id"), message.get("method")
        match method:
            case "initialize" if MODE == "silent":
                pass
            case "initialize":
                answer(
                    number, protocolVersion=2 if MODE == "version" else 1, authMethods=[{"id": "k", "name": "API key"}]
                )
            case "session/new" if MODE == "login":
                out({"jsonrpc": "2.0", "id": number, "error": {"code": -32000, "message": "Authentication required"}})
            case "session/new" if MODE == "silent-new":
                pass
            case "session/new":
                answer(number, sessionId="s1")
            case "session/prompt" if MODE == "limited":
                out({"jsonrpc": "2.0", "id": number, "error": {"code": 429, "message": "Rate limit exceeded"}})
            case "session/prompt" if MODE == "no-answer":
                chunk("working")
            case "session/prompt":
                misbehave()
                answer(number, stopReason="weird" if MODE == "bad-stop" else "end_turn")
            case _:
                pass


main()
