"""The leader exits when told; the child it leaves says that it was asked to end, and ends."""

import os
import signal

import acting


def tell(*_: object) -> None:
    os.write(1, b"asked\n")
    os._exit(0)


started, tell_parent = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, tell)
    os.write(tell_parent, b"!")
    while True:
        signal.pause()
os.read(started, 1)
acting.play()
