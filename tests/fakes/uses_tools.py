"""An agent that uses our tools with nothing but the standard library.

uses_tools.py [--codex] [--url URL] TOOL JSON: calls the tool with these arguments and prints what it is told; as codex
does with --codex. Without tools it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.request


def call(url: str, token: str, tool: str, arguments: object) -> dict[str, object]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {
        "Authorization": f"Bearer {token}", "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }  # fmt: skip
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)["result"]


def say(**record: object) -> None:
    print(json.dumps(record), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--codex", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("tool")
    parser.add_argument("arguments")
    options = parser.parse_args()
    token = os.environ.get("CW_TOOLS_TOKEN")
    url = options.url or os.environ.get("CW_TOOLS_URL")
    if not url or not token:
        print("no tools")
        return
    if not options.codex:
        print(f"my token is {token}")
        print(call(url, token, options.tool, json.loads(options.arguments))["content"][0]["text"])
        return
    say(type="thread.started", thread_id="t-1")
    say(type="turn.started")
    item = {"id": "item_1", "type": "mcp_tool_call", "server": "cw", "tool": options.tool,
            "arguments": json.loads(options.arguments), "result": None, "error": None}  # fmt: skip
    say(type="item.started", item={**item, "status": "in_progress"})
    result = call(url, token, options.tool, json.loads(options.arguments))
    say(type="item.completed", item={**item, "result": result, "status": "completed"})
    say(type="item.completed", item={"id": "item_2", "type": "agent_message", "text": "done"})
    say(type="turn.completed", usage={"input_tokens": 7, "output_tokens": 3})


if __name__ == "__main__":
    main()
