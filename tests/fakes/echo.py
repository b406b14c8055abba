"""Answers every line with itself, and has a child that only sleeps."""

import sys

import acting

acting.start_sleeper()
print("ready", flush=True)
for line in sys.stdin:
    print(line, end="", flush=True)
