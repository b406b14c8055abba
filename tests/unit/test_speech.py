"""What is being said: shown soon, in whole words, and never with a secret cut in two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.agents.redaction import Redactor
from core.agents.speech import LONGEST, WIDTH, Speech

SECRET = "correct horse battery staple"
NOTHING, KNOWN = Redactor(), Redactor({"PASSPHRASE": SECRET})


def heard(speech: Speech, *pieces: str) -> list[str]:
    lines = [line for piece in pieces for line in speech.feed(piece)]
    return lines + speech.flush()


def test_a_line_comes_when_it_is_whole() -> None:
    speech = Speech(NOTHING)
    assert [speech.feed(piece) for piece in ("one\ntw", "o\r\n", "th", "ree")] == [["one"], ["two"], [], []]
    assert speech.flush() == ["three"]
    assert speech.flush() == []


def test_a_long_line_comes_in_parts_between_words_while_it_is_being_said() -> None:
    speech = Speech(NOTHING)
    words = [f"word{number} " for number in range(100)]
    parts = [line for word in words for line in speech.feed(word)]
    assert len(parts) >= 6
    assert all(WIDTH // 2 < len(part) <= WIDTH for part in parts)
    assert "".join([*parts, *speech.flush()]) == "".join(words)


def test_only_a_part_that_goes_on_ends_in_one_blank() -> None:
    lines = heard(Speech(NOTHING), "one \ntwo  \n", "word " * 40 + "last", "\n", "end ")
    assert lines[:2] == ["one", "two  "]
    *parts, last = lines[2:-1]
    assert parts
    assert all(part.endswith("word ") for part in parts)
    assert last.endswith("last")
    assert lines[-1] == "end ", "nothing comes after it"


def test_a_word_without_end_is_cut() -> None:
    lines = heard(Speech(NOTHING), "x" * (3 * LONGEST))
    assert "".join(lines) == "x" * (3 * LONGEST)
    assert max(map(len, lines)) == LONGEST


def test_a_huge_piece_takes_no_longer_than_reading_it() -> None:
    lines = heard(Speech(KNOWN), "many words and more " * 200_000)
    assert len(lines) > 30_000


@given(st.integers(0, 400), st.integers(1, 40), st.sampled_from([" ", "x", "\n"]))
def test_a_secret_stays_in_one_part_however_it_comes(ahead: int, size: int, filler: str) -> None:
    text = f"{filler * ahead}{SECRET}{' and more' * 40}"
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    lines = heard(Speech(KNOWN), *pieces)
    assert any(SECRET in line for line in lines)
    assert "horse" not in "".join(map(KNOWN.line, lines))


@given(st.lists(st.text(alphabet="ab \n", max_size=200), max_size=20))
def test_nothing_but_blanks_and_breaks_is_lost(pieces: list[str]) -> None:
    assert "".join(heard(Speech(KNOWN), *pieces)).replace(" ", "") == "".join(pieces).replace(" ", "").replace("\n", "")
