"""A model on this machine that costs nothing and always says the same, for real agents to talk to.

It speaks OpenAI's chat completions and Gemini's generateContent. A prompt with `TOOL:command:END` gets one call of the
agent's shell, then a text; `MCP:tool:{json}:END` one call of that tool; `SLOW:` a text that does not end by itself.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHELLS = ("shell", "bash", "developer__shell", "run_shell_command")
USAGE = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
CHUNK = {"created": 0, "model": "stub-1"}
DRIP_S = 0.05

_over = threading.Event()


@contextmanager
def stub_model() -> Iterator[str]:
    """Its address, for as long as it is served."""
    _over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        _over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _call(prompt: str, tools: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The tool the prompt wants, and what to give it."""
    if found := re.search(r"TOOL:(.+?):END", prompt, re.DOTALL):
        name = next((shell for shell in SHELLS if shell in tools), None)
        return None if name is None else (name, _arguments(found[1].strip(), tools[name] or {}))
    if found := re.search(r"MCP:(\w+?):(\{.*?\}):END", prompt, re.DOTALL):
        name = next((tool for tool in tools if tool.endswith(found[1])), None)
        return None if name is None else (name, json.loads(found[2]))
    return None


def _arguments(command: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The command, and something for whatever else the tool demands."""
    kinds = {"integer": 0, "number": 0, "boolean": False}
    fields = schema.get("properties", {})
    demanded = {name: kinds.get(fields.get(name, {}).get("type"), "stub") for name in schema.get("required", [])}
    return {**demanded, "command": command}


def _candidate(parts: list[dict[str, Any]], reason: str | None = None) -> dict[str, Any]:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 7, "totalTokenCount": 107}
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub-1", "responseId": "r"}


def _text(content: object) -> str:
    if isinstance(content, list):
        return " ".join(_text(part) for part in content)
    return _text(content.get("text", "")) if isinstance(content, dict) else str(content or "")


class _Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """It says nothing."""

    def do_GET(self) -> None:
        self._answer(
            {"object": "list", "data": [{"id": "stub-1", "object": "model", "created": 0, "owned_by": "stub"}]}
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        try:
            if "countTokens" in self.path:
                self._answer({"totalTokens": 10})
            elif "generateContent" in self.path or "streamGenerateContent" in self.path:
                self._gemini(body)
            else:
                self._chat(body)
        except OSError:  # whoever asked does not want to know any more
            self.close_connection = True

    def _chat(self, body: dict[str, Any]) -> None:
        messages = body.get("messages", [])
        # The newest prompt alone: what was asked in the turns before is done.
        newest = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=0)
        prompt = _text(messages[newest].get("content")) if messages else ""
        tools = {tool["function"]["name"]: tool["function"].get("parameters") for tool in body.get("tools") or []}
        used = any(message["role"] == "tool" for message in messages[newest:])
        if not body.get("stream"):
            message = {"role": "assistant", "content": "a title"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._answer({"id": "c", "object": "chat.completion", **CHUNK, "usage": USAGE, "choices": [choice]})
            return
        self._stream(prompt, None if used else _call(prompt, tools), used=used)

    def _gemini(self, body: dict[str, Any]) -> None:
        contents = body.get("contents", [])
        parts = [part for content in contents for part in content.get("parts", [])]
        used = any("functionResponse" in part for part in parts)
        prompt = " ".join(_text(part) for part in parts if "text" in part)
        functions = [function for tool in body.get("tools") or [] for function in tool.get("functionDeclarations", [])]
        tools = {one["name"]: one.get("parametersJsonSchema") or one.get("parameters") for one in functions}
        call = None if used else _call(prompt, tools)
        said: list[dict[str, Any]] = [{"text": "STUB: done."}]
        if call is not None:
            said = [{"functionCall": {"id": f"call-{id(call)}", "name": call[0], "args": call[1]}}]
        if "stream" not in self.path:
            self._answer(_candidate([{"text": "{}"}], "STOP"))
            return
        self._begin_stream()
        if call is None and "SLOW:" in prompt:
            for word in _ticks():
                self._event(_candidate([{"text": word}]))
        self._event(_candidate(said, "STOP"))

    def _stream(self, prompt: str, call: tuple[str, dict[str, Any]] | None, *, used: bool) -> None:
        self._begin_stream()
        self._piece({"role": "assistant", "content": ""})
        if call is not None:
            function = {"name": call[0], "arguments": json.dumps(call[1])}
            self._piece(
                {"tool_calls": [{"index": 0, "id": f"call_{id(call)}", "type": "function", "function": function}]}
            )
            self._piece({}, "tool_calls")
        else:
            for word in _ticks() if "SLOW:" in prompt and not used else ("STUB: ", "done."):
                self._piece({"content": word})
            self._piece({}, "stop")
        self._event(
            {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": "stub-1",
                "choices": [],
                "usage": USAGE,
            }
        )
        self.wfile.write(b"data: [DONE]\n\n")

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def _piece(self, delta: dict[str, Any], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self._event({"id": "c", "object": "chat.completion.chunk", **CHUNK, "choices": [choice]})

    def _event(self, data: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def _answer(self, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _ticks() -> Iterator[str]:
    number = 0
    while not _over.wait(DRIP_S):
        yield f"tick{number} "
        number += 1
