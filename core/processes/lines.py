"""Bytes of output → lines of text, whatever the bytes are.

Invariants: the lines do not depend on how the bytes were cut into chunks; however long a line is, no more than its
cap is kept. Forbidden here: I/O, and judging what a line contains: escape sequences pass as they are.
"""

from __future__ import annotations

import codecs

LINE_CAP_BYTES = 64 * 1024
"""What is kept of one line; the rest is counted."""

_new_decoder = codecs.getincrementaldecoder("utf-8")


class LineSplitter:
    r"""Feed it chunks as they come, and `flush` it at the end.

    `\n` and `\r\n` end a line. After a lone `\r` a terminal would write over the line, as progress bars do: what
    comes next replaces what came before. Bytes that are not UTF-8 become U+FFFD. A line over the cap ends with a
    mark that says how many bytes are missing.
    """

    def __init__(self, cap_bytes: int = LINE_CAP_BYTES) -> None:
        self._cap = cap_bytes
        self._kept = bytearray()
        self._dropped = 0
        self._returned = False  # the last byte was `\r`: half a newline, or the start of writing over

    def feed(self, chunk: bytes) -> list[str]:
        """The lines this chunk completes, without their ends."""
        first, newline, rest = chunk.partition(b"\n")
        self._write(first)
        if not newline:
            return []
        lines = [self._end_line()]
        whole, newline, last = rest.rpartition(b"\n")
        if newline:
            lines += self._whole_lines(whole)
        self._write(last)
        return lines

    def flush(self) -> list[str]:
        """At end of file: the line that nothing ended, if there is one."""
        return [self._end_line()] if self._kept else []

    def _whole_lines(self, whole: bytes) -> list[str]:
        if len(whole) <= self._cap and b"\r" not in whole:  # nearly always, and many times faster
            return whole.decode("utf-8", "replace").split("\n")
        lines: list[str] = []
        for line in whole.split(b"\n"):
            self._write(line)
            lines.append(self._end_line())
        return lines

    def _write(self, piece: bytes) -> None:
        """Continue the line with bytes that contain no newline."""
        text = piece.rstrip(b"\r")
        if text:
            _, over, shown = text.rpartition(b"\r")
            if over or self._returned:
                self._kept.clear()
                self._dropped = 0
            room = self._cap - len(self._kept)
            self._kept += shown[:room]
            self._dropped += len(shown[room:])
            self._returned = False
        self._returned |= len(text) < len(piece)

    def _end_line(self) -> str:
        decoder = _new_decoder("replace")
        text = decoder.decode(bytes(self._kept), final=not self._dropped)
        if self._dropped:
            missing = self._dropped + len(decoder.getstate()[0])  # a character cut by the cap goes as a whole
            text += f"…[truncated {missing:,} bytes]"
        self._kept.clear()
        self._dropped, self._returned = 0, False
        return text
