"""Configuration: every mistake is an error that names file, line and key."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config import BUILT_IN, CONFIG_NAME, Config, Profile
from core.errors import ConfigError
from core.known_agents import KNOWN_AGENTS
from core.settings import load_config

GOOD = """
max_agents = 8
tenant = "team"

[retry]
backoff = "2s"

[profiles.crew]
command = ["agent", "--prompt", "{prompt}"]
env = { TOKEN = "secret" }
pass_env = ["HOME_TOKEN"]
min = 1
max = 3
idle_timeout = "10m"
restart = { when = "on-failure", max_restarts = 2, window = "1h" }
"""


def load(tmp_path: Path, text: str) -> Config:
    (tmp_path / CONFIG_NAME).write_text(text, encoding="utf-8")
    return load_config(tmp_path)


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.max_agents == 4
    assert config.profile("shell") is not None
    assert config.profile("ghost") is None


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    crew = config.profiles["crew"]
    assert (config.max_agents, config.tenant, config.retry.backoff, config.retry.max_backoff) == (
        8, "team", 2_000, 60_000,
    )  # fmt: skip
    assert (crew.command, crew.min, crew.max, crew.idle_timeout) == (("agent", "--prompt", "{prompt}"), 1, 3, 600_000)
    assert (crew.restart.when, crew.restart.max_restarts, crew.restart.window) == ("on-failure", 2, 3_600_000)
    assert "shell" in config.profiles, "what is built in stays"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_agent = 3\n", ":1: max_agent: there is no such key"),
        ("\nmax_agents = 0\n", ":2: max_agents: Input should be greater than or equal to 1"),
        ("[profiles.a]\nmin = 3\nmax = 2\n", ":1: profiles.a: min (3) is larger than max (2)"),
        ("[profiles.a]\ncolour = 1\n", ":2: profiles.a.colour: there is no such key"),
        ("[profiles.aa]\nmin = 1\n\n[profiles.a]\nmin = -1\n", ":5: profiles.a.min: Input should be greater"),
        ('[profiles.a]\n# min\ndescription = "minimal"\nmin = -1\n', ":4: profiles.a.min: Input"),
        ('[profiles."a.b"]\nmin = -1\n', ":2: profiles.a.b.min: Input"),
        ("[profiles.a]\ncommand = 5\n", ":2: profiles.a.command: write text, in quotes"),
        ("[profiles.a]\ncommand = [\n  5,\n]\n", ":2: profiles.a.command: write text, in quotes"),
        ('[profiles.a]\ncommand = ["sh", "-c", "x {prompt}"]\n', ':1: profiles.a: a prompt must not become a part'),
        ("[profiles.a]\nenv = { A = 1 }\n", ":2: profiles.a.env.A: write text, in quotes"),
        ("[profiles.a.env]\nA = 1\n", ":2: profiles.a.env.A: write text, in quotes"),
        ('[profiles.a]\ntimeout = "soon"\n', ":2: profiles.a.timeout: 'soon' is not a duration; write it like 500ms"),
        ("[profiles.a]\ntimeout = inf\n", ":2: profiles.a.timeout: inf is not a duration"),
        ('[profiles.a]\nadapter = "magic"\n', ":2: profiles.a.adapter: Input should be 'command'"),
        ('[profiles.a]\nrestart = { when = "maybe" }\n', ":2: profiles.a.restart.when: Input should be 'never'"),
        ("[profiles.a.restart]\nwhen = 1\n", ":2: profiles.a.restart.when: Input should be"),
        ("profiles = 3\n", ":1: profiles: write a table"),
        ("[retry]\nbackoff = true\n", ":2: retry.backoff: True is not a duration"),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    message = str(caught.value).removeprefix(str(tmp_path / CONFIG_NAME))
    assert message.startswith(expected), message
    assert caught.value.exit_code == 2


def test_a_syntax_error_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"codewalkers\.toml:2: .*, at column 11$"):
        load(tmp_path, "max_agents = 3\n[profiles.\n")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).mkdir()
    with pytest.raises(ConfigError, match=r"codewalkers\.toml: it cannot be read: Is a directory"):
        load_config(tmp_path)


def test_the_built_in_profile_can_be_configured(tmp_path: Path) -> None:
    shell = load(tmp_path, '[profiles.shell]\ntimeout = "1m"\n').profiles["shell"]
    assert shell == BUILT_IN["shell"].model_copy(update={"timeout": 60_000})


def test_a_configuration_never_changes(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(tmp_path, "").max_agents = 9  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("command", [("sh", "-lc", "a {prompt}"), ("/usr/bin/fish", "-c", "a {prompt}", "b")])
def test_a_prompt_is_not_let_into_a_shell_line(command: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="must not become a part of a shell line"):
        Profile(command=command)


@pytest.mark.parametrize(
    "command",
    [
        (),
        "echo '{prompt}'",
        ("agent", "{prompt}"),
        ("sh", "-c", 'a "$1"', "a", "{prompt}"),
        ("sh", "script", "{prompt}"),
    ],
)
def test_a_prompt_may_be_an_argument_of_anything(command: object) -> None:
    Profile.model_validate({"command": command})


@given(st.text("[]=\"'#\n.{}, profiles max_agents 123 retry restart when", max_size=80))
def test_no_text_at_all_makes_loading_fail_in_another_way(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.getbasetemp() / "any"
    directory.mkdir(exist_ok=True)
    with suppress(ConfigError):
        load(directory, text)


@pytest.mark.parametrize("name", KNOWN_AGENTS)
def test_an_agent_known_by_name_is_a_profile_without_any_configuration(tmp_path: Path, name: str) -> None:
    profile = load(tmp_path, "").profiles[name]
    assert isinstance(profile.command, tuple)
    assert Path(profile.command[0]).name == name
    assert profile.needs_prompt
    assert profile.description
    assert not {*profile.pass_env} & {*profile.plain_env}
    if profile.adapter != "command":
        assert profile.adapter == f"jsonl:{name}"


def test_settings_without_a_command_change_what_is_known_and_others_stand_alone(tmp_path: Path) -> None:
    known = Config().profiles["codex"]
    config = load(tmp_path, '[profiles.codex]\nmax = 2\n[profiles.gemini]\ncommand = ["mine", "{prompt}"]\n')
    assert config.profiles["codex"] == known.model_copy(update={"max": 2})
    assert config.profiles["gemini"] == Profile(command=("mine", "{prompt}"))


def test_a_mistake_in_settings_of_a_known_agent_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"codewalkers\.toml:3: profiles\.codex\.maximum: there is no such key"):
        load(tmp_path, "[profiles.codex]\nmax = 2\nmaximum = 3\n")
    with pytest.raises(ConfigError, match=r"codewalkers\.toml:1: profiles\.codex"):
        load(tmp_path, "profiles.codex = 3\n")


def test_a_program_that_writes_its_records_into_a_file_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"name it as \{records\} in an argument"):
        load(tmp_path, '[profiles.m]\nadapter = "jsonl:mini"\ncommand = ["mini", "-t", "{prompt}"]\n')


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({"command": ("serve",)}, False),
        ({"command": "serve --all"}, False),
        ({}, False),
        ({"command": ("agent", "{prompt}")}, True),
        ({"command": 'agent "$CW_PROMPT"'}, True),
        ({"command": ("codex", "exec", "-"), "adapter": "jsonl:codex"}, True),
    ],
)
def test_what_runs_only_with_a_prompt(settings: dict[str, object], needs: bool) -> None:
    assert Profile.model_validate(settings).needs_prompt == needs
