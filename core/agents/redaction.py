"""Redaction: secrets are taken out of text before it is appended, because an append-only log cannot forget.

First the values we know, since we hand them to the agent ourselves, in every form agents print them in; then patterns
specific enough to be believed. Line by line: a secret cut by a read would otherwise slip through.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping

SHORTEST_SECRET = 6  # shorter values occur in innocent text

_PATTERNS = {
    "key": r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{35}|glpat-[0-9A-Za-z_-]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,})",
    "token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,}|xox[abposr]-[A-Za-z0-9-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})",
    "private-key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "url-password": r"(?<=://)[^/\s:@]{1,64}:[^/\s:@]{3,}(?=@)",
}
_SPECIFIC = re.compile("|".join(f"(?P<{name.replace('-', '_')}>{pattern})" for name, pattern in _PATTERNS.items()))
# A line without any of these cannot match: one fast scan instead of four slow ones.
_HINT = re.compile(r"sk-|AIza|glpat-|AKIA|ASIA|npm_|hf_|gh[pousr]_|github_pat_|xox|eyJ|PRIVATE KEY|://")


def _forms(value: str) -> Iterator[str]:
    """The value, its lines, how JSON quotes it, and its base64, which may be that of the value and a newline."""
    yield value
    yield from map(str.strip, value.splitlines())
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode("utf-8", "surrogateescape")
    if len(raw) >= SHORTEST_SECRET:
        encoded = base64.b64encode(raw).decode()
        yield encoded
        yield encoded[: len(raw) // 3 * 4]


class Redactor:
    """Takes known values and well-known shapes of secrets out of lines."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        self.longest = 0
        """How many characters the longest value has that is known."""
        self._known: re.Pattern[str] | None = None
        self.learn(secrets or {})

    def learn(self, secrets: Mapping[str, str]) -> None:
        """Know these values too, by name."""
        for name, value in secrets.items():
            self._names |= {form: name for form in _forms(value) if len(form) >= SHORTEST_SECRET}
        self.longest = max(map(len, self._names), default=0)
        longest_first = sorted(self._names, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def after_secret(self, text: str, start: int, cut: int) -> int:
        """The place where the text may be cut: there, or after the known value that would be cut in two.

        `longest` characters behind the place have to be there, and no secret stands across `start`.
        """
        if self._known is None:
            return cut
        across = (match for match in self._known.finditer(text, start, cut + self.longest) if match.end() > cut)
        secret = next(across, None)
        return secret.end() if secret is not None and secret.start() < cut else cut

    def line(self, text: str) -> str:
        """The line with every secret replaced by `[REDACTED:what]`."""
        if self._known is not None:
            text = self._known.sub(lambda match: f"[REDACTED:{self._names[match.group()]}]", text)
        if _HINT.search(text):
            text = _SPECIFIC.sub(lambda match: f"[REDACTED:{(match.lastgroup or '').replace('_', '-')}]", text)
        return text

    def text(self, text: str) -> str:
        """`line` for each line of a text."""
        return "\n".join(self.line(part) for part in text.split("\n"))
