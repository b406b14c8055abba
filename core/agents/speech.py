"""What an agent says, while it is being said: pieces → lines.

A line that takes long goes out in parts, between words; all but its last part end in one blank, and no line that
is ended does. It is cut elsewhere only where a word has no end. Never within a secret, which would then not be
recognised: so much of the end is held back that whatever begins before a cut is known to its own end.
"""

from __future__ import annotations

from core.agents.redaction import Redactor

WIDTH = 100  # a part is about as long as a line on a screen
LONGEST = 32 * 1024  # of a part without a blank


class Speech:
    """Feed it pieces as they come, and `flush` it when the message is whole."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        """The lines this piece completes, and the parts of a long one."""
        *whole, rest = (self._rest + piece).split("\n")
        lines = [_whole(line) for line in whole]
        start = 0
        while cut := self._cut(rest, start):
            part = rest[start:cut]
            lines.append(f"{part.rstrip(' ')} " if part.endswith(" ") else part)
            start = cut
        self._rest = rest[start:]
        return lines

    def flush(self) -> list[str]:
        """The line that nothing ended, if there is one."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []

    def _cut(self, text: str, start: int) -> int:
        """Where the next part ends; 0 when it is too early to say."""
        last = len(text) - self._redactor.longest
        if last < start + WIDTH:
            return 0
        blank = text.rfind(" ", start + WIDTH // 2, start + WIDTH)
        if blank < 0:
            blank = text.find(" ", start + WIDTH, min(last, start + LONGEST))
        if blank < 0 and last < start + LONGEST:
            return 0
        return self._redactor.after_secret(text, start, blank + 1 if blank >= 0 else start + LONGEST)


def _whole(line: str) -> str:
    line = line.removesuffix("\r")
    return line[:-1] if line.endswith(" ") and not line.endswith("  ") else line  # two of them are a break of Markdown
