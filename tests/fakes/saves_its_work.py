"""Writes its work to the file its second argument names, at the signal its third names; ignores other polite ones."""

import signal
import sys
from pathlib import Path

import acting


def save(*_: object) -> None:
    Path(sys.argv[2]).write_text("saved")
    sys.exit(0)


acting.ignore(signal.SIGINT, signal.SIGTERM)
signal.signal(signal.Signals[sys.argv[3]], save)
acting.play()
