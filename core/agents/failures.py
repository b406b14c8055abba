"""What an agent's error means for us: whether trying again can help, when, and what the user has to do.

Agents say it in words, so words are looked at; only those of errors, never those of an answer. What is not recognised
is a failure like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from core.agents.decoding import Outcome
from core.agents.records import parse, text_at

ERROR_CHARACTERS = 2_000
QUOTED_CHARACTERS = 300  # of the agent's own words in a sentence of ours

_SIGN_IN = re.compile(
    r"\b401\b|unauthori[sz]ed|authenticat\w* (?:required|failed|error)|authentication_(?:failed|error)|oauth_org"
    r"|not (?:logged|signed) in|please (?:run )?/?log ?in|set an auth method|providerautherror|auth_required"
    r"|(?:invalid|incorrect|missing|no|expired)\W+(?:\w+\W+){0,3}?(?:api[ _-]?key|credentials|access token)"
    r"|(?:api[ _-]?key|credentials?|token)\W+(?:\w+\W+){0,4}?"
    r"(?:missing|required|expired|revoked|invalid|not (?:set|found|valid))"
    r"|missing environment variable|must specify the \w*(?:key|token)\b",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:429|529)\b|rate.?limit|too many requests|usage limit|limit reached|\bquota\b|resource.?exhausted|overloaded",
    re.IGNORECASE,
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b"
_LATER = re.compile(
    r"(?:try again|retry|again|retry.?after|retrydelay|resets?)\W{1,4}(?:in|after)?\W*"
    rf"((?:{_AMOUNT}[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_AMOUNTS = re.compile(_AMOUNT, re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_EPOCH = re.compile(r"limit reached\|(\d{10})\b")


def failure(agent: str, said: str, *, kind: str = "", until_s: float | None = None) -> Outcome:
    """The outcome of a turn that failed with these words.

    `kind` is the agent's own name or number for the error, when its protocol has one. `until_s` is the moment a limit
    ends, in seconds since 1970, when the protocol says so.
    """
    words = plain(said)
    clue = f"{kind} {said}"
    if _SIGN_IN.search(clue):
        quoted = " ".join(words.split())[:QUOTED_CHARACTERS].rstrip(".")
        text = f"{agent} is not signed in ({quoted}): sign in with it, or hand its key on with `pass_env`"
        return Outcome(status="failed", text=text, retryable=False)
    text = words[:ERROR_CHARACTERS] or f"{agent} failed without saying why"
    if until_s is None and not _LIMIT.search(clue):
        return Outcome(status="failed", text=text)
    epoch = _EPOCH.search(words)
    moment = float(epoch.group(1)) if until_s is None and epoch else until_s
    return Outcome(status="failed", text=text, retry_after_s=_seconds(words), retry_at_s=moment)


def explained(agent: str, outcome: Outcome, last_errors: Sequence[str]) -> Outcome:
    """The failure of an agent that did not say how it ended, from the last lines it printed."""
    for line in last_errors:
        found = failure(agent, line)
        if not found.retryable or found.retry_after_s is not None:
            return found
    words = plain(last_errors[-1]) if last_errors else ""
    return replace(outcome, text=": ".join(filter(None, (outcome.text, words)))[:ERROR_CHARACTERS])


def plain(said: str) -> str:
    """The message inside of what programs pass on as they got it: the JSON of an interface's error."""
    said = _COLOURS.sub("", said).strip()
    found = parse(said[said.find("{") : said.rfind("}") + 1])
    return (text_at(found, "error", "message") or text_at(found, "message") or said).strip()


def _seconds(words: str) -> float:
    """How long the words ask to wait; 0 when they do not say."""
    later = _LATER.search(words)
    if later is None:
        return 0.0
    amounts = _AMOUNTS.findall(later.group(1))
    return sum(
        float(number) * _UNITS["ms" if unit.lower().startswith(("ms", "mil")) else unit[0].lower()]
        for number, unit in amounts
    )
