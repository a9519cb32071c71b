"""Reacts to changed jobs: releases the jobs that wait on them, then dispatches in the pools concerned.

The dispatcher calls this for each batch of the table's stream. A batch may come late, twice or out of order.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, State
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.run_clock import RunClock
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.permits import give_back_permits, needs_permit
from tidegate.usecases.dispatch.second_attempts import give_back_of_second_attempts
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.release.free_skipped import free_skipped
from tidegate.usecases.release.release import Settling, edges_of
from tidegate.usecases.services import Services

SERVE_AFTER_MS = 2_000  # the longest that pools wait to be served while very many dependents are released


@dataclass(frozen=True, slots=True)
class ReactReport:
    """The result of a reaction: how many jobs left PENDING, and a dispatch report for each pool that was served."""

    released: int
    pools: tuple[DispatchReport, ...]


def react(
    services: Services,
    changed: Sequence[Job],
    *,
    due: Set[str] = frozenset(),
    now_ms: int,
    until: Deadline = NEVER,
) -> ReactReport:
    """Releases the dependents of `changed` jobs, then dispatches in every pool that gained a READY job or a free slot.

    `due` names pools in which to look for due SCHEDULED jobs as well. Very many dependents and costly conditions are
    handled last, after the pools have been served, and until the deadline `until`. Jobs that become READY then have
    events of their own.
    Every step runs even if an earlier one failed. Then the first error is raised: ServiceUnavailable or
    ServiceRefused from a step, or ServiceUnavailable if the deadline came before all dependents were handled. All
    work done so far is saved, so the same call continues from there.
    """
    upstreams = [job for job in changed if job.state in TERMINAL or (job.was_started and job.watch_start)]
    run_clock = RunClock.since(now_ms, until.clock)
    moved: list[Job] = []
    rules = rules_in_force(services, now_ms)
    served = [job for job in changed if job.state not in (State.PENDING, State.QUEUED, State.RUNNING)]
    # A job outside has freed its slot, and keeps its permits.
    touched = {job.pool for job in served} | {job.pool for job in changed if job.outside and job.is_outside}
    if any(needs_permit(job.traits, rules) for job in served):
        touched |= services.settings.pools.keys()  # jobs of any pool may wait for a permit that is given back

    settling: Settling | None = None
    reports: tuple[DispatchReport, ...] = ()
    errors = FirstError()
    if upstreams:
        with errors.isolated():
            settling = Settling(services, edges_of(services, upstreams), now_ms)
            moved.extend(settling.settle_cheap(until.at_most(SERVE_AFTER_MS)))
        with errors.isolated():
            # A freed job that becomes READY has an event of its own, so its pool need not be served here.
            free_skipped(services, upstreams, now_ms, until=until.at_most(SERVE_AFTER_MS))
    with errors.isolated():
        give_back_permits(services, changed, rules)
        if any(job.second for job in changed):
            give_back_of_second_attempts(services, changed)
        gained = {job.pool for job in moved if job.state is State.READY}
        reports = serve_pools(
            services,
            touched | gained | due,
            run_clock.now_ms(),
            rules=rules,
            changed=[*changed, *moved],
            due=due | {job.pool for job in changed if _is_due(job, now_ms)},
            stopwatch=until.clock,
        )
    with errors.isolated():
        if settling is not None:
            _finish(settling, moved, until)
    errors.raise_first()
    return ReactReport(len(moved), reports)


def _finish(settling: Settling, moved: list[Job], until: Deadline) -> None:
    if settling.has_cheap:
        moved.extend(settling.settle_cheap(until))
    moved.extend(settling.settle_costly(until))
    if settling.has_cheap:
        raise ServiceUnavailable(
            "some dependents were not reached in time; the same event continues with them"
        )


def _is_due(job: Job, now_ms: int) -> bool:
    return job.state is State.SCHEDULED and job.wakes_at_ms is not None and job.wakes_at_ms <= now_ms
