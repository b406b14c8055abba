"""Making the demo project: its files, its history in git, and its interpreter.

The history is what the plan needs: a release in which everything worked, and some commits later one that broke it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from core.errors import UsageError
from core.plan import Plan

MEANT_TO_FAIL = "meant-to-fail"
"""The label of tasks that do not complete, on purpose."""

PREFIX = "cw-demo-"
_DISGUISE = ".txt"
_FIX = "patches/precedence.patch"

_RELEASE = ("Calculate expressions", (".gitignore", "README.md", "calc", "tests"))
_BEFORE = (
    ("Explain the language in a guide", ("docs",)),
    ("Run tests with marks", ("tools/__init__.py", "tools/pace.py", "tools/test.py")),
)
_BROKEN = ("Read all operators in one loop", ("calc/parser.py",))
_AFTER = (
    ("Lint and check annotations", ("tools/lint.py", "tools/annotations.py")),
    ("Sketch syntax trees", ("tools/trees.py", "tools/fuzz.py")),
    ("Measure each step", ("tools/bench.py", "tools/compare.py")),
    ("Build a reference", ("tools/reference.py", "tools/manual.py", "tools/proofread.py")),
    ("Let an agent answer", ("tools/agent.py", "tools/prompts.py")),
    ("Plan release 0.2.0", (".",)),
)

# The user's own configuration must not change what happens here: no signatures, no hooks, no colours to parse, no
# housekeeping in the background.
_SETTINGS = {
    "user.name": "Codewalkers demo",
    "user.email": "demo@codewalkers.invalid",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "tag.forceSignAnnotated": "false",
    "log.showSignature": "false",
    "core.hooksPath": "/dev/null",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "apply.whitespace": "nowarn",
    "color.ui": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}

_INTERPRETER = """\
#!/bin/sh
# The interpreter this project was made with; what is printed is seen at once.
PYTHONUTF8=1 PYTHONUNBUFFERED=1 exec {python} "$@"
"""


def make_demo(parent: Path | None = None) -> Path:
    """Make the project in a new directory of `parent`, else of the one for temporary files; its path.

    Nobody removes it but the user, and the system in its time.

    Raises:
        UsageError: git is missing, or the place does not allow it; nothing is left behind.
    """
    if shutil.which("git") is None:
        raise UsageError("the demo needs git, and there is none on PATH; install it and call `cw demo` again")
    try:
        # Resolved, since a workspace is compared with it: /tmp is a link on some systems.
        root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
    except OSError as error:
        raise UsageError(f"the demo finds no place to write to: {error.strerror or error}") from error
    try:
        _copy(files("tui.demo") / "project", root)
        _write_history(root)
        _write_interpreter(root)
    except BaseException as error:
        shutil.rmtree(root, ignore_errors=True)
        if isinstance(error, OSError):
            raise UsageError(f"the demo cannot be made in {root.parent}: {error.strerror}") from error
        raise
    return root


def demo_plan(project: Path) -> Plan:
    """The plan of a project that was made.

    Raises:
        PlanError: somebody changed it.
    """
    return Plan.load(project / "plan.toml")


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            (target / entry.name.removesuffix(_DISGUISE)).write_bytes(entry.read_bytes())


def _write_history(root: Path) -> None:
    """Commit the files as if they had grown."""
    _git(root, "init", "--quiet", "--template=")
    _git(root, "symbolic-ref", "HEAD", "refs/heads/main")
    for key, value in _SETTINGS.items():
        _git(root, "config", key, value)
    _git(root, "apply", _FIX)
    _commit(root, *_RELEASE)
    _git(root, "tag", "--annotate", "v0.1.0", "--message", "The first release")
    for step in _BEFORE:
        _commit(root, *step)
    _git(root, "apply", "--reverse", _FIX)
    for step in (_BROKEN, *_AFTER):
        _commit(root, *step)


def _commit(root: Path, subject: str, paths: tuple[str, ...]) -> None:
    # By force: somebody's own ignore rules may name what belongs to this project.
    _git(root, "add", "--force", "--", *paths)
    _git(root, "commit", "--quiet", "--message", subject)


def _git(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=dict(_environment()), stdin=subprocess.DEVNULL, capture_output=True,
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise UsageError(f"the demo's repository cannot be made: git {arguments[0]} says: {done.stderr.strip()}")


def _environment() -> Iterator[tuple[str, str]]:
    """Ours, without what would point git to another repository, as it does inside of a hook."""
    for name, value in os.environ.items():
        if not name.startswith("GIT_"):
            yield name, value


def _write_interpreter(root: Path) -> None:
    """Write `./py`, so that commands are short, and look whether the place allows programs at all."""
    program = root / "py"
    program.write_text(_INTERPRETER.format(python=shlex.quote(sys.executable)), encoding="utf-8")
    program.chmod(0o755)
    try:
        subprocess.run([program, "-c", ""], cwd=root, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = "programs cannot be started there; set TMPDIR to another directory"
        raise UsageError(f"the demo cannot run in {root.parent}: {reason}") from error
