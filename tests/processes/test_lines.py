"""Output becomes lines, whatever the bytes are and however they arrive."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.processes.lines import LINE_CAP_BYTES, LineSplitter

CAP = 8
PIECES = [b"\n", b"\r", b"\r\n", b"a", b"bc", "é".encode(), "😀".encode(), b"\xff", b"\xf0\x9f", b"0" * 11]
OUTPUT = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


def split(*chunks: bytes, cap_bytes: int = LINE_CAP_BYTES) -> list[str]:
    splitter = LineSplitter(cap_bytes)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.flush()


@given(output=OUTPUT, cuts=st.lists(st.integers(0, 200)), cap_bytes=st.sampled_from([CAP, LINE_CAP_BYTES]))
def test_where_the_chunks_are_cut_changes_no_line(output: bytes, cuts: list[int], cap_bytes: int) -> None:
    edges = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    chunks = [output[start:end] for start, end in pairwise(edges)]
    assert split(*chunks, cap_bytes=cap_bytes) == split(output, cap_bytes=cap_bytes)


@given(output=st.binary(max_size=200))
def test_one_chunk_or_bytes_one_by_one_are_the_same(output: bytes) -> None:
    assert split(*(output[at : at + 1] for at in range(len(output)))) == split(output)


@given(lines=st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
def test_text_lines_come_back_as_they_were(lines: list[str]) -> None:
    assert split("".join(f"{line}\n" for line in lines).encode()) == lines
    assert split("".join(f"{line}\r\n" for line in lines).encode()) == lines


def test_the_last_line_needs_no_newline() -> None:
    assert split(b"a\nb") == ["a", "b"]
    assert split(b"a\n") == ["a"]
    assert split(b"") == []


def test_empty_lines_are_lines() -> None:
    assert split(b"\n\na\n\n") == ["", "", "a", ""]


def test_a_progress_bar_is_the_last_it_showed() -> None:
    assert split(b" 1%\r50%\r100%\ndone\n") == ["100%", "done"]
    assert split(b" 1%\r", b"50%\r", b"100%\r", b"\r\n") == ["100%"]
    assert split(b" 1%\r50%\r") == ["50%"]


def test_a_lone_return_at_the_edge_of_a_chunk_waits_for_what_follows() -> None:
    assert split(b"a\r", b"\nb\n") == ["a", "b"]
    assert split(b"a\r", b"b\n") == ["b"]


def test_broken_utf_8_is_replaced_and_a_character_cut_by_a_chunk_is_not() -> None:
    assert split(b"\xff\xfe\n") == ["��"]
    assert split(b"\xf0\x9f", b"\x98\x80\n") == ["😀"]


def test_a_line_over_the_cap_says_how_much_is_missing() -> None:
    assert split(b"1234567890\nnext\n", cap_bytes=CAP) == ["12345678…[truncated 2 bytes]", "next"]
    assert split(b"12345678\n", cap_bytes=CAP) == ["12345678"]


def test_a_character_cut_by_the_cap_goes_as_a_whole() -> None:
    assert split("1234567é\n".encode(), cap_bytes=CAP) == ["1234567…[truncated 2 bytes]"]


def test_what_was_written_over_is_not_missing() -> None:
    assert split(b"12345678901234\rdone\n", cap_bytes=CAP) == ["done"]


def test_a_line_of_100_mb_is_never_kept() -> None:
    chunk, chunks = b"x" * 65536, 1600
    splitter = LineSplitter()
    tracemalloc.start()
    try:
        assert all(splitter.feed(chunk) == [] for _ in range(chunks))
        (line,) = splitter.feed(b"\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert line == "x" * LINE_CAP_BYTES + f"…[truncated {chunks * 65536 - LINE_CAP_BYTES:,} bytes]"
    assert peak < 8 * LINE_CAP_BYTES
