"""The registry of keys: one meaning in one context, four consumers."""

from __future__ import annotations

import inspect
from itertools import product

import pytest

from core.errors import ConfigError
from tui.bindings import ACTIONS, FOCUSES, MODES, Action, Context, Registry, key_name, key_names
from tui.screens.keys import Keys

CONTEXTS = [Context(mode, focus, searching) for mode, focus, searching in product(MODES, FOCUSES, (True, False))]
CONTEXTS += [Context(mode, "detail", searching, asked=True) for mode, searching in product(MODES, (True, False))]


def test_no_key_means_two_things_in_one_context() -> None:
    registry = Registry()
    for context in CONTEXTS:
        keys = [key for action in registry.here(context) for key in action.keys]
        assert len(keys) == len(set(keys)), context


def test_a_second_meaning_is_refused_with_both_names() -> None:
    with pytest.raises(ConfigError, match="'x' would mean both"):
        Registry({"retry": ["x"]})


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no action 'explode'"):
        Registry({"explode": ["x"]})


def test_a_user_may_rebind_a_key() -> None:
    registry = Registry({"cancel": ["ctrl+x"]})
    live = Context("live", "queue")
    assert registry.meaning("x", live) is None
    cancel = registry.meaning("ctrl+x", live)
    assert cancel is not None
    assert cancel.id == "cancel"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_something_that_does_it_and_says_what(action: Action) -> None:
    method = getattr(Keys, action.id)
    assert len(inspect.signature(method).parameters) == 1
    assert action.label
    assert action.help
    assert not action.help.endswith(".")


def test_nothing_that_changes_work_is_offered_in_the_past() -> None:
    registry = Registry()
    for focus in FOCUSES:
        assert not [a for a in registry.footer(Context("time", focus), past=True) if a.changes]


def test_ctrl_q_never_quits() -> None:
    registry = Registry()
    assert all(registry.meaning("ctrl+q", context) is None for context in CONTEXTS)


def test_help_and_quit_are_in_every_footer() -> None:
    registry = Registry()
    for context in CONTEXTS:
        if context in set(registry["help"].contexts()):
            assert {"help", "quit"} <= {action.id for action in registry.footer(context)}


def test_the_keys_of_time_work_with_the_strip_focused_and_in_the_past() -> None:
    registry = Registry()
    for focus in FOCUSES:
        for key, meant in {",": "event_back", ".": "event_forward", "left": "step_back", "right": "step_forward",
                           "space": "play", "home": "first_event", "end": "live", "e": "next_failure",
                           "E": "previous_failure", ":": "prompt", "escape": "back"}.items():  # fmt: skip
            action = registry.meaning(key, Context("time", focus))
            assert action is not None, key
            assert action.id == meant


def test_in_the_past_a_question_under_the_cursor_has_its_keys_and_otherwise_time_has() -> None:
    registry = Registry()
    for key, time, answer in (("d", "compare", "deny"), ("a", "axis", "allow_once")):
        for asked, meant in ((False, time), (True, answer)):
            action = registry.meaning(key, Context("time", "detail", asked=asked))
            assert action is not None
            assert action.id == meant
        live = registry.meaning(key, Context("live", "detail"))
        assert live is not None
        assert live.id == answer


def test_keys_are_shown_as_people_write_them() -> None:
    assert [key_name(key) for key in ("space", "ctrl+d", "shift+left", "x")] == ["␣", "^d", "⇧←", "x"]
    assert key_names(("0", "1", "2")) == ["0–2"]
    assert key_names(("H", "shift+left")) == ["H", "⇧←"]


def test_digits_are_shares_on_the_strip_and_panels_elsewhere() -> None:
    registry = Registry()
    for mode in MODES:
        meanings = [registry.meaning("3", Context(mode, focus)) for focus in FOCUSES[:4]]
        assert {action.id for action in meanings if action is not None} == {"focus_events"}
    on_the_strip = registry.meaning("3", Context("time", "timeline"))
    assert on_the_strip is not None
    assert on_the_strip.id == "percent"
