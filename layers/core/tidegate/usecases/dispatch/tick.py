"""Does the dispatcher's work of each tick, so that no job waits for an event that was lost.

A tick is the dispatcher's run once a minute. It tidies permits and lanes, then serves every pool.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import STILL, RunClock
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.permits import audit_permits, settle_waiting
from tidegate.usecases.dispatch.second_attempts import offer_second_attempts
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.lanes import forget_if_empty, lanes_to_tidy, tidy_shares
from tidegate.usecases.services import Services

OVERDUE_MS = 90_000  # half a minute more than the time between two ticks


@dataclass(slots=True)
class TickWatch:
    """Notices in a busy process that ticks do not get through.

    If all allowed executions of the dispatcher are busy with events, the event of a tick can't start one. A run for
    other events then does the work of the tick as well.
    """

    _last_ms: int | None = None

    def note(self, now_ms: int) -> None:
        """Notes that the work of a tick is done at `now_ms`."""
        self._last_ms = now_ms

    def is_overdue(self, now_ms: int) -> bool:
        """True at most once every `OVERDUE_MS`, and never at the first call. A True counts as a tick."""
        if self._last_ms is None:
            self._last_ms = now_ms
        if 0 <= now_ms - self._last_ms < OVERDUE_MS:  # negative after the clock was set back
            return False
        self._last_ms = now_ms
        return True


def tick(services: Services, *, now_ms: int, stopwatch: Stopwatch = STILL) -> tuple[DispatchReport, ...]:
    """Frees leftover permits and tidies lanes, then serves every pool; returns a dispatch report for each pool.

    Stragglers get second attempts on slots that are still free then.

    `stopwatch` measures the time since `now_ms`. Raises the first error after all pools have been tidied and served.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    pools = services.settings.pools.keys()

    reports: tuple[DispatchReport, ...] = ()
    errors = FirstError()
    for pool in sorted(pools):
        with errors.isolated():
            held, shares = lanes_to_tidy(services, pool)
            audit_permits(services, held)
            settle_waiting(services, pool, held, now_ms)  # first, because it reads the limits from the lanes
            for known in held:
                forget_if_empty(services, pool, known, now_ms)
            tidy_shares(services, pool, shares, now_ms)
    with errors.isolated():
        reports = serve_pools(services, pools, run_clock.now_ms(), stopwatch=stopwatch)
    for pool in sorted(pools):  # last, because a second attempt takes a slot that nothing else waits for
        with errors.isolated():
            later = offer_second_attempts(services, pool, run_clock.now_ms(), stopwatch)
            reports = tuple(one + later if one.pool == pool else one for one in reports)
    errors.raise_first()
    return reports
