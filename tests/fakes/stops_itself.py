"""An agent that stops itself, and hears no signal but one."""

import os
import signal

import acting

acting.start_sleeper()
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
acting.play()
