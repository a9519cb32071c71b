"""Logs that this machine's clock is wrong, if it is so far off that leases measured by it would not hold."""

from __future__ import annotations

import logging
from collections.abc import Callable

_LOGGER = logging.getLogger("tidegate.worker")


class ClockWatch:
    """Compares the error of the machine's clock with a third of the lease.

    `off_ms` returns that error, and `lease_ms` is the length of the lease, both in milliseconds. The worker goes on,
    because everything that it writes is dated by AWS's time (adapters.system.SystemClock).
    """

    def __init__(self, off_ms: Callable[[], int], lease_ms: int) -> None:
        self._off_ms = off_ms
        self._bound_ms = lease_ms // 3
        self._said_ms = 0

    def look(self) -> int:
        """Returns how far the clock is off in milliseconds, 0 if it is close enough; logs a change."""
        off_ms = self._off_ms()
        if abs(off_ms) <= self._bound_ms:
            off_ms = 0
        # A clock that drifts slowly is logged again only after another third of a lease, not at every look.
        if abs(off_ms - self._said_ms) > self._bound_ms or (off_ms == 0 and self._said_ms != 0):
            self._said_ms = off_ms
            _say(off_ms)
        return off_ms


def _say(off_ms: int) -> None:
    if off_ms == 0:
        _LOGGER.info("this machine's clock is right again")
        return
    _LOGGER.error(
        "this machine's clock is %.0f s %s AWS's time; the worker uses AWS's, but set the clock: keys that expire, "
        "job code and logs use it",
        abs(off_ms) / 1_000,
        "ahead of" if off_ms > 0 else "behind",
    )
