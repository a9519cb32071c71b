"""Reads and writes many jobs in portions of some hundreds, so that memory does not grow with the size of requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, lean
from tidegate.domain.transitions import Transition, TransitionRefused
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.kept_ends import keep_ends_left
from tidegate.usecases.services import Services

T = TypeVar("T")

JOBS_AT_ONCE = 400  # a job takes up to about 100 KB in memory: 4 KB of result may be 1,300 lists


def portions(items: Sequence[T], size: int = JOBS_AT_ONCE) -> Iterator[Sequence[T]]:
    """Cuts the items into pieces of at most `size` (1 or more), in order."""
    return (items[start : start + size] for start in range(0, len(items), size))


def read_lean(services: Services, job_ids: Sequence[str], *, consistent: bool = True) -> dict[str, Job]:
    """Reads any number of jobs, and keeps of each only the fields that a transition needs (`domain.job.lean`).

    Returns the jobs that exist, by id. Without `consistent` they may be a little old. Raises ServiceUnavailable.
    """
    found: dict[str, Job] = {}
    for portion in portions(job_ids):
        jobs = services.jobs.get_many(portion, consistent=consistent)
        found |= {job_id: lean(job) for job_id, job in jobs.items()}
    return found


def not_written(services: Services, jobs: Sequence[Job]) -> list[Job]:
    """Returns those of the jobs that are not in the store yet, so that a repeated submission writes only the rest.

    Reads consistently. Raises ServiceUnavailable.
    """
    standing: set[str] = set()
    for portion in portions(jobs):
        standing |= services.jobs.get_many([job.job_id for job in portion], consistent=True).keys()
    return [job for job in jobs if job.job_id not in standing]


def apply_lean(services: Services, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
    """Writes any number of transitions, and keeps of each job only the fields that a further transition needs.

    Returns outcomes in the order of `transitions`. Portions are written one after the other: each is complete before
    the next begins. Ends that the transitions leave are kept first; the error is the outcome of each transition of a
    portion whose ends could not be kept.
    """
    return [
        lean_outcome(outcome)
        for portion in portions(transitions)
        for outcome in _apply_portion(services, portion)
    ]


def _apply_portion(services: Services, portion: Sequence[Transition]) -> Sequence[TransitionOutcome]:
    try:
        keep_ends_left(services, portion)
    except (ServiceUnavailable, ServiceRefused) as error:
        return [error] * len(portion)
    return services.jobs.apply_all(portion)


def lean_outcome(outcome: TransitionOutcome) -> TransitionOutcome:
    """Returns the outcome with its job reduced to the fields that a further transition needs."""
    if isinstance(outcome, Job):
        return lean(outcome)
    if isinstance(outcome, TransitionRefused):
        return TransitionRefused(outcome.transition, lean(outcome.job), outcome.why)
    return outcome
