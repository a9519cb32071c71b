"""Runs all repairs of the reaper: whatever a lost event, message or worker left undone.

The reaper runs once a minute. Each repair is bounded and continues in the next run, and a failing repair does not stop
the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tidegate.ports import Clock
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns
from tidegate.usecases.bounds.run_clock import RunClock
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.earlier_pools import note_pools
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.reap.reap_dead_letters import reap_dead_letters
from tidegate.usecases.reap.reap_expiring import reap_expiring
from tidegate.usecases.reap.reap_pending import reap_pending
from tidegate.usecases.reap.reap_progress import reap_progress
from tidegate.usecases.reap.reap_submissions import reap_submissions
from tidegate.usecases.reap.reap_workers import reap_workers
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.count_ended import count_ended


@dataclass(frozen=True, slots=True)
class ReapReport:
    """The number of repairs of one run, by kind."""

    submissions_finished: int
    submissions_removed: int
    jobs_reclaimed: int
    jobs_ended: int
    messages_resent: int
    jobs_taken_back: int
    jobs_undeliverable: int
    jobs_given_up: int
    pending_released: int
    jobs_woken: int
    workers_lost: int
    jobs_kept: int
    progress_recorded: int
    rollups_put: int


def reap(
    services: Services, *, now_ms: int, until: Deadline = NEVER, clock: Clock | None = None
) -> ReapReport:
    """Repairs jobs and submissions, reads dead letters, and marks lost workers; safe to run twice at once.

    Each repair gets an equal part of the time left before `until`, and the next run continues where it stopped. `clock`
    gives the time at each repair, also after an answer of AWS has corrected a wrong clock; without it the time since
    `now_ms` is measured. Returns the counts. Raises the first error after all repairs have run.
    """
    run_clock: Clock = clock or RunClock.since(now_ms, until.clock)

    errors = FirstError()
    with errors.isolated():  # if the names can't be read, the deployed pools are repaired anyway
        services = replace(services, earlier_pools=note_pools(services))

    def active(until: Deadline) -> dict[str, int]:
        counts = reap_active(services, run_clock.now_ms(), until=until)
        return {
            "jobs_reclaimed": counts.reclaimed,
            "jobs_ended": counts.ended,
            "messages_resent": counts.resent,
            "jobs_taken_back": counts.taken_back,
        }

    def submissions(until: Deadline) -> dict[str, int]:
        finished, removed = reap_submissions(services, run_clock.now_ms(), until=until)
        return {"submissions_finished": finished, "submissions_removed": removed}

    def dead_letters(until: Deadline) -> dict[str, int]:
        counts = reap_dead_letters(services, run_clock.now_ms(), until=until)
        return {"jobs_undeliverable": counts.failed, "jobs_given_up": counts.taken_back}

    def pending(until: Deadline) -> dict[str, int]:
        return {"pending_released": reap_pending(services, run_clock.now_ms(), until=until)}

    def due(until: Deadline) -> dict[str, int]:
        return {"jobs_woken": _wake_in_earlier_pools(services, run_clock, until)}

    def workers(until: Deadline) -> dict[str, int]:
        return {"workers_lost": reap_workers(services, run_clock.now_ms(), until=until)}

    def expiring(until: Deadline) -> dict[str, int]:
        return {"jobs_kept": reap_expiring(services, run_clock.now_ms(), until=until)}

    def progress(until: Deadline) -> dict[str, int]:
        return {"progress_recorded": reap_progress(services, run_clock.now_ms(), until=until)}

    def statistics(until: Deadline) -> dict[str, int]:
        return {"rollups_put": count_ended(services, run_clock.now_ms(), until=until)}

    # Dead letters come first. They are few, a job that is taken back because of one needs no new message, and the
    # queue's answer corrects a wrong clock before leases are judged by it. Jobs of lost workers come next, because
    # users wait for them. Pending jobs come last, because they can use up all the time.
    repairs = (
        *(dead_letters, active, workers, submissions, expiring, due, progress),
        *(statistics, pending),
    )
    counts: dict[str, int] = {}
    for place, repair in enumerate(repairs):
        with errors.isolated():
            counts |= repair(until.part(len(repairs) - place))
    errors.raise_first()
    return ReapReport(**counts)


def _wake_in_earlier_pools(services: Services, clock: Clock, until: Deadline) -> int:
    """Wakes due jobs, which the dispatcher does in deployed pools only; returns how many it woke."""
    woken = 0
    errors = FirstError()
    for pool, _ in in_turns(services.earlier_pools, until, services.entropy.jitter):
        with errors.isolated():
            woken += len(wake_due(services, pool, clock.now_ms()))
    errors.raise_first()
    return woken
