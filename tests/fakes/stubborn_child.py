"""The leader ends when asked; its child ignores every polite signal."""

import signal

import acting

acting.start_sleeper(ignoring=(signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
acting.play()
