"""Its first thread has ended: for the process table it is a zombie, and yet it lives."""

import ctypes
import os
import threading
from pathlib import Path

import acting


def play_alone() -> None:
    stat = Path(f"/proc/{os.getpid()}/stat")
    while ") Z " not in stat.read_text():
        os.sched_yield()
    acting.play()


threading.Thread(target=play_alone).start()
ctypes.CDLL(None).pthread_exit(None)
