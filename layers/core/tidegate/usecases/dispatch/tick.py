"""Tick: what the dispatcher does on the schedule, so that nothing waits for an event that was missed."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import (
    STILL,
    RunClock,
)
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.permits import (
    audit_permits,
    settle_waiting,
)
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.isolation import (
    first_then,
    for_each,
)
from tidegate.usecases.pools.lanes import (
    forget_if_empty,
    lanes_to_tidy,
    tidy_shares,
)
from tidegate.usecases.services import Services

OVERDUE_MS = 90_000  # half a minute more than the schedule takes


@dataclass(slots=True)
class TickWatch:
    """Notices in a process that events keep busy that the schedule does not get through to it.

    Where all executions that the dispatcher may have are busy with events, the schedule's own event finds no room. Then
    one of those runs does the schedule's work as well.
    """

    _last_ms: int | None = None

    def note(self, now_ms: int) -> None:
        """Notes that the schedule's work is done now."""
        self._last_ms = now_ms

    def is_overdue(self, now_ms: int) -> bool:
        """True at most once every `OVERDUE_MS`, and never at the first look. A True counts as done."""
        if self._last_ms is None:
            self._last_ms = now_ms
        if 0 <= now_ms - self._last_ms < OVERDUE_MS:  # below 0 where the clock was put back
            return False
        self._last_ms = now_ms
        return True


def tick(services: Services, *, now_ms: int, stopwatch: Stopwatch = STILL) -> tuple[DispatchReport, ...]:
    """Frees permits that were left behind, then wakes and dispatches in every pool; returns a report per pool.

    `stopwatch` says how much later than `now_ms` that is.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    pools = services.settings.pools.keys()

    def tidy(pool: str) -> None:
        held, shares = lanes_to_tidy(services, pool)
        audit_permits(services, held)
        settle_waiting(services, pool, held, now_ms)  # before a lane is forgotten that tells of it
        for known in held:
            forget_if_empty(services, pool, known, now_ms)
        tidy_shares(services, pool, shares, now_ms)

    return first_then(
        lambda: for_each(sorted(pools), tidy),
        lambda: serve_pools(services, pools, run_clock.now_ms(), stopwatch=stopwatch),
    )
