"""Cancels jobs: at once if the job is not running, else by asking its worker to stop it.

Only the worker may end a RUNNING job, so for such a job a request is stored. The worker sees it at its next heartbeat.
A worker that does not react is handled by the reaper after a grace period. A RUNNING job outside has no worker, so it
is cancelled at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain.callers import Caller
from tidegate.domain.errors import (
    AlreadyEnded,
    InvalidRequest,
    NotFound,
    ServiceUnavailable,
    TooFarDownstream,
)
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfInState,
    Ending,
    FinishIfOutside,
    RequestCancelIfRunning,
    Stamp,
    Transition,
    TransitionRefused,
)
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import JOBS_AT_ONCE, lean_outcome, portions
from tidegate.usecases.callers.ownership import refuse_foreign_jobs, refuse_foreign_workflow
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.recover.whole_workflow import accepted_workflow, read_jobs_of
from tidegate.usecases.release.downstream import downstream_of
from tidegate.usecases.services import Services

_TRIES = 5  # a refused write means that the job changed state meanwhile, and it passes through few states
_REASON = "cancellation asked for"
_CURSOR = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Counts the jobs of one call by outcome.

    `cancelled` jobs are CANCELLED now. `asked` jobs are RUNNING and their workers were asked to stop. `ended` jobs had
    ended before. `left` jobs were not reached in time. `cursor` tells the next call where to continue; it is None if
    nothing is left, or if the same call can simply be repeated.
    """

    cancelled: int
    asked: int
    ended: int
    left: int = 0
    cursor: str | None = None


def cancel_job(services: Services, job_id: str, *, caller: Caller, now_ms: int) -> Job:
    """Cancels a job, or asks its worker to stop it; returns the job as it is afterwards. Safe to repeat.

    The job's history names the caller. Raises NotFound, also while the job's workflow is not accepted yet; NotYours;
    AlreadyEnded if the job ended in another state; ServiceUnavailable if the job kept changing meanwhile.
    """
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    (outcome,) = cancel_all(services, [job], Stamp(now_ms, caller.display, _REASON))
    raise_first_failure([outcome])
    if not isinstance(outcome, Job):
        raise NotFound("job", job_id)
    if outcome.is_terminal and outcome.state is not State.CANCELLED:
        raise AlreadyEnded(job_id, outcome.state)
    return outcome


def cancel_downstream(
    services: Services, job_id: str, *, caller: Caller, now_ms: int, until: Deadline = NEVER
) -> tuple[Job, Cancelled]:
    """Cancels a job and all jobs that wait on it, directly or through others, also those of later submissions.

    A job that has ended may still have open jobs downstream, so an ended job is no error here. The job itself is
    cancelled last. If the deadline `until` comes first, the job is left as it is and the same call can be repeated.
    Returns the job as it is afterwards and the counts of the others.
    Raises NotFound; NotYours if one of the jobs that have not ended belongs to another namespace, and TooFarDownstream
    if there are more jobs than one call can find, both before any is cancelled;
    ServiceUnavailable or ServiceRefused if some jobs could not be written: the same call continues with them.
    """
    job = find_job(services, job_id)
    found = downstream_of(services, [job])
    if not found.complete:
        raise TooFarDownstream(job_id, len(found.jobs))
    refuse_foreign_jobs(services, caller, [job, *(each for each in found.jobs if not each.is_terminal)])
    # Downstream jobs first, else the end of an upstream could make one of them READY.
    stamp = Stamp(now_ms, caller.display, _REASON)
    jobs = [each for each in reversed(found.jobs) if not each.is_terminal]
    outcomes: list[TransitionOutcome] = []
    for portion in while_time(portions(jobs), until):
        outcomes += [lean_outcome(outcome) for outcome in cancel_all(services, portion, stamp)]
    left = len(jobs) - len(outcomes)
    last: TransitionOutcome = job
    if not left:
        (last,) = cancel_all(services, [job], stamp)
    raise_first_failure([*outcomes, last])
    counted = _counted(jobs[: len(outcomes)], outcomes)
    counted = replace(counted, ended=counted.ended + len(found.jobs) - len(jobs), left=left)
    return last if isinstance(last, Job) else job, counted


def cancel_workflow(
    services: Services,
    workflow_id: str,
    *,
    caller: Caller,
    now_ms: int,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> Cancelled:
    """Cancels every job of a workflow that has not ended, the last submitted first. Safe to repeat.

    If the deadline `until` comes first, the answer has a `cursor` with which the next call continues. Each job is
    counted by one call only. Returns the counts.
    Raises NotFound, also while the workflow is not accepted yet; NotYours; InvalidRequest for a malformed cursor;
    ServiceUnavailable or ServiceRefused if some jobs could not be written: the others are cancelled, and the same
    call continues with the rest.
    """
    submission = accepted_workflow(services, workflow_id, now_ms)
    refuse_foreign_workflow(services, caller, submission)
    left = submission.job_count if cursor is None else _place_of(cursor, submission.job_count)
    stamp = Stamp(now_ms, caller.display, _REASON)
    total = Cancelled(0, 0, 0)
    outcomes: list[TransitionOutcome] = []
    for first in while_time(range((left - 1) // JOBS_AT_ONCE * JOBS_AT_ONCE, -1, -JOBS_AT_ONCE), until):
        before = read_jobs_of(services, workflow_id, range(left - 1, first - 1, -1))
        after = [lean_outcome(outcome) for outcome in cancel_all(services, before, stamp)]
        total = _sum(total, _counted(before, after))
        outcomes += [outcome for outcome in after if not isinstance(outcome, Job)]
        left = first
    raise_first_failure(outcomes)
    return replace(total, left=left, cursor=str(left) if left else None)


def _place_of(cursor: str, job_count: int) -> int:
    if not _CURSOR.fullmatch(cursor) or not 1 <= int(cursor) <= job_count:
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    return int(cursor)


def _sum(one: Cancelled, other: Cancelled) -> Cancelled:
    return Cancelled(one.cancelled + other.cancelled, one.asked + other.asked, one.ended + other.ended)


def cancel_all(services: Services, jobs: Sequence[Job], stamp: Stamp) -> list[TransitionOutcome]:
    """Cancels the jobs that have not ended, or asks their workers to.

    Returns outcomes in the order of `jobs`: each job as it is now, or the error that left its state unknown.
    """
    outcomes: list[TransitionOutcome] = [*jobs]
    open_places = [place for place, job in enumerate(jobs) if not job.is_terminal]
    for _ in range(_TRIES):
        standing = (outcomes[place] for place in open_places)
        transitions = [_transition(services, job, stamp) for job in standing if isinstance(job, Job)]
        if not transitions:
            return outcomes
        left = []
        for place, outcome in zip(open_places, services.jobs.apply_all(transitions), strict=True):
            outcomes[place] = outcome.job if isinstance(outcome, TransitionRefused) else outcome
            if isinstance(outcome, TransitionRefused) and not outcome.job.is_terminal:
                left.append(place)
        open_places = left
    for place in open_places:
        outcomes[place] = ServiceUnavailable(
            f"job {jobs[place].job_id} kept changing while it was being cancelled; cancel it again"
        )
    return outcomes


def _transition(services: Services, job: Job, stamp: Stamp) -> Transition:
    if job.state is State.RUNNING and not job.is_outside:
        return RequestCancelIfRunning(job, stamp)
    when = "before it ran again" if job.was_started else "before it ran"
    if job.is_outside:
        when = "while it was outside"
    ending = Ending(
        State.CANCELLED,
        failure=JobFailure("cancelled", f"cancelled by {stamp.actor} {when}"),
        expires_at_s=services.settings.expires_at_s(stamp.now_ms),
    )
    if job.is_outside and job.outside is not None:
        return FinishIfOutside(job, job.outside, ending, stamp)
    return CancelIfInState(job, ending, stamp)


def _counted(before: Sequence[Job], after: Sequence[TransitionOutcome]) -> Cancelled:
    pairs = [(job, now) for job, now in zip(before, after, strict=True) if isinstance(now, Job)]
    asked = sum(_is_asked(now) for _, now in pairs)
    # A job that was cancelled and is open again was reopened since; this call still cancelled it.
    cancelled = sum(
        not job.is_terminal and not _is_asked(now) and (now.state is State.CANCELLED or not now.is_terminal)
        for job, now in pairs
    )
    return Cancelled(cancelled, asked, ended=len(before) - cancelled - asked)


def _is_asked(job: Job) -> bool:
    return job.state is State.RUNNING and job.cancel_requested_at_ms is not None
