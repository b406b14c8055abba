"""Plans: every mistake is an error that names the line and says what is wrong."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Config
from core.errors import PlanError
from core.plan import Plan

GOOD = """
[[task]]
id = "build"
run = "make"

[[task]]
id = "tests"
title = "Run the tests"
command = ["python", "-m", "pytest"]
priority = 5
depends_on = ["build"]
max_attempts = 3
timeout = "2m"
delay = "1h30m"
idempotent = true
labels = ["slow"]
kind = "check"
workspace = "inner"
"""


A = '[[task]]\nid = "a"\nrun = "x"\n'


def load(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return Plan.load(path)


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(PlanError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "plan.toml")), message
    assert caught.value.exit_code == 2
    return message.removeprefix(str(tmp_path / "plan.toml"))


def test_a_whole_plan_is_read(tmp_path: Path) -> None:
    build, tests = load(tmp_path, GOOD).tasks
    assert (build.run, build.profile, build.max_attempts, build.timeout) == ("make", "shell", 1, None)
    assert tests.command == ("python", "-m", "pytest")
    assert (tests.timeout, tests.delay, tests.depends_on, tests.idempotent) == (120_000, 5_400_000, ("build",), True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A + 'retries = 3\n', ":4: task 'a' has an unknown key 'retries'"),
        ('[[task]]\nrun = "x"\n', ":1: a task has no id"),
        ('[[task]]\nid = ""\nrun = "x"\n', ":2: id of task '': write at least one character"),
        ('[[task]]\nid = "a"\n', ":1: task 'a' has nothing to do; give it run, command or prompt"),
        (A + 'prompt = "y"\n', ":1: task 'a' has both run and prompt; give it"),
        ("\n\n" + A + 'timeout = "soon"\n', ":6: timeout of task 'a': 'soon' is not a duration; write it like 500ms"),
        (A + 'delay = -5\n', ":4: delay of task 'a': -5 is not a duration"),
        (A + 'delay = true\n', ":4: delay of task 'a': True is not a duration"),
        (A + 'delay = inf\n', ":4: delay of task 'a': inf is not a duration"),
        (A + 'delay = nan\n', ":4: delay of task 'a': nan is not a duration"),
        (A + 'delay = "999999999999d"\n', ":4: delay of task 'a': '999999999999d' is too long"),
        (A + 'max_attempts = 0\n', ":4: max_attempts of task 'a'"),
        (A + 'priority = "high"\n', ":4: priority of task 'a': write a whole number"),
        (A + 'priority = 1000000000000000000000\n', ":4: priority of task 'a'"),
        (A + 'idempotent = "yes"\n', ":4: idempotent of task 'a': write true or false"),
        (A + 'depends_on = "b"\n', ":4: depends_on of task 'a': write a list, like"),
        (A + 'depends_on = [1]\n', ":4: depends_on of task 'a': write text, in quotes"),
        ('[[task]]\nid = 7\nrun = "x"\n', ":2: id of a task: write text, in quotes"),
        (A + '\n[[task]]\nid = "a"\nrun = "y"\n', ":5: there are two tasks with the id 'a'"),
        (A + 'depends_on = ["b"]\n', ":4: task 'a' depends on 'b', which is not in the plan"),
        (A + 'depends_on = ["a"]\n', ":4: the tasks depend on each other in a circle: a → a"),
        ('tasks = 1\n[[task]]\nid = "a"\nrun = "x"\n', ":1: there is no key 'tasks' in a plan; tasks are [[task]]"),
        ('# a comment\n\n[[tasks]]\nid = "a"\n', ":3: there is no key 'tasks' in a plan"),
        ('[task]\nid = "a"\nrun = "x"\n', ":1: a task is written [[task]], with two brackets"),
        ("task = [1, 2]\n", ":1: a task is a table, written [[task]]"),
        ("", ": it has no [[task]]"),
        ('[[task]\nid = "a"\n', ": Expected"),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected), problem(tmp_path, text)


def test_a_syntax_error_names_the_line(tmp_path: Path) -> None:
    assert "(at line 3, column" in problem(tmp_path, '[[task]]\nid = "a"\nrun = "unfinished\n')


def test_a_circle_is_drawn_the_way_the_tasks_depend(tmp_path: Path) -> None:
    text = "".join(
        f'[[task]]\nid = "{name}"\nrun = "x"\ndepends_on = ["{needs}"]\n'
        for name, needs in (("a", "b"), ("b", "c"), ("c", "a"))
    )
    message = problem(tmp_path, text)
    circle = message.rpartition(": ")[2].split(" → ")
    assert circle[0] == circle[-1]
    assert {*circle} == {"a", "b", "c"}
    needs = {"a": "b", "b": "c", "c": "a"}
    assert all(needs[one] == next_ for one, next_ in pairwise(circle))
    line = int(message.split(":")[1])
    assert text.splitlines()[line - 1].startswith("depends_on")


def test_the_second_of_two_tasks_is_named_by_its_own_line(tmp_path: Path) -> None:
    text = A + 'timeout = "1s"\n\n[[task]]\nid = "b"\nrun = "y"\n\ntimeout = "never"\n'
    assert problem(tmp_path, text).startswith(":10: timeout of task 'b'")


@pytest.mark.parametrize("header", ["[[ task ]]", '[["task"]]', "[[task]] # comment", "  [[task]]"])
def test_however_a_task_begins_its_line_is_found(tmp_path: Path, header: str) -> None:
    text = f'{header}\nid = "a"\nrun = "x"\ndelay = 1\n{header}\nid = "b"\nrun = "y"\ndelay = "x"\n'
    assert problem(tmp_path, text).startswith(":8: delay of task 'b'")


def test_what_only_looks_like_a_task_or_a_key_is_not_counted(tmp_path: Path) -> None:
    text = (
        '# [[task]] """\n'
        "[[task]]\n"
        'id = "a"\n'
        "prompt = '''\n[[task]]\ndelay = \"no\"\n'''\n"
        "# delay\n"
        'delay = "bad"\n'
    )  # fmt: skip
    assert problem(tmp_path, text).startswith(":9: delay of task 'a'")


def test_a_list_over_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    text = A + 'depends_on = [\n  "b",\n]\n'
    assert problem(tmp_path, text).startswith(":4: task 'a' depends on 'b'")


def test_tasks_as_inline_tables_are_read_and_their_mistakes_told(tmp_path: Path) -> None:
    assert len(load(tmp_path, 'task = [{id = "a", run = "x"}, {id = "b", run = "y"}]\n').tasks) == 2
    assert "delay of task 'b'" in problem(
        tmp_path, 'task = [{id = "a", run = "x"}, {id = "b", run = "y", delay = "z"}]\n'
    )


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"absent\.toml cannot be read: No such file or directory"):
        Plan.load(tmp_path / "absent.toml")
    with pytest.raises(PlanError, match="cannot be read: Is a directory"):
        Plan.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'[[task]]\nid = "\xe9"\n')
    with pytest.raises(PlanError, match=r"latin\.toml cannot be read: .*utf-8"):
        Plan.load(tmp_path / "latin.toml")


def test_tables_that_come_from_elsewhere_are_checked_alike() -> None:
    with pytest.raises(PlanError, match=r"^the plan: task 'a' has an unknown key 'x'; there are id, title, run"):
        Plan.of([{"id": "a", "run": "x", "x": 1}])
    with pytest.raises(PlanError, match=r"^the plan: task 'a' depends on 'b', which is not in the plan"):
        Plan.of([{"id": "a", "run": "x", "depends_on": ["b"]}])
    with pytest.raises(PlanError, match=r"^the plan: the tasks depend on each other in a circle"):
        Plan.of([{"id": "a", "run": "x", "depends_on": ["a"]}])


names = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.dictionaries(names, st.lists(names, max_size=3), min_size=1))
def test_any_graph_is_either_a_plan_that_can_be_run_in_some_order_or_an_error(graph: dict[str, list[str]]) -> None:
    tables = [{"id": name, "run": "true", "depends_on": needs} for name, needs in graph.items()]
    try:
        plan = Plan.of(tables)
    except PlanError:
        return
    done: set[str] = set()
    for _ in plan.tasks:
        done |= {task.id for task in plan.tasks if done.issuperset(task.depends_on)}
    assert done == set(graph)


@given(st.text(max_size=60) | st.text("[]=\"'#\n task id run", max_size=60))
def test_no_text_at_all_makes_loading_fail_in_another_way(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(PlanError):
        Plan.load(path)


def test_a_profile_that_is_not_configured_is_named_with_its_line(tmp_path: Path) -> None:
    plan = load(tmp_path, A + '\n[[task]]\nid = "b"\nrun = "y"\nprofile = "ghost"\n')
    with pytest.raises(PlanError, match=r"plan\.toml:8: task 'b': there is no profile 'ghost'; there are .*, shell"):
        plan.check_against(Config())
    talk = load(tmp_path, '[[task]]\nid = "a"\nprompt = "x"\n')
    with pytest.raises(PlanError, match=r"plan\.toml:1: task 'a': profile 'shell' has no command to give a prompt to"):
        talk.check_against(Config())


def test_a_very_long_prompt_full_of_brackets_costs_next_to_nothing(tmp_path: Path) -> None:
    prompt = "if (list[0]) { call('x') }  # [[task]]\n" * 20_000
    text = f'[[task]]\nid = "a"\nprompt = """\n{prompt}"""\ndelay = "x"\n'
    assert problem(tmp_path, text).startswith(":20005: delay of task 'a'")
