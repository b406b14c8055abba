"""Says what comes of opening the terminal of whoever started it."""

import errno
import os

import acting

try:
    os.close(os.open("/dev/tty", os.O_RDWR))
    print("opened", flush=True)
except OSError as error:
    print(errno.errorcode[error.errno or 0], flush=True)
acting.play()
