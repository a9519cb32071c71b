"""Says that this machine's clock is wrong, where it is so wrong that leases would not hold by it."""

from __future__ import annotations

import logging
from collections.abc import Callable

_LOGGER = logging.getLogger("tidegate.worker")


class ClockWatch:
    """Compares how far the machine's clock is off, as `off_ms` says, with a third of the lease of `lease_ms`.

    The worker goes on: what it writes is dated by AWS's time (adapters.system.SystemClock).
    """

    def __init__(self, off_ms: Callable[[], int], lease_ms: int) -> None:
        self._off_ms = off_ms
        self._bound_ms = lease_ms // 3
        self._said_ms = 0

    def look(self) -> int:
        """How far the clock is off in milliseconds, 0 where it is near enough; logs it when that has changed."""
        off_ms = self._off_ms()
        if abs(off_ms) <= self._bound_ms:
            off_ms = 0
        # A machine's clock that goes wrong slowly is said again, not at every look.
        if abs(off_ms - self._said_ms) > self._bound_ms or (off_ms == 0 and self._said_ms != 0):
            self._said_ms = off_ms
            _say(off_ms)
        return off_ms


def _say(off_ms: int) -> None:
    if off_ms == 0:
        _LOGGER.info("this machine's clock is right again")
        return
    _LOGGER.error(
        "this machine's clock is %.0f s %s AWS's time; the worker goes by AWS's, but set the clock: keys that expire, "
        "job code and logs go by it",
        abs(off_ms) / 1_000,
        "ahead of" if off_ms > 0 else "behind",
    )
