# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions. No test sleeps to let something happen: it names the condition and a deadline.

VIADUCT_E2E_SLOWNESS stretches every deadline (loaded machines; sanitizer builds get 3 by themselves). It makes no
passing test slower.
"""
import os
import time

SANITIZED = bool(os.environ.get("VIADUCT_SANITIZE"))
SLOWNESS = float(os.environ.get("VIADUCT_E2E_SLOWNESS", "3" if SANITIZED else "1"))
DEADLINE = 10.0 * SLOWNESS
POLL_INTERVAL = 0.01


def wait_until(condition, what, timeout=None):
    """Calls `condition` until it returns something true, which is returned. AssertionError after the deadline; `what`
    is a text, or a function that makes one."""
    end = time.monotonic() + (DEADLINE if timeout is None else timeout)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what() if callable(what) else what}")
        time.sleep(POLL_INTERVAL)


def wait_until_steady(sample, what, quiet=0.5, timeout=None):
    """Calls `sample` until its value has not changed for `quiet` seconds; returns the value."""
    last = [sample(), time.monotonic()]

    def steady():
        value = sample()
        if value != last[0]:
            last[0], last[1] = value, time.monotonic()
        return time.monotonic() - last[1] > quiet

    wait_until(steady, what, timeout)
    return last[0]
