"""What events say, by the threes of letters that occur in it: `index.db` narrows a search, the log decides.

The index holds no text, only which events a trigram occurs in (`fts5`, contentless, without places): about as many
bytes as the texts have. Whatever it proposes is looked up in the log, so that a search with and without it finds the
same. Everything here runs in a thread, with a connection to `index.db` (for `index_some` the indexer's).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from core.history.index_file import transaction
from core.log.filters import SAID, Span

LETTERS = 3
"""Words that are shorter narrow nothing."""
AT_ONCE_EVENTS = 2_000
AT_ONCE_CHARACTERS = 1_000_000
"""So much is indexed in one transaction, some 100 ms at most; one event may be more."""


def has_texts(connection: sqlite3.Connection) -> bool:
    """Whether there is room for the texts: this SQLite may have been built without full-text search."""
    return connection.execute("SELECT 1 FROM main.sqlite_schema WHERE name = 'texts'").fetchone() is not None


def searchable(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Up to where what events say is indexed, and the hash of the event there."""
    return connection.execute("SELECT position, hash FROM searchable").fetchone() or (0, b"")


def narrows(words: Sequence[str]) -> bool:
    """Whether the index can say anything about these words."""
    return any(len(word) >= LETTERS for word in words)


def candidates(
    connection: sqlite3.Connection, words: Sequence[str], span: Span, backwards: bool, limit: int
) -> list[int]:
    """The next positions in the span at which all of the words may be said."""
    threes = {word[start : start + LETTERS] for word in words for start in range(len(word) - LETTERS + 1)}
    query = " AND ".join('"' + three.replace('"', '""') + '"' for three in sorted(threes))
    rows = connection.execute(
        "SELECT rowid FROM texts WHERE texts MATCH ? AND rowid > ? AND rowid <= ?"  # noqa: S608  constants
        f" ORDER BY rowid {'DESC' if backwards else 'ASC'} LIMIT ?",
        (query, span.after, span.up_to, limit),
    )
    return [position for (position,) in rows]


def index_some(connection: sqlite3.Connection, head: int) -> int:
    """Index what some more events up to `head` say; up to where that is now done."""
    done, _ = searchable(connection)
    if done >= head or not has_texts(connection):
        return head
    end = _end(connection, done, head)
    with transaction(connection):
        connection.execute(
            f"INSERT INTO texts(rowid, said) SELECT position, {SAID} FROM events WHERE position > ? AND position <= ?",  # noqa: S608  constants
            (done, end),
        )
        connection.execute("DELETE FROM searchable")
        connection.execute(
            "INSERT INTO searchable(position, hash) SELECT position, hash FROM events WHERE position = ?", (end,)
        )
    return end


def _end(connection: sqlite3.Connection, done: int, head: int) -> int:
    """The last position whose text still goes with those before it."""
    (end,) = connection.execute(
        "SELECT max(position) FROM ("
        "SELECT position, length(payload) AS own, sum(length(payload)) OVER (ORDER BY position) AS total"
        " FROM events WHERE position > ? AND position <= ?"
        ") WHERE total - own < ?",
        (done, min(head, done + AT_ONCE_EVENTS), AT_ONCE_CHARACTERS),
    ).fetchone()
    return end
