"""Whoever of them is asked to end, or sees a child end, starts another daemon."""

import os
import signal

import acting


def multiply(*_: object) -> None:
    if os.fork() == 0:
        os.setsid()
        while True:
            signal.pause()


for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
    signal.signal(signum, multiply)
multiply()
acting.play()
