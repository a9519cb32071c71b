"""Runs all repairs of the reaper: whatever a lost event, message or worker left undone.

The reaper runs once a minute. Each repair is bounded and continues in the next run, and a failing repair does not stop
the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from tidegate.usecases.reap.reap_times import reap_times
from tidegate.usecases.reap.reap_workers import reap_workers
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.count_ended import count_ended
from tidegate.usecases.timetables.run_due import run_due_timetables


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
    verdicts_noted: int
    timetable_runs: int


_Counts = dict[str, int]
_Repair = Callable[[Services, Clock, Deadline], _Counts]


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

    counts: dict[str, int] = {}
    # Timetables go first, and may take half of the time: people wait for their minute. With nothing due they take none.
    with errors.isolated():
        counts["timetable_runs"] = run_due_timetables(services, run_clock.now_ms(), until=until.part(2))
    for place, repair in enumerate(_REPAIRS):
        with errors.isolated():
            counts |= repair(services, run_clock, until.part(len(_REPAIRS) - place))
    errors.raise_first()
    return ReapReport(**counts)


def _dead_letters(services: Services, clock: Clock, until: Deadline) -> _Counts:
    counts = reap_dead_letters(services, clock.now_ms(), until=until)
    return {"jobs_undeliverable": counts.failed, "jobs_given_up": counts.taken_back}


def _active(services: Services, clock: Clock, until: Deadline) -> _Counts:
    counts = reap_active(services, clock.now_ms(), until=until)
    return {
        "jobs_reclaimed": counts.reclaimed,
        "jobs_ended": counts.ended,
        "messages_resent": counts.resent,
        "jobs_taken_back": counts.taken_back,
    }


def _submissions(services: Services, clock: Clock, until: Deadline) -> _Counts:
    finished, removed = reap_submissions(services, clock.now_ms(), until=until)
    return {"submissions_finished": finished, "submissions_removed": removed}


def _due(services: Services, clock: Clock, until: Deadline) -> _Counts:
    """Wakes due jobs of earlier pools; the dispatcher does so in deployed pools only."""
    woken = 0
    errors = FirstError()
    for pool, _ in in_turns(services.earlier_pools, until, services.entropy.jitter):
        with errors.isolated():
            woken += len(wake_due(services, pool, clock.now_ms()))
    errors.raise_first()
    return {"jobs_woken": woken}


def _counted(name: str, repair: Callable[..., int]) -> _Repair:
    """Makes a repair of a use case that returns how much it did, which the report gives as `name`."""
    return lambda services, clock, until: {name: repair(services, clock.now_ms(), until=until)}


# Dead letters come first. They are few, a job that is taken back because of one needs no new message, and the queue's
# answer corrects a wrong clock before leases are judged by it. Jobs of lost workers come next, because users wait for
# them. Pending jobs come late, because they can use up all the time of the others. Verdicts come last: they repair
# nothing, and a large scene takes the most memory.
_REPAIRS: Sequence[_Repair] = (
    _dead_letters,
    _active,
    _counted("workers_lost", reap_workers),
    _submissions,
    _counted("jobs_kept", reap_expiring),
    _due,
    _counted("progress_recorded", reap_progress),
    _counted("rollups_put", count_ended),
    _counted("pending_released", reap_pending),
    _counted("verdicts_noted", reap_times),
)
