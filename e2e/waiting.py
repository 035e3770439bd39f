"""Waiting for what the server does on its own account, after it answered."""

import time

LIMIT_SECONDS = 30


def until(look):
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing was found within {LIMIT_SECONDS} s")
