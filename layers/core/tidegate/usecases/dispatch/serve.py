"""Serve: wake what is due and dispatch what is ready, for some pools."""

from __future__ import annotations

from collections.abc import Sequence, Set

from tidegate.domain.job import Job
from tidegate.domain.rules import DispatchRules
from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import (
    STILL,
    RunClock,
)
from tidegate.usecases.dispatch.dispatch import (
    DispatchReport,
    dispatch,
)
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.isolation import (
    first_then,
    for_each,
)
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.recall import KEEP_MS
from tidegate.usecases.services import Services


def serve_pools(
    services: Services,
    pools: Set[str],
    now_ms: int,
    *,
    rules: DispatchRules | None = None,
    changed: Sequence[Job] = (),
    due: Set[str] | None = None,
    stopwatch: Stopwatch = STILL,
) -> tuple[DispatchReport, ...]:
    """Wakes and dispatches in each of `pools` that this deployment has, in the order of their names.

    `rules` are read where they are not given, and again once they are as old as `KEEP_MS`; `changed` are jobs that are
    known to have moved; `due` are the pools in which due jobs are looked for, all where it is None. `stopwatch` says
    how much later than `now_ms` each pool has its turn. A pool that fails, because its queue is gone perhaps, raises
    when the others have been served.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    first = rules_in_force(services, now_ms) if rules is None else rules

    def in_force() -> DispatchRules:
        at_ms = run_clock.now_ms()
        return first if at_ms - now_ms < KEEP_MS else rules_in_force(services, at_ms)

    def serve(pool: str) -> DispatchReport:
        woken: list[Job] = []

        def wake() -> None:
            if due is None or pool in due:
                woken.extend(wake_due(services, pool, run_clock.now_ms()))

        return first_then(
            wake,
            lambda: dispatch(
                services,
                pool,
                run_clock.now_ms(),
                rules=in_force(),
                changed=[*changed, *woken],
                stopwatch=stopwatch,
            ),
        )

    return tuple(for_each(sorted(pools & services.settings.pools.keys()), serve))
