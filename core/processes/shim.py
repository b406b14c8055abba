"""The parent of one agent and of everything the agent starts: `python -I -S shim.py --name=value … -- argv`.

The dashboard holds the only write end of our life pipe, so end of file there means that it died, however it died.
Then, as after an order to stop, we climb the ladder INT, TERM, KILL over the whole tree. We report on the status
pipe, one JSON object a line: `started` or `failed`, `exited` (the leader), `empty` (the tree).

Invariants: we leave only when nothing lives below us, or we say what survived; a signal goes to a process whose
identity (pid and start) was checked just before, never to a number; we hold none of the agent's pipes.
Forbidden here: importing anything but the standard library, and of that only what starts fast. That is why
paths are strings, the clock is read directly, and all is in one file: isolated mode finds no other.
"""

# ruff: noqa: PTH116, PTH123, PTH208

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from math import inf

# The orders on the life pipe, one byte each.
STOP, KILL, SUSPEND, RESUME = b"skzc"

MARKER = "CW_RUN_ID"  # the environment variable that the whole tree carries
NO_SUBREAPER = "CW_NO_SUBREAPER"  # in our environment: do without a subreaper; the agent does not see it

LEFTOVER_TERM_S = 0.5  # TERM → KILL for what the leader left behind: nobody waits for that work any more
ORPHAN_RUNG_S = 2.0  # no rung is longer once the dashboard is dead: all is gone within 6 s, whatever the graces
KILL_EVERY_S = 0.005  # between rounds of KILL, when there was somebody new: what is born meanwhile is met soon
KILL_AGAIN_S = 0.1  # between rounds of KILL for the same ones: dying takes time, and looking takes it from them
KILL_LIMIT_S = 5.0  # what outlives this much KILL belongs to another user or hangs in the kernel
SCAN_S = 0.2 if sys.platform == "linux" else 1.0  # without a subreaper: how often to note who is below us
SUSPEND_ROUNDS = 5  # SIGSTOP is repeated for children born while it was being sent

_PR_SET_CHILD_SUBREAPER = 36
_DEATHS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

# pid → (parent, start, whether nothing but a zombie is left)
Table = dict[int, tuple[int, str, bool]]
# pid → start
Found = dict[int, str]


def look(pid: int) -> tuple[int, str, bool] | None:
    """What Linux says about one process, as in `Table`; None when it is gone. Format: proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name in front may contain blanks and brackets
    threads = int(fields[17])  # a process whose first thread has ended looks like a zombie and may live on in others
    return int(fields[1]), fields[19].decode(), fields[0] in (b"Z", b"X") and threads < 2


def look_at_all() -> Table:
    """Every process of this machine."""
    if sys.platform == "linux":
        return {int(name): row for name in os.listdir("/proc") if name.isdigit() and (row := look(int(name)))}
    rows = (line.split(None, 3) for line in _ps("-ax", "pid", "ppid", "stat", "lstart"))
    return {int(row[0]): (int(row[1]), row[3], "Z" in row[2]) for row in rows if len(row) == 4}


def marked(marker: str) -> set[int]:
    """The processes of our user that carry this marker in their environment."""
    wanted = f"{MARKER}={marker}"
    if sys.platform == "linux":
        return {int(name) for name in os.listdir("/proc") if name.isdigit() and wanted in _environment(name)}
    in_arguments = pids_saying(wanted, _ps("-xww", "pid", "command"))  # somebody's `grep` is not ours
    return pids_saying(wanted, _ps("-xwwE", "pid", "command")) - in_arguments


def _environment(pid: str) -> list[str]:
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return []
        with open(f"/proc/{pid}/environ", "rb") as file:
            return os.fsdecode(file.read()).split("\0")
    except OSError:  # gone meanwhile, or not ours to read
        return []


def pids_saying(word: str, lines: list[str]) -> set[int]:
    """The pids of those lines of `ps` that contain this word."""
    return {int(words[0]) for line in lines if word in (words := line.split())}


def _ps(which: str, *columns: str) -> list[str]:
    import subprocess  # late: only where there is no /proc

    command = ["ps", which, *(f"-o{column}=" for column in columns)]  # one option each: `=` swallows what follows it
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()


def below(table: Table, roots: set[int]) -> set[int]:
    """The roots and all their descendants."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    ahead = list(roots)
    while ahead:
        pid = ahead.pop()
        if pid not in found:
            found.add(pid)
            ahead += children.get(pid, [])
    return found


def signal_exactly(pid: int, start: str, signum: int) -> bool:
    """Send to this very process; False when it is gone, another user's, or its number has a new owner."""
    handle = _pidfd(pid)
    try:
        if not _is_still(pid, start):
            return False
        if sys.platform == "linux" and handle is not None:
            signal.pidfd_send_signal(handle, signum)
        else:
            os.kill(pid, signum)
    except (ProcessLookupError, PermissionError):
        return False
    else:
        return True
    finally:
        if handle is not None:
            os.close(handle)


def _pidfd(pid: int) -> int | None:
    """What stays with the process when its number is given away; None where the system has no such thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # it is gone, or a sandbox forbids pidfds: the start is compared anyway
        return None


def _is_still(pid: int, start: str) -> bool:
    if sys.platform != "linux":
        return True  # the table was read a moment ago: as close as it gets there
    row = look(pid)
    return row is not None and row[1] == start


class Tree:
    """The processes below us, found by descent; without a subreaper by memory and by marker too."""

    def __init__(self, *, subreaper: bool, marker: str) -> None:
        self._subreaper, self._marker = subreaper, marker
        self._seen: Found = {}

    def live(self, *, sweep: bool = True) -> Found:
        """All that live; `sweep` also reads environments, where descent alone may miss some."""
        me, table = os.getpid(), look_at_all()
        roots = {me}
        if not self._subreaper:
            roots |= {pid for pid, start in self._seen.items() if pid in table and table[pid][1] == start}
            roots |= marked(self._marker) & table.keys() if sweep else set()
        found = {pid: table[pid][1] for pid in below(table, roots) if pid != me and not table[pid][2]}
        self._seen = found
        return found

    def send(self, *signums: int) -> Found:
        """Send these signals to all that live; return whom."""
        targets = self.live()
        for signum in signums:
            for pid, start in targets.items():
                signal_exactly(pid, start, signum)
        return targets

    def suspend(self) -> None:
        """Stop every process, also those born meanwhile."""
        stopped: Found = {}
        for _ in range(SUSPEND_ROUNDS):
            fresh = dict(self.live().items() - stopped.items())
            if not fresh:
                return
            for pid, start in fresh.items():
                signal_exactly(pid, start, signal.SIGSTOP)
            stopped |= fresh


def launch(argv: list[str], cwd: str, environment: dict[str, str]) -> tuple[int, str]:
    """Start the agent in a session of its own; return its pid, and the failed step and errno, or nothing."""
    told, tell = os.pipe()  # a successful exec closes it: end of file is the good news
    try:
        pid = os.fork()
    except OSError as error:
        return 0, f"fork {error.errno}"
    if pid == 0:
        _become(argv, cwd, environment, tell)
    os.close(tell)
    news = os.read(told, 64).decode()
    os.close(told)
    return pid, news


def _become(argv: list[str], cwd: str, environment: dict[str, str], tell: int) -> None:
    """In the child: turn into the agent. Never returns."""
    step = "session"
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(signum, signal.SIG_DFL)  # `nohup cw` would teach the agent to ignore signals
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        step = "cwd"
        os.chdir(cwd)
        step = "program"
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - no shell, on purpose
    except OSError as error:
        os.write(tell, f"{step} {error.errno}".encode())
    finally:
        os._exit(127)


class Shim:
    """One agent's life: start it, obey orders, climb the ladder, report."""

    def __init__(self, life: int, status: int, int_s: float, term_s: float) -> None:
        self._life, self._status = life, status
        self._gentle = [(signal.SIGINT, int_s), (signal.SIGTERM, term_s)]
        self._subreaper = become_subreaper()
        self._tree = Tree(subreaper=self._subreaper, marker=os.environ.get(MARKER, ""))
        self._leader = 0
        self._leader_lives = self._has_children = True
        self._stopped = False  # whether an order to end came
        self._rungs: list[tuple[signal.Signals, float]] = []  # none: nothing ends yet; the last, KILL, stays
        self._killed: Found = {}
        self._due = self._give_up = inf
        self._signals = wake_on_signals()
        self._poll = select.poll()
        for fd in (life, self._signals):
            self._poll.register(fd, select.POLLIN)

    def start(self, argv: list[str], cwd: str, lc_ctype: str | None) -> bool:
        """Start the agent and say how it went."""
        for fd in (self._life, self._status):
            os.set_inheritable(fd, False)
        self._leader, failure = launch(argv, cwd, agent_environment(lc_ctype))
        if failure:
            step, errno = failure.split()
            self._report("failed", step=step, errno=int(errno))
            return False
        let_go()
        leader = look(self._leader) if sys.platform == "linux" else None
        self._report("started", pid=self._leader, started_at=int(leader[1]) if leader else None)
        return True

    def run(self) -> None:
        """Return when the tree is empty, or when KILL has no more effect."""
        while not self._is_over():
            if not self._leader_lives:
                self._begin([(signal.SIGTERM, LEFTOVER_TERM_S)])
            if time.monotonic() >= self._due:
                self._climb()
            self._listen()
        self._report("empty", survivors=sorted(self._survivors()))

    def _is_over(self) -> bool:
        self._reap()
        return time.monotonic() >= self._give_up or not (self._has_children or self._survivors())

    def _survivors(self) -> Found:
        """Whom we know to live. A subreaper without children needs no look: nobody can be left."""
        return {} if self._subreaper and not self._has_children else self._tree.live()

    def _reap(self) -> None:
        """Collect the dead."""
        while self._has_children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._has_children = False
                return
            if pid == 0:
                return
            if pid == self._leader:
                self._leader_lives = False
                code = os.waitstatus_to_exitcode(status)
                name = signal_name(-code) if code < 0 else None
                self._report("exited", code=None if name else code, signal=name, stopped=self._stopped)

    def _begin(self, rungs: list[tuple[signal.Signals, float]]) -> None:
        """Put the ladder up, unless one stands already."""
        if not self._rungs:
            self._rungs = [*rungs, (signal.SIGKILL, KILL_EVERY_S)]
            self._due = 0

    def _climb(self) -> None:
        signum, grace = self._rungs[0]
        if signum == signal.SIGKILL:
            before, self._killed = self._killed, self._tree.send(signum)
            if self._killed and self._killed.items() <= before.items():
                grace = KILL_AGAIN_S
            self._give_up = min(self._give_up, time.monotonic() + KILL_LIMIT_S)
        else:
            self._tree.send(signum, signal.SIGCONT)  # what is stopped hears nothing before it is continued
            del self._rungs[0]
        self._due = time.monotonic() + grace

    def _listen(self) -> None:
        """Sleep until a child dies, an order comes or the next rung is due."""
        wait = max(0.0, self._due - time.monotonic())
        if not self._subreaper:
            self._tree.live(sweep=False)
            wait = min(wait, SCAN_S)
        for fd, _ in self._poll.poll(None if wait == inf else int(wait * 1000) + 1):
            if fd == self._life:
                self._obey(os.read(fd, 64))
            elif _DEATHS & set(os.read(fd, 512)):
                self._abandon()

    def _obey(self, orders: bytes) -> None:
        if not orders:
            self._poll.unregister(self._life)
            self._abandon()
        self._reap()  # a leader that died before the order came was not stopped by it: report that first
        for order in orders:
            if order in (STOP, KILL):
                self._stopped = True
                self._begin(self._gentle)
            if order == KILL:
                self._rungs, self._due = self._rungs[-1:], 0
            if order == SUSPEND and not self._rungs:
                self._tree.suspend()
            if order == RESUME and not self._rungs:
                self._tree.send(signal.SIGCONT)

    def _abandon(self) -> None:
        """The dashboard is dead, or we were told to die."""
        self._begin(self._gentle)
        self._rungs = [(signum, min(grace, ORPHAN_RUNG_S)) for signum, grace in self._rungs]
        self._due = min(self._due, time.monotonic() + ORPHAN_RUNG_S)

    def _report(self, kind: str, **fields: object) -> None:
        try:
            os.write(self._status, json.dumps({"type": kind, **fields}).encode() + b"\n")
        except OSError:  # the dashboard is dead: nobody to tell
            return


def become_subreaper() -> bool:
    """Have the kernel hand us every orphan below us, however it tries to get away; False where it cannot."""
    if sys.platform != "linux" or NO_SUBREAPER in os.environ:
        return False
    import ctypes  # late: costs milliseconds

    return ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def wake_on_signals() -> int:
    """Have signals written to a pipe instead of ending us; return its read end."""
    wake, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for signum in (*_DEATHS, signal.SIGCHLD):
        signal.signal(signum, _only_wake)
    return wake


def _only_wake(_signum: int, _frame: object) -> None:
    """Python writes to the pipe only for signals that have a function."""


def agent_environment(lc_ctype: str | None) -> dict[str, str]:
    """What the agent inherits. Python may change LC_CTYPE at its start (PEP 538), so the true one is an argument."""
    environment = {name: value for name, value in os.environ.items() if name not in (NO_SUBREAPER, "LC_CTYPE")}
    return environment if lc_ctype is None else {**environment, "LC_CTYPE": lc_ctype}


def let_go() -> None:
    """Drop the agent's pipes, and the directory we were started in."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.close(nothing)
    os.chdir("/")


def signal_name(number: int) -> str:
    """`SIGTERM` and the like; most real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def main() -> None:
    """Read our arguments and serve one agent."""
    end = sys.argv.index("--")
    options = dict(word[2:].split("=", 1) for word in sys.argv[1:end])
    shim = Shim(int(options["life"]), int(options["status"]), float(options["int"]), float(options["term"]))
    if shim.start(sys.argv[end + 1 :], options["cwd"], options.get("lc-ctype")):
        shim.run()


if __name__ == "__main__":
    main()
