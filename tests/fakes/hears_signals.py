"""Says which signals it hears, and goes on."""

import os
import signal

import acting


def tell(signum: int, _frame: object) -> None:
    os.write(1, f"{signal.Signals(signum).name}\n".encode())


for signum in (signal.SIGINT, signal.SIGTERM):
    signal.signal(signum, tell)
acting.play()
