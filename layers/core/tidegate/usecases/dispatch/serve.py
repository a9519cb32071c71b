"""Serves pools: makes due jobs READY, then dispatches READY jobs."""

from __future__ import annotations

from collections.abc import Sequence, Set

from tidegate.domain.job import Job
from tidegate.domain.rules import DispatchRules
from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import STILL, RunClock
from tidegate.usecases.dispatch.dispatch import DispatchReport, dispatch
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.isolation import FirstError
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
    """Serves each of `pools` that is deployed, in the order of their names; returns a dispatch report for each.

    `rules` are read if they are not given, and again once they are `KEEP_MS` old. `changed` are jobs that changed a
    moment ago, which the index may not show yet. `due` names the pools in which to look for due jobs; None means all.
    `stopwatch` measures the time since `now_ms`. A pool that fails, for example because its queue no longer exists,
    does not stop the others. Raises the first error after all pools have been served.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    first = rules_in_force(services, now_ms) if rules is None else rules

    reports: list[DispatchReport] = []
    errors = FirstError()
    for pool in sorted(pools & services.settings.pools.keys()):
        woken: tuple[Job, ...] = ()
        with errors.isolated():
            if due is None or pool in due:
                woken = wake_due(services, pool, run_clock.now_ms())
        with errors.isolated():
            at_ms = run_clock.now_ms()
            reports.append(
                dispatch(
                    services,
                    pool,
                    at_ms,
                    rules=first if at_ms - now_ms < KEEP_MS else rules_in_force(services, at_ms),
                    changed=[*changed, *woken],
                    stopwatch=stopwatch,
                )
            )
    errors.raise_first()
    return tuple(reports)
