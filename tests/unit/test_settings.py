"""Where the configuration comes from, who has the last word, and all that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import BUILT_IN, CONFIG_NAME, Config
from core.durations import LONGEST_MS, parse_ms, written_ms
from core.errors import ConfigError
from core.settings import SECRET, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / CONFIG_NAME


def origins(settings: Settings) -> dict[str, str]:
    return {setting.key: setting.origin for setting in settings.read().settings()}


def values(settings: Settings) -> dict[str, object]:
    return {setting.key: setting.value for setting in settings.read().settings()}


def wrong(settings: Settings) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings.read()
    return [str(mistake).removeprefix(f"{settings.file.parent}/") for mistake in caught.value.mistakes]


# -- who has the last word ----------------------------------------------------------------------------------------


def test_the_call_outdoes_the_environment_which_outdoes_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('max_agents = 2\ntenant = "team"\n[retry]\nbackoff = "2s"\n')
    monkeypatch.setenv("CW_MAX_AGENTS", "3")
    monkeypatch.setenv("CW_RETRY__MAX_BACKOFF", "5m")
    config = Settings(file.parent, max_agents=4).read().config
    assert (config.max_agents, config.tenant) == (4, "team")
    assert (config.retry.backoff, config.retry.max_backoff) == (2_000, 300_000)
    assert Settings(file.parent).read().config.max_agents == 3


def test_a_variable_reaches_everything_also_in_profiles(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[profiles.crew]\ncommand = ["crew", "{prompt}"]\nmax = 2\n')
    monkeypatch.setenv("CW_PROFILES__CREW__MAX", "7")
    monkeypatch.setenv("CW_PROFILES__CREW__RESTART__WHEN", "always")
    monkeypatch.setenv("CW_PROFILES__CREW__PASS_ENV", '["A_KEY"]')
    monkeypatch.setenv("CW_PROFILES__CODEX__MAX", "1")
    profiles = Settings(file.parent).read().config.profiles
    crew = profiles["crew"]
    assert (crew.max, crew.restart.when, crew.pass_env) == (7, "always", ("A_KEY",))
    assert crew.command == ("crew", "{prompt}")
    assert profiles["codex"] == BUILT_IN["codex"].model_copy(update={"max": 1})


def test_variables_that_agents_are_given_configure_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CW_AGENT_ID", "CW_PROMPT", "CW_TOOLS_URL", "CW_TOOLS_TOKEN", "CW_LIVE"):
        monkeypatch.setenv(name, "anything")
    assert Settings(tmp_path).read().config == Config()


def test_each_value_says_where_it_comes_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('tenant = "team"\n\n[profiles.crew]\ncommand = ["crew"]\nrestart = { when = "always" }\n')
    monkeypatch.setenv("CW_BUDGET__DAY__USD", "5")
    found = origins(Settings(file.parent, max_agents=4))
    assert found["max_agents"] == "the call"
    assert found["budget.day.usd"] == "CW_BUDGET__DAY__USD"
    assert found["tenant"] == "codewalkers.toml:1"
    assert found["profiles.crew.command"] == "codewalkers.toml:4"
    assert found["profiles.crew.restart.when"] == "codewalkers.toml:5"
    assert found["profiles.crew.restart.window"] == "default"
    assert found["profiles.codex.command"] == "built in"
    assert found["profiles.codex.max"] == "default"
    assert found["profiles.shell.max"] == "built in"


def test_a_profile_with_a_command_of_its_own_has_nothing_built_in(file: Path) -> None:
    file.write_text('[profiles.codex]\ncommand = ["mine"]\n')
    found = {origin for key, origin in origins(Settings(file.parent)).items() if key.startswith("profiles.codex.")}
    assert found == {"codewalkers.toml:2", "default"}


def test_values_are_written_as_one_would_write_them_and_secrets_are_not(file: Path) -> None:
    file.write_text(
        '[profiles.crew]\ntimeout = "90s"\nenv = { KEY = "s3cret" }\n'
        '[profiles.crew.conversation.mcp_servers.web]\nurl = "http://x"\nheaders = { Authorization = "s3cret" }\n'
    )
    found = values(Settings(file.parent))
    assert found["profiles.crew.timeout"] == "1m30s"
    assert found["profiles.crew.env.KEY"] == SECRET
    assert found["profiles.crew.conversation.mcp_servers.web.headers.Authorization"] == SECRET
    assert "s3cret" not in str(found)


@given(st.integers(0, LONGEST_MS))
def test_a_duration_is_read_as_it_was_written(milliseconds: int) -> None:
    assert parse_ms(written_ms(milliseconds)) == milliseconds


# -- what is wrong ------------------------------------------------------------------------------------------------


def test_all_mistakes_are_found_at_once_in_the_order_of_their_lines(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        'max_agent = 3\n\n[profiles.crew]\ncommand = [5, "x", 6]\nmin = "many"\ncolour = 1\n[retry]\nbackoff = "soon"\n'
    )
    assert wrong(Settings(file.parent)) == [
        "codewalkers.toml:1: max_agent: there is no such key",
        "codewalkers.toml:4: profiles.crew.command: write text, in quotes",
        "codewalkers.toml:5: profiles.crew.min: write a whole number",
        "codewalkers.toml:6: profiles.crew.colour: there is no such key",
        "codewalkers.toml:8: retry.backoff: 'soon' is not a duration; write it like 500ms, 5s, 2m or 1h30m",
    ]
    with pytest.raises(ConfigError, match=r":1: max_agent: .* \(and 4 more: `cw config check` names all\)$"):
        Settings(file.parent).read()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CW_MAX_AGENTS", "many", "CW_MAX_AGENTS: max_agents: write a whole number"),
        ("CW_TOOLS__DEPTH", "3", "CW_TOOLS__DEPTH: tools.depth: there is no such key"),
        ("CW_KEYS", "x", "CW_KEYS: keys: write a table"),
        ("CW_PROFILES__CREW__MAX", "x", "CW_PROFILES__CREW__MAX: profiles.crew.max: write a whole number"),
        (
            "CW_PROFILES__CREW__COMMAND",
            "[5]",
            "CW_PROFILES__CREW__COMMAND: profiles.crew.command: write text, in quotes",
        ),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    file.write_text("max_agents = 3\n[profiles.crew]\nmin = 1\n")
    monkeypatch.setenv(name, value)
    assert wrong(Settings(file.parent)) == [sentence]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"max_agents = \n", "codewalkers.toml:1: Invalid value, at column 14"),
        (b"a = 1\n[b]\nc = 2\nc = 3\n", "codewalkers.toml:4: Cannot overwrite a value, at column 6"),
        (b"a = 1\n\xff\n", "codewalkers.toml:2: it is not written in UTF-8"),
    ],
)
def test_what_is_no_toml_is_named_with_its_line(file: Path, content: bytes, sentence: str) -> None:
    file.write_bytes(content)
    assert wrong(Settings(file.parent)) == [sentence]


def test_a_file_from_windows_is_read(file: Path) -> None:
    file.write_bytes("\ufeffmax_agents = 3\r\n\r\n[retry]\r\nbackoff = '7s'\r\n".encode())
    config = Settings(file.parent).read().config
    assert (config.max_agents, config.retry.backoff) == (3, 7_000)
