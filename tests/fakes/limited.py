"""An agent whose provider has had enough of it, until there is a file named `lifted` where it works.

limited.py WORDS: prints JSON as codex does, and fails with these words.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def say(**record: object) -> None:
    print(json.dumps(record), flush=True)


say(type="thread.started", thread_id="t-1")
say(type="turn.started")
if Path("lifted").exists():
    say(type="item.completed", item={"id": "item_1", "type": "agent_message", "text": "done"})
    say(type="turn.completed", usage={"input_tokens": 70, "output_tokens": 30})
else:
    say(type="turn.failed", error={"message": sys.argv[1]})
