"""Waits for what comes of itself."""

import time


def wait_for(condition, timeout=60, pause=0.05):
    """The first true value of condition(), or its last one when the time is up."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(pause)
