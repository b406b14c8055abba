"""Where the configuration comes from: the call, over the environment, over `codewalkers.toml`, over what is built in.

Read as a whole and validated once. Every mistake is found at once, and named with its file and line, or the variable.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from core.config import CONFIG_NAME, KNOWN, Config, plain
from core.errors import ConfigError, Mistake
from core.toml_places import Places

Tables = Mapping[str, object]
KeyPath = tuple[str, ...]

PREFIX, BETWEEN = "CW_", "__"
"""The variable of `budget.day.usd` is CW_BUDGET__DAY__USD."""

SECRET = "[secret]"  # noqa: S105  what is shown instead
_SECRETS = ("env", "headers")  # tables whose values are treated as secrets


class Setting(NamedTuple):
    """A value in force."""

    key: str
    value: object
    """As one would write it; `[secret]` for a secret."""
    origin: str
    """`codewalkers.toml:3`, a variable, `the call`, `built in` or `default`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read."""

    source: Settings
    config: Config
    found: bool
    """Whether there is a file."""
    content_hash: str
    """Of the file."""
    layers: _Layers

    def settings(self) -> Iterator[Setting]:
        """Every value in force, and where it comes from."""
        for path, value in _leaves(self.config.model_dump(mode="json")):
            shown = SECRET if len(path) > 1 and path[-2] in _SECRETS else value
            yield Setting(".".join(path), shown, self.layers.origin(path))

    def located(self, mistake: Mistake) -> Mistake:
        """The mistake, with the place of what it is about."""
        return self.layers.located(mistake.path, mistake.what)


class Settings:
    """The configuration of a project, as often as it is read; keywords are what the call demands."""

    def __init__(self, project: Path, **call: object) -> None:
        self.file = project / CONFIG_NAME
        self._call = call

    def read(self) -> Reading:
        """What is configured now.

        Raises:
            ConfigError: with all mistakes.
        """
        content = _content(self.file)
        text, tables = _parsed(self.file, content or b"")
        source = _Variables(_Environment)
        layers = _Layers(self._call, source(), frozenset(source.env_vars), tables, Places(str(self.file), text))
        try:
            config = Config.model_validate(layers.merged())
        except ValidationError as error:
            found = {mistake.path: mistake for mistake in reversed(list(_mistakes(layers, error)))}
            raise ConfigError(*sorted(found.values(), key=lambda mistake: mistake.line or 0)) from error
        return Reading(self, config, content is not None, hashlib.sha256(content or b"").hexdigest(), layers)


def load_config(project: Path) -> Config:
    """The project's configuration; the defaults when nothing is configured.

    Raises:
        ConfigError
    """
    return Settings(project).read().config


class _Environment(Config, BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=BETWEEN)


class _Variables(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value  # its validation says better what is wrong


@dataclass(frozen=True, slots=True)
class _Layers:
    """What was said where."""

    call: Tables
    variables: Tables
    names: frozenset[str]
    """Of all variables there are, in small letters."""
    tables: Tables
    places: Places

    def merged(self) -> Tables:
        return _over(self.call, _over(self.variables, self.tables))

    def origin(self, path: KeyPath) -> str:
        if _at(self.call, path) is not None:
            return "the call"
        if _at(self.variables, path) is not None:
            return self._variable(path)
        if self.places.known(path) == path:
            return Path(self.places.name(path)).name
        return "built in" if self._is_built_in(path) else "default"

    def located(self, path: tuple[str | int, ...], what: str) -> Mistake:
        in_variables = tuple(map(str, path))
        while in_variables and _at(self.variables, in_variables) is None:
            in_variables = in_variables[:-1]
        in_file = self.places.known(path)
        is_value = not isinstance(_at(self.variables, in_variables), dict)  # and so what is in the file is outdone
        if len(in_variables) >= len(in_file) + (not is_value):
            return Mistake(in_variables, what, self._variable(in_variables))
        return Mistake(in_file, what, self.places.source, self.places.line(path))

    def _variable(self, path: KeyPath) -> str:
        """The variable that says it: its own one, or that of a table around it, written as JSON."""
        names = [PREFIX + BETWEEN.join(path[:end]) for end in range(len(path), 0, -1)]
        return next(name for name in names if name.lower() in self.names).upper()

    def _is_built_in(self, path: KeyPath) -> bool:
        """Whether it is said by what we know of a profile, which one with a command of its own does not go on from."""
        if len(path) < 3 or path[0] != "profiles" or _at(self.merged(), (*path[:2], "command")) is not None:
            return False
        return path[2] in KNOWN.get(path[1], {})


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(Mistake((), f"it cannot be read: {error.strerror}", str(path))) from error


def _parsed(path: Path, content: bytes) -> tuple[str, Tables]:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(Mistake((), "it is not written in UTF-8", str(path), line)) from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        if where is None:
            raise ConfigError(Mistake((), str(error), str(path))) from error
        sentence = f"{str(error)[: where.start()]}, at column {where[2]}"
        raise ConfigError(Mistake((), sentence, str(path), int(where[1]))) from error


def _mistakes(layers: _Layers, error: ValidationError) -> Iterator[Mistake]:
    for one in error.errors():
        yield layers.located(one["loc"], plain(one))


def _over(above: Tables, below: Tables) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(_table(value), _table(under)) if _is_table(value) and _is_table(under) else value
    return merged


def _at(tables: Tables, path: KeyPath) -> object:
    """What is said of the path; None when nothing is."""
    here: object = tables
    for key in path:
        here = _table(here).get(key) if _is_table(here) else None
    return here


def _leaves(tables: Tables, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    for key, value in tables.items():
        if _is_table(value) and value:
            yield from _leaves(_table(value), (*path, key))
        else:
            yield (*path, key), value


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _table(value: object) -> Tables:
    return cast("Tables", value)
