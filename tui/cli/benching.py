"""`cw bench`: how fast it is on this machine, beside something known."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UsageError
from tui.cli.printing import complain, say, say_json, table

if TYPE_CHECKING:
    from tui.bench.environment import Environment
    from tui.bench.figures import Figure, Floor, Section

FEWEST_EVENTS = 5_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(bench)


def bench(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="append, queue, seek, stream or all.")] = "all",
    peers: Annotated[bool, typer.Option("--peers", help="Beside other libraries, where they are installed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    events: Annotated[int, typer.Option("--events", metavar="N", help="Of the log that is travelled.")] = 1_000_000,
    directory: Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Where to make the files.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", help="How often everybody takes a turn.")] = 5,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", help="How long a turn takes.")] = 0.4,
) -> None:
    """Measure the log, the queue, time travel and the screen, each beside a base in the same run."""
    from tui.bench.environment import look_around
    from tui.bench.rounds import Effort
    from tui.bench.suite import SECTIONS, Report, chosen, place_for

    if events < FEWEST_EVENTS or rounds < 1 or seconds <= 0:
        raise UsageError(f"measuring needs at least {FEWEST_EVENTS:,} events, one round, and some time for each")
    names, place = chosen(what), place_for(directory)

    def measure(effort: Effort) -> tuple[Section, ...]:
        sections: list[Section] = []
        for name in names:
            if sys.stderr.isatty():
                complain(f"measuring {name} …")
            sections.append(SECTIONS[name](effort))
            if not json:
                _say_section(sections[-1])
        return tuple(sections)

    with _signals_clean_up(), TemporaryDirectory(prefix="cw-bench-", dir=place) as made:
        environment = look_around(Path(made))
        if not json:
            _say_where(environment)
        sections = measure(Effort(Path(made), events, rounds, seconds, peers))
    if json:
        say_json(Report(environment=environment, sections=sections))


@contextmanager
def _signals_clean_up() -> Generator[None, None, None]:
    """Whatever ends us ends us as an interrupt does: nothing runs on, and no file is left."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _say_where(environment: Environment) -> None:
    say(
        f"cw {environment.codewalkers}, {environment.python}, SQLite {environment.sqlite}, "
        f"Textual {environment.textual}, {environment.system}"
    )
    say(f"{environment.cpus} CPUs, load {environment.load:.1f}, one durable page takes {environment.sync_us:,.0f} µs")
    sys.stdout.flush()


def _say_section(section: Section) -> None:
    say()
    say(f"{section.name} ({section.seconds:.0f} s): {section.about}.")
    table(
        ["FIGURE", "VALUE", "UNIT", "WANTED", "BESIDE", "ITS VALUE", "RATIO", "WANTED"],
        [row for figure in section.figures for row in _rows(figure)],
        right=(1, 3, 5, 6, 7),
    )
    for note in section.notes:
        say(f"- {note}")
    sys.stdout.flush()


def _rows(figure: Figure) -> Iterator[list[str]]:
    head = [figure.name, _number(figure.value), figure.unit, _wanted(figure.floor, figure.met)]
    if not figure.beside:
        yield [*head, "", "", "", ""]
    for base in figure.beside:
        wanted = _wanted(base.floor, base.met)
        ratio = "" if base.ratio is None else f"{base.ratio:.2f}"
        yield [*head, base.name, _number(base.value), ratio, wanted]
        head = [""] * len(head)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _wanted(floor: Floor | None, met: bool | None) -> str:
    if floor is None:
        return ""
    return f"{'≥' if floor.kind == 'least' else '≤'} {floor.limit:,g} {'yes' if met else 'NO'}"
