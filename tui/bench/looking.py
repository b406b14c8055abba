"""Looks at moments all over a log, through the timeline and through bare SQLite in turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from tui.bench.figures import Figure, Floor, beside, figure, percentile
from tui.bench.rounds import clock, in_thread, take_turns

LOOKS = 200  # in a round
GOLDEN = 0.618_033_988_749_895
SHARES = (0.5, 0.99)

Samples = list[float]
"""How many milliseconds each look took."""


class Looks:
    """The same kind of look, many times, at other moments in each round and at the same ones in each run."""

    def __init__(self, path: Path, head: int, rounds: int) -> None:
        self._path, self._head, self._rounds = path, head, rounds
        self._taken = 0

    def _positions(self, walk: int) -> list[int]:
        self._taken += LOOKS
        if walk:
            middle = self._head // 4 + int(self._taken * GOLDEN % 1 * (self._head // 2))
            return [middle + walk * number for number in range(LOOKS)]
        return [1 + int((self._taken + number) * GOLDEN % 1 * (self._head - 1)) for number in range(LOOKS)]

    async def compare(
        self, name: str, look: Callable[[int], Awaitable[object]], base: tuple[str, str], *,
        walk: int = 0, floors: tuple[Floor | None, Floor | None],
    ) -> list[Figure]:  # fmt: skip
        """How long half of the looks take at most, and 99 of 100, with the floors of both.

        `base` is a name and a query that gets the same from bare SQLite; `:at` in it is the position. With `walk`
        the looks of a round are neighbours, one so far from the other, and follow a look at where they begin, which
        is not timed.
        """

        async def ours() -> Samples:
            samples: Samples = []
            positions = self._positions(walk)
            if walk:
                await look(positions[0] - walk)
            for position in positions:
                began = clock.monotonic()
                await look(position)
                samples.append(1000 * (clock.monotonic() - began))
            return samples

        def bare() -> Samples:
            samples: Samples = []
            with closing(connected(self._path)) as connection:
                for position in self._positions(walk):
                    began = clock.monotonic()
                    connection.execute(base[1], {"at": position}).fetchall()
                    samples.append(1000 * (clock.monotonic() - began))
            return samples

        samples = await take_turns({"ours": ours, "bare": in_thread(bare)}, self._rounds)
        figures: list[Figure] = []
        for share, floor in zip(SHARES, floors, strict=True):
            mine, theirs = ([percentile(one, share) for one in samples[who]] for who in ("ours", "bare"))
            title = f"{name}, p{100 * share:.0f}"
            figures.append(figure(title, "ms", mine, beside(base[0], mine, theirs), floor=floor))
        return figures


def connected(path: Path) -> sqlite3.Connection:
    """A reader like any program's."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
