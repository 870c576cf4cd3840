"""Waiting for conditions, never for time."""
import time


def wait_until(condition, timeout=30.0, what="the condition", every=0.005):
    """Returns the first truthy value of condition(); AssertionError at the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            shown = what() if callable(what) else what
            raise AssertionError(f"waited {timeout} s for {shown}; last value: {value!r}")
        time.sleep(every)


def stays_true(condition, seconds, what="the condition"):
    """The condition holds at every look during that time: for promises that something does not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"{what} did not stay true"
        time.sleep(0.005)
