"""What the dashboard makes of another configuration: it says so, and has other keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.config import Config
from core.engine import Engine
from core.errors import ConfigError
from tui.bindings import Registry
from tui.text import label, literal
from tui.transcript.blocks import Line
from tui.widgets.spans import Span

NAME = Span(literal("CONFIGURATION "), "bad")


class Reconfiguring:
    """Asks once a frame what is in force."""

    def __init__(self, engine: Engine, rebind: Callable[[Registry], None], say: Callable[[str], None]) -> None:
        self._engine, self._rebind, self._say = engine, rebind, say
        self._in_force: Config = engine.config
        self._misbound = ""
        """Why the keys are not those that are configured."""

    def frame(self) -> None:
        """Use what came into force since the last frame, and say so."""
        if self._engine.config is self._in_force:
            return
        self._in_force = self._engine.config
        try:
            registry = Registry(self._in_force.keys)
        except ConfigError as error:
            self._misbound = f"{error}; the keys stay what they were"
        else:
            self._misbound = ""
            self._rebind(registry)
        self._say("codewalkers.toml was read, and is in force from here on")

    def lines(self) -> Iterator[Line]:
        """A sentence for each thing that is wrong with the configuration, until it is mended."""
        refused = self._engine.misconfigured.removeprefix(f"{self._engine.project.root}/")  # a line is short
        if refused:
            yield NAME, Span(label(f"{refused}; what was in force stays so", 300))
        if self._misbound:
            yield NAME, Span(label(self._misbound, 300))
