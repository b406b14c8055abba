"""Leader and daemon ignore every polite signal."""

import signal

import acting

POLITE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

acting.ignore(*POLITE)
acting.start_sleeper(daemon=True, ignoring=POLITE)
acting.play()
