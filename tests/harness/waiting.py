"""Waits of tests for concurrent events."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0  # on a machine that is busy with other tests
_LOOK_SECONDS = 0.005


def becomes_true(holds: Callable[[], bool]) -> bool:
    """Returns True once `holds` does, and False if it does not within PATIENCE_SECONDS."""
    until_s = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > until_s:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
